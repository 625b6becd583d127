"""Large answers that were made before they are asked for, and what came after them.

What takes the database seconds is made once, packed and kept; every answer carries with it all that came
since, which takes some milliseconds: so it is as true as one that was made for whoever asks.
"""

import asyncio
import gzip
import json
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, Self, cast

from fastapi import Request
from fastapi.responses import Response

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.settings import DashboardSettings
from dashboard.wire.columnar import pack
from dashboard.wire.compact_json import Json
from storage.postgres.pool import Conn, Pool, StorageError, transaction

PACKED = "application/octet-stream"
"""The form of `dashboard.wire.columnar`."""


RENEW_AFTER = timedelta(minutes=5)
"""Readings that were recorded very late change the past of what is kept, which no news tells."""
FORGET_AFTER = timedelta(hours=1)
"""What nobody asked for is not kept; the usual one is renewed so often even then."""
LOOK_EVERY_S = 5.0
BEGIN_AT_MOST_S = 120.0
LEVEL = 6
"""Of compression."""
_GZIP = 31


class _Stream(Protocol):
    """A compressor of zlib."""

    def copy(self) -> Self: ...
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


@dataclass(slots=True)
class CachedAnswer:
    """One answer, packed."""

    event_id: int
    """The newest live event that it knows."""
    at: datetime
    accounts: frozenset[object]
    rosters: frozenset[str]
    """Numbers of those whose accounts it tells."""
    parts: frozenset[str]
    """The names of what it consists of."""
    start: bytes
    """The beginning of a gzip stream, up to where something can be appended."""
    open_stream: _Stream
    asked_at: datetime
    renew_after: timedelta
    """At this age it is made again while browsers ask for it."""
    lasts: timedelta
    """At this age it is made again even if no browser asks for it, because messages do not make up for it."""


@dataclass(slots=True)
class AnswerCache(ABC):
    """Answers by name. `run` keeps those that are asked for current, so that nobody waits for them."""

    usual: ClassVar[str]
    """The name of the answer that is made before anybody asks."""
    tables: ClassVar[Sequence[str]]
    """The parts of an answer that are packed as columns."""

    pool: Pool
    clock: Callable[[], datetime]
    settings: DashboardSettings
    made: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once there is an answer."""
    begin_after: asyncio.Event | None = None
    """The usual answer is prepared only when this is set, or after `BEGIN_AT_MOST_S`; None: at once. A reader
    who asks before that does not wait for it.
    """
    _kept: dict[str, CachedAnswer] = field(default_factory=dict[str, CachedAnswer])
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    @abstractmethod
    async def body(self, conn: Conn, name: str, now: datetime) -> Json:
        """All of it. It has an "id", the newest live event, and "accounts" with a column "id"."""

    @abstractmethod
    def rosters(self, body: Json) -> frozenset[str]:
        """Numbers of the rosters whose accounts the body tells."""

    def lasting(self, body: Json) -> tuple[timedelta, timedelta]:
        """After how long an answer is made again: while it is asked for, and in any case."""
        del body
        return RENEW_AFTER, FORGET_AFTER

    @abstractmethod
    async def since(self, conn: Conn, kept: CachedAnswer, now: datetime) -> Json:
        """What came after it; "reload" in it says that it is too much."""

    @abstractmethod
    def lacks(self, kept: CachedAnswer, news: Json) -> bool:
        """Whether the news speaks of what the kept one does not hold, so that a new one has to be made."""

    async def answer(self, conn: Conn, name: str, now: datetime | None = None) -> bytes:
        """The answer as of `now` (None: what the clock shows), packed and compressed by gzip."""
        kept = self._kept.get(name) or await self._make(conn, name, None)
        news = await self.since(conn, kept, now or self.clock())
        if self.lacks(kept, news):
            kept = await self._make(conn, name, kept)
            news = await self.since(conn, kept, now or self.clock())
        kept.asked_at = self.clock()
        rest = kept.open_stream.copy()
        text = json.dumps(news, separators=(",", ":")).encode()
        return kept.start + rest.compress(text) + rest.flush()

    def reading(self) -> AbstractAsyncContextManager[Conn]:
        """A transaction to make answers in before they are asked for."""
        return transaction(self.pool)

    async def run(self) -> None:
        """Make the usual answer before somebody asks, and renew in time those that are asked for."""
        if self.begin_after is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.begin_after.wait(), BEGIN_AT_MOST_S)
        while True:
            try:
                async with self.reading() as conn:
                    await self._renew(conn)
            except StorageError:
                pass  # the pages say so, and the next look makes up for it
            await asyncio.sleep(LOOK_EVERY_S)

    async def _renew(self, conn: Conn) -> None:
        if not self._kept:
            await self._make(conn, self.usual, None)
        for name, kept in list(self._kept.items()):
            now = self.clock()
            is_wanted = now - kept.asked_at <= FORGET_AFTER
            if not is_wanted and name != self.usual:
                del self._kept[name]
            elif now - kept.at > (kept.renew_after if is_wanted else kept.lasts) or (
                is_wanted and self.lacks(kept, await self.since(conn, kept, now))
            ):
                await self._make(conn, name, kept)

    async def _make(self, conn: Conn, name: str, instead_of: CachedAnswer | None) -> CachedAnswer:
        """A new one, unless somebody else made it while we waited."""
        async with self._making:
            known = self._kept.get(name)
            if known is not None and known is not instead_of:
                return known
            now = self.clock()
            body = await self.body(conn, name, now)
            start, stream = await off_loop(_compressed, body, self.tables)
            renew_after, lasts = self.lasting(body)
            self._kept[name] = made = CachedAnswer(
                event_id=cast("int", body["id"]),
                at=now,
                accounts=frozenset(cast("dict[str, list[object]]", body["accounts"])["id"]),
                rosters=self.rosters(body),
                parts=frozenset(body),
                start=start,
                open_stream=stream,
                asked_at=now if instead_of is None else instead_of.asked_at,
                renew_after=renew_after,
                lasts=lasts,
            )
            self.made.set()
            return made


def _compressed(body: Json, tables: Sequence[str]) -> tuple[bytes, _Stream]:
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    return stream.compress(pack(body, tables)) + stream.flush(zlib.Z_SYNC_FLUSH), stream


def packed(request: Request, body: bytes) -> Response:
    """A packed answer that was compressed by gzip, to whoever takes it so or not."""
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(body), media_type=PACKED)
    return Response(body, media_type=PACKED, headers={"content-encoding": "gzip", "vary": "accept-encoding"})

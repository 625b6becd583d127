"""The first answer to an open live page: a snapshot that was made before, and what came after it.

A snapshot of 10,000 accounts takes the database a second, and what changed since takes it some
milliseconds. So a snapshot of each range that is looked at is kept, packed, and every answer carries with it
all that the browser would have been pushed since: it is as true as one made for it alone, and its event ids
say what it knows.
"""

import asyncio
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, Self, cast

from dashboard.encode import Json, ms, snapshot_json, span_ms
from dashboard.encode_context import context_json, detectors_json
from dashboard.live import catch_up, context
from dashboard.packed import pack
from dashboard.settings import DashboardSettings
from storage.db import Conn, Pool, StorageError, transaction
from storage.reports import snapshot
from storage.reports_before import before
from storage.reports_health import detectors
from storage.reports_kpis import kpis

RANGES = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
    "30d": timedelta(days=30),
    "1y": timedelta(days=365),
    "all": None,
}
USUAL = "14d"
"""The range that a page shows when its address names none."""
STRIP = timedelta(days=30)
"""How far back the strip above the board goes at least."""
STRIP_STEP = timedelta(hours=3)
RENEW_AFTER = timedelta(minutes=5)
"""Readings that were recorded very late change the past of a snapshot, which no news tells."""
FORGET_AFTER = timedelta(hours=1)
"""A range that nobody asked for is not kept current."""
LOOK_EVERY_S = 5.0
_LEVEL = 6
_GZIP = 31


async def live_json(conn: Conn, range_name: str, now: datetime, settings: DashboardSettings) -> Json:
    """The live page of one range. Raises KeyError for a range that is not in `RANGES`."""
    span = RANGES[range_name]
    shot = await snapshot(conn, None if span is None else now - span, now, settings.gap_after)
    counts = await kpis(conn, now, settings.sweep_every)
    since = now - span if span is not None else shot.earliest or now
    earlier = await before(conn, min(since, now - STRIP), since, STRIP_STEP)
    return {
        **snapshot_json(shot, counts, now, since, settings.sweep_every, settings.gap_after),
        **context_json(shot.lists, shot.orders, shot.events, shot.executives),
        "detectors": detectors_json(await detectors(conn, now), now, settings.gap_after),
        "before": {
            "from": ms(earlier.since),
            "step": span_ms(earlier.step),
            "blocked": earlier.blocked,
            "restored": earlier.restored,
        },
    }


class _Stream(Protocol):
    """A compressor of zlib."""

    def copy(self) -> Self: ...
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


@dataclass(slots=True)
class _Kept:
    """A snapshot, packed."""

    event_id: int
    at: datetime
    start: bytes
    """The beginning of a gzip stream, up to where something can be appended."""
    open_stream: _Stream
    accounts: frozenset[object]
    rosters: frozenset[object]
    asked_at: datetime

    def lacks(self, news: Json) -> bool:
        """Whether the news speaks of what this snapshot does not hold, so that a new one has to be made."""
        changes = cast("dict[str, list[object]]", news.get("changes", {"account": []}))
        reads = cast("list[list[object]]", news.get("reads", []))
        return (
            "reload" in news
            or not self.accounts.issuperset(changes["account"])
            or not self.rosters.issuperset(str(roster) for roster, _, _, single in reads if single is None)
        )


@dataclass(slots=True)
class Boards:
    """Answers for open pages. `run` keeps those that are looked at current, so that nobody waits for it."""

    pool: Pool
    clock: Callable[[], datetime]
    settings: DashboardSettings
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept])
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, conn: Conn, range_name: str) -> bytes:
        """The live page of one range as of now, packed and compressed by gzip."""
        kept = self._kept.get(range_name) or await self._make(conn, range_name, None)
        news = await self._since(conn, kept)
        if kept.lacks(news):
            kept = await self._make(conn, range_name, kept)
            news = await self._since(conn, kept)
        kept.asked_at = self.clock()
        rest = kept.open_stream.copy()
        text = json.dumps(news, separators=(",", ":")).encode()
        return kept.start + rest.compress(text) + rest.flush()

    async def run(self) -> None:
        """Make the usual answer before somebody asks, and renew in time those that are asked for."""
        while True:
            try:
                async with transaction(self.pool) as conn:
                    await self._renew(conn)
            except StorageError:
                pass  # the pages say so, and the next look makes up for it
            await asyncio.sleep(LOOK_EVERY_S)

    async def _renew(self, conn: Conn) -> None:
        if not self._kept:
            await self._make(conn, USUAL, None)
        for name, kept in list(self._kept.items()):
            now = self.clock()
            if now - kept.asked_at > FORGET_AFTER and name != USUAL:
                del self._kept[name]
            elif now - kept.asked_at <= FORGET_AFTER and (
                now - kept.at > RENEW_AFTER or kept.lacks(await self._since(conn, kept))
            ):
                await self._make(conn, name, kept)

    async def _since(self, conn: Conn, kept: _Kept) -> Json:
        """What a browser that holds this snapshot would have been told since, and all that is small."""
        now, sweep = self.clock(), self.settings.sweep_every
        # Readings of the last two sweeps may have been recorded after others: they are told again.
        news = await catch_up(conn, kept.event_id, kept.at - 2 * sweep, now, sweep)
        return news if "reload" in news else news | await context(conn, now)

    async def _make(self, conn: Conn, range_name: str, instead_of: _Kept | None) -> _Kept:
        """A new snapshot, unless somebody else made one while we waited."""
        async with self._making:
            known = self._kept.get(range_name)
            if known is not None and known is not instead_of:
                return known
            now = self.clock()
            body = await live_json(conn, range_name, now, self.settings)
            start, stream = await asyncio.to_thread(_compressed, body)
            made = _Kept(
                event_id=cast("int", body["id"]),
                at=now,
                start=start,
                open_stream=stream,
                accounts=frozenset(cast("dict[str, list[object]]", body["accounts"])["id"]),
                rosters=frozenset(cast("dict[str, dict[str, object]]", body["coverage"])["rosters"]),
                asked_at=now,
            )
            self._kept[range_name] = made
            return made


def _compressed(body: Json) -> tuple[bytes, _Stream]:
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return stream.compress(pack(body)) + stream.flush(zlib.Z_SYNC_FLUSH), stream

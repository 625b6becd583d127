"""Events that a platform pushes. An event causes an early reading of the account; it never sets a status.

Each shard of a platform listens for its own accounts and keeps its own position, because the leader that
holds an account is the one that reads it early. So one connection covers as many accounts as before, for each
shard.
"""

import asyncio
import logging
import random
from collections.abc import Collection
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Protocol

from collectors.core.abilities import EventStream, StreamLost
from jobs.base.clock import Clock
from jobs.collect.monitor import Monitor
from storage.model.core.accounts import Platform
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.units import span
from storage.postgres.pool import Pool, StorageError, transaction
from storage.readings import stream_cursors

log = logging.getLogger(__name__)

_SAVE_EVERY = timedelta(seconds=10)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_LASTED = timedelta(minutes=1)
"""A connection that lasted this long counts as good, so the pause before the next one is short."""


class Listener(Protocol):
    """What listens to a platform in the process that plans its readings, and in no other."""

    def renew(self) -> None:
        """Listen from now on, with the accounts watched now."""
        ...

    def let_go(self) -> None:
        """Stop listening until the next `renew`."""
        ...

    async def run(self) -> None:
        """Listen between `renew` and `let_go`, until cancelled."""
        ...


class EventListener:
    """Listens for events between `renew` and `let_go`, while `run` is active.

    Accounts beyond those that one connection can carry are covered by scheduled reads only.
    """

    def __init__(
        self, pool: Pool, platform: Platform, stream: EventStream, monitor: Monitor, clock: Clock
    ) -> None:
        self._pool = pool
        self._platform = platform
        self._stream = stream
        self._monitor = monitor
        self._clock = clock
        self._renewed = asyncio.Event()
        self._is_wanted = False
        self._lost_at: datetime | None = None
        self._dice = random.SystemRandom()

    def renew(self) -> None:
        """Start listening for events about the accounts watched now. If already listening, switch to these
        accounts.
        """
        self._is_wanted = True
        self._renewed.set()

    def let_go(self) -> None:
        """Stop listening until the next `renew`. In the meantime, another process may listen and store its
        position.
        """
        self._is_wanted = False
        self._renewed.set()

    async def run(self) -> None:
        """Listen until cancelled. Log a lost connection once, and log its recovery."""
        while True:
            await self._renewed.wait()
            self._renewed.clear()
            if not self._is_wanted:
                continue
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen())
                await self._renewed.wait()
                listening.cancel()

    async def _listen(self) -> None:
        ids = sorted(account.native_id for account in self._monitor.accounts().values())
        if not ids:
            return
        most = self._stream.most_accounts
        if len(ids) > most:
            log.warning(
                "%d accounts are watched on %s; the event stream covers the first %d.",
                len(ids),
                PLATFORM_NAME[self._platform],
                most,
                extra={"event": "event_stream_limited", "watched": len(ids)},
            )
        pause = _FIRST_PAUSE_S
        while True:
            began = self._clock()
            try:
                await self._follow(ids[:most], await self._position(began))
            except (StreamLost, StorageError) as lost:
                if self._lost_at is None:
                    log.warning(
                        "%s event stream failed: %s",
                        PLATFORM_NAME[self._platform],
                        lost,
                        extra={"event": "event_stream_failed"},
                    )
                    self._lost_at = self._clock()
            if self._clock() - began > _LASTED:
                pause = _FIRST_PAUSE_S
            await asyncio.sleep(self._dice.uniform(0, pause))
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _position(self, now: datetime) -> str:
        """Return the stored cursor if the stream still has the events since then. Otherwise, or if no cursor
        is stored, request a reading of all accounts and return the cursor of `now`.
        """
        async with transaction(self._pool) as conn:
            shard = self._monitor.shard.index
            position = await stream_cursors.position(conn, self._platform, shard)
            if position is not None and self._stream.covers(position.cursor, now):
                return position.cursor
            self._monitor.read_everybody_now()
            cursor = self._stream.cursor_at(now)
            await stream_cursors.save_position(conn, self._platform, cursor, now, shard)
        return cursor

    async def _follow(self, native_ids: Collection[str], cursor: str) -> None:
        saved_at: datetime | None = None
        async with aclosing(self._stream.events(native_ids, cursor)) as events:
            async for event in events:
                if self._lost_at is not None:
                    log.info(
                        "%s event stream recovered after %s",
                        PLATFORM_NAME[self._platform],
                        span(self._clock() - self._lost_at),
                        extra={"event": "event_stream_recovered"},
                    )
                    self._lost_at = None
                await self._monitor.read_now([event.native_id])
                now = self._clock()
                if saved_at is None or now >= saved_at + _SAVE_EVERY:
                    async with transaction(self._pool) as conn:
                        await stream_cursors.save_position(
                            conn, self._platform, event.cursor, now, self._monitor.shard.index
                        )
                    saved_at = now

"""What a process does only while it is the one that plans."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import suppress
from datetime import datetime

from collectors.bluesky.wire.jetstream import StreamEvent
from collectors.x.declaration import X
from jobs.collect.event_stream import EventListener
from jobs.config.settings import settings_from
from jobs.dispatch.answer_intake import AnswerIntake
from jobs.runtime.leader import LeaderLoop
from storage.postgres.locks import Lock
from storage.postgres.pool import Pool
from tests.support.pipelines.monitor import World


class Silent:
    """A stream on which nothing happens."""

    most_accounts = 10

    def __init__(self) -> None:
        self.listeners: list[tuple[str, ...]] = []
        self._changed = asyncio.Event()

    def cursor_at(self, at: datetime) -> str:
        return at.isoformat()

    def covers(self, cursor: str, now: datetime) -> bool:
        return True

    async def events(self, native_ids: Collection[str], cursor: str | None) -> AsyncGenerator[StreamEvent]:
        listener = tuple(native_ids)
        self._note([*self.listeners, listener])
        try:
            await asyncio.Event().wait()
            for event in list[StreamEvent]():
                yield event
        finally:
            self._note([one for one in self.listeners if one is not listener])

    async def has(self, listeners: int) -> None:
        """Wait until that many listen; the test's own time limit is the bound."""
        while len(self.listeners) != listeners:
            self._changed.clear()
            await self._changed.wait()

    def _note(self, listeners: list[tuple[str, ...]]) -> None:
        self.listeners = listeners
        self._changed.set()


async def test_events_are_heard_by_the_process_that_plans_and_by_no_other(pool: Pool, dsn: str) -> None:
    world, stream, lock = World(pool), Silent(), Lock(dsn, "poll x")
    await world.enlist(["1"])
    monitor = await world.start()
    push = EventListener(pool, X, stream, monitor, world.clock)
    leader = LeaderLoop(
        settings_from({}),
        lock,
        pool,
        world.platform,
        monitor,
        {},
        [push],
        AnswerIntake(""),
        world.clock,
        lambda: True,
    )
    listening = asyncio.ensure_future(push.run())
    async with asyncio.timeout(200):
        await leader.turn()
        await stream.has(1)

        await leader.release()
        await stream.has(0)

        await leader.turn()
        await stream.has(1)
        await leader.release()
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening

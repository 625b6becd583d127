"""Events that are pushed bring a reading forward; they are never believed as a status."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import pytest

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.jetstream import Jetstream
from collectors.bluesky.simulator.app import BlueskyServer, serve_bluesky
from collectors.bluesky.simulator.simulator import BLUESKY_CANARIES
from collectors.simulator.history import History, HistoryAccount, settled
from collectors.transport.client import HttpOptions, Retry
from jobs.base.clock import SimulatedClock
from jobs.collect.event_stream import EventListener
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import CHANGES
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, minutes

DID = "did:plc:pushed222222222222222222"
OTHER = "did:plc:quiet2222222222222222222"
DAY = Sweep(timedelta(days=1), T0)


class Listening:
    """A monitor that reads once a day, and what it is pushed."""

    def __init__(self, pool: Pool, server: BlueskyServer, collector: BlueskyCollector) -> None:
        self.pool, self.server = pool, server
        self.clock = SimulatedClock(T0)
        self.monitor = reading_pipeline(pool, collector, ConfirmationRule(), MonitorSettings(DAY), self.clock)
        self.push = EventListener(pool, BLUESKY, Jetstream(server.stream_url), self.monitor, self.clock)

    def move_to(self, at: datetime) -> None:
        self.clock.set(at)
        self.server.set_clock(at)

    async def called_for(self) -> None:
        """Wait until an event has made something due; the test's own time limit is the bound."""
        while True:
            if self.monitor.next_due() <= self.clock():
                return
            await asyncio.sleep(0.01)

    async def changes(self) -> list[tuple[object, ...]]:
        async with transaction(self.pool) as conn:
            return [tuple(r) for r in await conn.fetch(CHANGES)]


def account(did: str, taken_down_at: datetime | None) -> HistoryAccount:
    seen = [(T0 - timedelta(days=9), AVAILABLE, "somebody.test")]
    if taken_down_at is not None:
        seen.append((taken_down_at, SUSPENDED, "somebody.test"))
    return settled(BLUESKY, did, seen)


@asynccontextmanager
async def listening(pool: Pool, taken_down_at: datetime | None) -> AsyncGenerator[Listening]:
    history = History((account(DID, taken_down_at), account(OTHER, None), *BLUESKY_CANARIES))
    async with transaction(pool) as conn:
        named = [(c.native_id, c.handles[0], c.states[0].status) for c in BLUESKY_CANARIES]
        await set_canaries(conn, BLUESKY, named, T0)
        await add_accounts(conn, [NewAccount(BLUESKY, d, d) for d in (DID, OTHER)], T0)
    http = HttpOptions(retry=Retry(attempts=0))
    async with (
        serve_bluesky(history, now=T0) as server,
        BlueskyCollector(app_view=server.base_url, plc=server.base_url, http=http) as collector,
    ):
        one = Listening(pool, server, collector)
        await one.monitor.load()
        await one.monitor.tick()
        running = asyncio.ensure_future(one.push.run())
        one.push.renew()
        try:
            await server.heard()
            await one.monitor.tick()  # a stream that was never read: everybody is read again
            yield one
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def test_a_pushed_takedown_is_read_at_once_and_confirmed_by_readings(pool: Pool) -> None:
    async with listening(pool, minutes(30)) as one:
        one.move_to(minutes(31))
        await one.called_for()
        assert await one.changes() == [], "the event alone is no status"
        await one.monitor.tick()
        assert await one.changes() == [(DID, "block", "suspended", None, None)]
        one.move_to(minutes(33))
        await one.monitor.tick()
        assert await one.changes() == [(DID, "block", "suspended", "confirmed", "enough_strong")]


async def test_only_the_account_that_an_event_names_is_read(pool: Pool) -> None:
    async with listening(pool, minutes(30)) as one:
        before = one.monitor.tally.readings
        one.move_to(minutes(31))
        await one.called_for()
        await one.monitor.tick()
        assert one.monitor.tally.readings == before + 1


async def test_after_a_lost_connection_the_stream_continues_where_it_stopped(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(pool, minutes(30)) as one:
        one.server.cut_streams()
        one.move_to(minutes(31))
        await one.server.heard()
        await one.called_for()
        await one.monitor.tick()
        assert await one.changes() == [(DID, "block", "suspended", None, None)]
    assert sum("event stream failed" in r.message for r in caplog.records) <= 1


async def test_accounts_that_are_added_later_are_listened_for_too(pool: Pool) -> None:
    async with listening(pool, minutes(30)) as one:
        async with transaction(pool) as conn:
            await conn.execute("update account set watched = false where native_id = $1", OTHER)
        await one.monitor.load()
        one.push.renew()
        await one.server.heard()
        one.move_to(minutes(31))
        await one.called_for()
        await one.monitor.tick()
        assert await one.changes() == [(DID, "block", "suspended", None, None)]

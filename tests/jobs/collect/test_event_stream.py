"""Events that are pushed bring a reading forward; they are never believed as a status."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from dash.development.base_component import Component

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.jetstream import Jetstream
from collectors.bluesky.simulator.app import BlueskyServer, serve_bluesky
from collectors.bluesky.simulator.simulator import BLUESKY_CANARIES
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import APP_VIEW_ONLY, History, HistoryAccount, settled
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from jobs.base.clock import SimulatedClock
from jobs.collect.event_stream import EventListener
from jobs.collect.monitor import MonitorSettings
from jobs.collect.past_handles import HandleRecords
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.model.core.availability import State, Status
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.clients.page_walker import said
from tests.support.pipelines.monitor import CHANGES
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, minutes
from tests.support.servers.dashboard import SETTINGS, page_of

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


STATUSES_DAY = datetime(2021, 2, 1, tzinfo=UTC)
START, NOW = (
    STATUSES_DAY + timedelta(hours=6),
    STATUSES_DAY + timedelta(hours=13, minutes=5),
)
AT = STATUSES_DAY + timedelta(hours=11, minutes=10)
OUTAGE = STATUSES_DAY + timedelta(hours=12, minutes=40)
IN_TURKEY = State(Status.WITHHELD, ("TR",))
STORIES: dict[str, tuple[State, State]] = {
    "restricted": (AVAILABLE, IN_TURKEY),
    "lifted": (IN_TURKEY, AVAILABLE),
    "hidden": (AVAILABLE, SUSPENDED),
    "left": (AVAILABLE, State(Status.DEACTIVATED)),
    "erased": (AVAILABLE, NOT_FOUND),
    "renamed": (AVAILABLE, AVAILABLE),
    "unreachable": (AVAILABLE, NOT_FOUND),
    "quiet": (AVAILABLE, AVAILABLE),
}


def did(name: str) -> str:
    return f"did:plc:{name:a<24}"


def told(name: str) -> HistoryAccount:
    old, new = STORIES[name]
    at = OUTAGE + timedelta(minutes=5) if name == "unreachable" else AT
    later = "new.example" if name == "renamed" else f"{name}.example"
    seen = [(START - timedelta(days=1), old, f"{name}.example"), (at, new, later)]
    details = {at: APP_VIEW_ONLY} if name == "hidden" else {}
    return settled(BLUESKY, did(name), seen, details=details)


@dataclass(frozen=True, slots=True)
class HostOutage(FaultPlan):
    """From `OUTAGE` on, the server that holds the accounts answers 503; the app itself works."""

    def of(self, now: datetime, request: str) -> FaultKind | None:
        return FaultKind.HOST_DOWN if now >= OUTAGE else None


async def watch(pool: Pool, server: BlueskyServer) -> None:
    """Read everybody every half hour."""
    clock = SimulatedClock(START)
    host = server.base_url.removeprefix("http://")
    http = HttpOptions(retry=Retry(attempts=0), guard=Guard({host}))
    async with BlueskyCollector(app_view=server.base_url, plc=server.base_url, http=http) as collector:
        settings = MonitorSettings(Sweep(timedelta(minutes=30), START))
        monitor = reading_pipeline(pool, collector, ConfirmationRule(), settings, clock)
        handles = HandleRecords(pool, BLUESKY, collector, clock)
        await monitor.load()
        await handles.load()
        now = START
        while now <= NOW:
            clock.set(now)
            server.set_clock(now)
            await monitor.tick()
            if (due := handles.next_due()) is not None and due <= now:
                await handles.tick()
            now = max(monitor.next_due(), now + timedelta(seconds=1))


async def played(pool: Pool) -> dict[str, int]:
    """Play every story to its end; returns the number of each account."""
    accounts = [told(name) for name in STORIES]
    async with transaction(pool) as conn:
        named = [(c.native_id, c.handles[0], c.states[0].status) for c in BLUESKY_CANARIES]
        await set_canaries(conn, BLUESKY, named, START)
        new = [NewAccount(BLUESKY, a.native_id, a.handles[0], ("Desk",)) for a in accounts]
        await add_accounts(conn, new, START)
    history = History((*accounts, *BLUESKY_CANARIES))
    async with serve_bluesky(history, now=START, faults=HostOutage()) as server:
        await watch(pool, server)
    async with transaction(pool) as conn:
        rows = await conn.fetch("select account_id, native_id from account where watched")
    ids = {r["native_id"]: r["account_id"] for r in rows}
    return {name: ids[did(name)] for name in STORIES}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drawn(fresh_database: Callable[[], AbstractContextManager[str]]) -> dict[str, Component]:
    """Each account's page, by story."""
    with fresh_database() as dsn:
        async with open_pool(dsn) as pool:
            ids = await played(pool)
            async with transaction(pool) as conn:
                return {
                    name: await page_of(conn, f"/account/{account_id}", NOW, SETTINGS, "light")
                    for name, account_id in ids.items()
                }


@pytest.fixture(scope="module")
def pages(drawn: dict[str, Component]) -> dict[str, str]:
    """The words of each account's page, by story."""
    return {name: said(page) for name, page in drawn.items()}


WINDOW = "1 Feb 2021, between 11:00 and 11:30 UTC"
SENTENCES = {
    "restricted": f"Restricted in TR (Bluesky app). Changed {WINDOW}.",
    "lifted": f"Available. Before: restricted in TR (Bluesky app). Changed {WINDOW}.",
    "hidden": f"Taken down in the Bluesky app only; its own server still serves it. Changed {WINDOW}.",
    "left": f"Deactivated by its owner. Changed {WINDOW}.",
    "erased": f"Deleted: its server no longer holds it. Changed {WINDOW}.",
    "renamed": f"Renamed from @renamed.example to @new.example: {WINDOW}. It is the same account.",
    "unreachable": "Its server, or the directory that leads to it, does not answer. First missed 1 Feb 2021, "
    "13:00 UTC; last read 1 Feb 2021, 12:30 UTC. No later status is known.",
}


@pytest.mark.parametrize("story", SENTENCES)
def test_each_of_seven_statuses_has_its_own_sentence(pages: dict[str, str], story: str) -> None:
    assert SENTENCES[story] in pages[story]
    # The server that does not answer held the deleted account too, and its page says so as well.
    same = {story, "erased"} if story == "unreachable" else {story}
    others = [page for name, page in pages.items() if name not in same]
    assert not [page for page in others if SENTENCES[story] in page]

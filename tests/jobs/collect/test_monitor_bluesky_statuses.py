# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
"""Seven things that can happen to an account on Bluesky, and the sentence that its page says of each.

They are played by the simulator, read by the collector, judged, stored, and shown.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from dash.development.base_component import Component

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.app import BlueskyServer, serve_bluesky
from collectors.bluesky.simulator.simulator import BLUESKY_CANARIES
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import APP_VIEW_ONLY, History, HistoryAccount, settled
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from jobs.base.clock import SimulatedClock
from jobs.collect.monitor import MonitorSettings
from jobs.collect.past_handles import HandleRecords
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.model.core.availability import State, Status
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.clients.page_text import said
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED
from tests.support.servers.dashboard import SETTINGS, page_of

DAY = datetime(2021, 2, 1, tzinfo=UTC)
START, NOW = DAY + timedelta(hours=6), DAY + timedelta(hours=13, minutes=5)
AT = DAY + timedelta(hours=11, minutes=10)
OUTAGE = DAY + timedelta(hours=12, minutes=40)
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

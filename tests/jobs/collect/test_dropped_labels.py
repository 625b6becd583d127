"""A server that names the labelers as heard and leaves out their labels lifts no restriction.

Bluesky is played by the simulator on real sockets, read by the collector, judged and stored.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote

import pytest

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.app import BlueskyServer, serve_bluesky
from collectors.bluesky.simulator.simulator import BLUESKY_CANARIES
from collectors.bluesky.wire.regional_labelers import SHIPPED_REGIONS
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, HistoryAccount, settled
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from jobs.base.clock import SimulatedClock
from jobs.collect.late_readings import record_late
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.model.core.availability import State, Status
from storage.model.core.coverage import Batch, BatchOutcome
from storage.postgres.pool import Pool, transaction
from storage.readings import evidence
from storage.readings.rosters import base_rosters
from tests.support.pipelines.monitor import again, effects
from tests.support.samples.readings import AVAILABLE, T0, minutes, reading

TR, BR = State(Status.WITHHELD, ("TR",)), State(Status.WITHHELD, ("BR",))
BEFORE = T0 - timedelta(days=1)
DROPPED = minutes(55), minutes(175)
"""In between the app leaves out the labels of all regional labelers."""


def did(name: str) -> str:
    return f"did:plc:{name:a<24}"


def account(name: str, *story: tuple[datetime, State]) -> HistoryAccount:
    return settled(BLUESKY, did(name), [(at, state, f"{name}.example") for at, state in story])


FREE = account("free", (BEFORE, AVAILABLE))


@dataclass(frozen=True, slots=True)
class DroppedLabels(FaultPlan):
    """For a while the labels are dropped, and the servers of the labelers meet a fault of their own."""

    drops: bool = True
    labeler: FaultKind | None = None
    directory: FaultKind | None = None

    def of(self, now: datetime, request: str) -> FaultKind | None:
        if not DROPPED[0] <= now < DROPPED[1]:
            return None
        if "queryLabels" in request:
            return self.labeler
        if any(labeler in unquote(request.partition("?")[0]) for labeler in SHIPPED_REGIONS.values()):
            return self.directory
        return FaultKind.LABELS_DROPPED if self.drops and "actor.getProfile" in request else None


@dataclass
class Bluesky:
    """A platform and what watches it, every half hour."""

    pool: Pool
    server: BlueskyServer
    collector: BlueskyCollector
    clock: SimulatedClock

    async def monitor(self) -> Monitor:
        settings = MonitorSettings(Sweep(timedelta(minutes=30), T0))
        monitor = reading_pipeline(self.pool, self.collector, ConfirmationRule(), settings, self.clock)
        await monitor.load()
        return monitor

    async def run(self, monitor: Monitor, until: datetime) -> None:
        now = self.clock()
        while now <= until:
            self.clock.set(now)
            self.server.set_clock(now)
            await monitor.tick()
            now = max(monitor.next_due(), now + timedelta(seconds=1))

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        async with transaction(self.pool) as conn:
            return [tuple(r) for r in await conn.fetch(query)]

    async def changes(self) -> list[tuple[object, ...]]:
        """Every change that was seen, also a provisional one."""
        return await self.rows(
            """
            select left(split_part(native_id, ':', 3), 4), kind, array_to_string(c.withheld_in, ' '),
                last_seen_old, first_seen_new, decided_at,
                exists (select from alert where change_id = c.change_id)
            from standing_change c join account a using (account_id)
            left join change_outcome o using (change_id)
            where old_status is not null order by first_seen_new, 1
            """
        )

    async def late(self, at: datetime, state: State) -> None:
        """Store an answer that comes in late: the restricted account is in this state, others available."""
        async with transaction(self.pool) as conn:
            roster = (await base_rosters(conn, BLUESKY))[0]
            rows = await conn.fetch("select account_id, native_id from account")
        names = {r["account_id"]: r["native_id"] for r in rows}
        batch = Batch(roster.roster_id, at, 9, at, BatchOutcome.ANSWERED, None, None, 0)
        shown = {
            i: reading(names[i], state if names[i] == did("restricted") else AVAILABLE, at)
            for i in roster.account_ids
        }
        await record_late(self.pool, batch, shown, ConfirmationRule(), self.clock)

    async def evidence_of(self, kind: str) -> str:
        """What was kept of the answers that showed the one change of this kind first."""
        async with transaction(self.pool) as conn:
            kept = await conn.fetchval("select new_evidence from change where kind = $1", kind)
            return (await evidence.load(conn, kept) or b"").decode()

    async def require_the_same(self) -> None:
        """Stored readings that are gone through again give the changes that are stored."""
        for since in (0, 50, 100, 190):
            assert effects(await again(self.pool, minutes(since), self.clock())) == {}


@asynccontextmanager
async def watched(
    pool: Pool, *accounts: HistoryAccount, faults: FaultPlan = DroppedLabels()
) -> AsyncGenerator[Bluesky]:
    async with transaction(pool) as conn:
        named = [(c.native_id, c.handles[0], c.states[0].status) for c in BLUESKY_CANARIES]
        await set_canaries(conn, BLUESKY, named, T0)
        new = [NewAccount(BLUESKY, a.native_id, a.handles[0], ("Desk",)) for a in accounts]
        await add_accounts(conn, new, T0)
    history = History((*accounts, *BLUESKY_CANARIES))
    async with serve_bluesky(history, now=T0, faults=faults) as server:
        host = server.base_url.removeprefix("http://")
        http = HttpOptions(retry=Retry(attempts=0), timeout_s=5, guard=Guard({host}))
        async with BlueskyCollector(app_view=server.base_url, plc=server.base_url, http=http) as collector:
            yield Bluesky(pool, server, collector, SimulatedClock(T0))


QUERY = "com.atproto.label.queryLabels"
BLOCK = ("rest", "block", "TR", minutes(0), minutes(30), minutes(31), True)
WEATHER = [
    pytest.param(DroppedLabels(), id="the labeler says that they hold"),
    pytest.param(DroppedLabels(labeler=FaultKind.HANG), id="the labeler hangs"),
    pytest.param(DroppedLabels(labeler=FaultKind.UNAVAILABLE_HTML), id="the labeler is down"),
    pytest.param(DroppedLabels(labeler=FaultKind.UNKNOWN_PATH), id="the labeler lists nothing"),
    pytest.param(DroppedLabels(labeler=FaultKind.TRUNCATED), id="the labeler breaks off"),
    pytest.param(DroppedLabels(directory=FaultKind.UNAVAILABLE_JSON), id="nobody knows the labeler"),
]


@pytest.mark.parametrize("faults", WEATHER)
@pytest.mark.parametrize("restarts", [False, True])
async def test_omitted_labels_lift_no_restriction(pool: Pool, faults: FaultPlan, *, restarts: bool) -> None:
    lifted = account("restricted", (BEFORE, AVAILABLE), (minutes(10), TR), (minutes(200), AVAILABLE))
    async with watched(pool, lifted, FREE, faults=faults) as bluesky:
        monitor = await bluesky.monitor()
        await bluesky.run(monitor, minutes(100))
        assert await bluesky.changes() == [BLOCK]
        monitor = await bluesky.monitor() if restarts else monitor
        await bluesky.run(monitor, minutes(195))
        assert await bluesky.changes() == [BLOCK]
        await bluesky.run(monitor, minutes(250))
        restoration = ("rest", "restoration", "", minutes(180), minutes(210), minutes(211), True)
        assert await bluesky.changes() == [BLOCK, restoration]
        await bluesky.require_the_same()


@pytest.mark.parametrize(
    ("faults", "seen"),
    [
        # Contradicted by its labeler, the account is missed, and read again before its turn.
        pytest.param(DroppedLabels(), 111, id="by the labeler's own list"),
        pytest.param(DroppedLabels(labeler=FaultKind.HANG), 180, id="when labels are heard again"),
    ],
)
async def test_a_lift_among_omitted_labels_has_an_interval_that_contains_the_true_time(
    pool: Pool, faults: FaultPlan, seen: int
) -> None:
    lifted = account("restricted", (BEFORE, AVAILABLE), (minutes(10), TR), (minutes(100), AVAILABLE))
    async with watched(pool, lifted, FREE, faults=faults) as bluesky:
        await bluesky.run(await bluesky.monitor(), minutes(250))
        restoration = ("rest", "restoration", "", minutes(31), minutes(seen), minutes(seen + 1), True)
        assert await bluesky.changes() == [BLOCK, restoration]
        await bluesky.require_the_same()


@pytest.mark.parametrize("faults", [DroppedLabels(), DroppedLabels(labeler=FaultKind.HANG)])
async def test_an_answer_that_arrives_late_lifts_nothing_either(pool: Pool, faults: FaultPlan) -> None:
    restricted = account("restricted", (BEFORE, AVAILABLE), (minutes(10), TR))
    async with watched(pool, restricted, FREE, faults=faults) as bluesky:
        await bluesky.run(await bluesky.monitor(), minutes(195))
        for minute in (40, 100):
            await bluesky.late(minutes(minute), TR)
        assert await bluesky.changes() == [BLOCK]
        await bluesky.require_the_same()


async def test_a_labeler_that_cannot_be_asked_holds_up_no_other_country(pool: Pool) -> None:
    lifted = account("restricted", (BEFORE, AVAILABLE), (minutes(10), TR), (minutes(65), AVAILABLE))
    other = account("other", (BEFORE, AVAILABLE), (minutes(70), BR))
    gone = account("gone", (BEFORE, AVAILABLE), (minutes(70), State(Status.SUSPENDED)))
    faults = DroppedLabels(labeler=FaultKind.HANG, drops=False)
    async with watched(pool, lifted, other, gone, FREE, faults=faults) as bluesky:
        await bluesky.run(await bluesky.monitor(), minutes(250))
        assert await bluesky.changes() == [
            BLOCK,
            ("gone", "block", "", minutes(60), minutes(90), minutes(91), True),
            ("othe", "block", "BR", minutes(60), minutes(90), minutes(91), True),
            ("rest", "restoration", "", minutes(60), minutes(180), minutes(181), True),
        ]
        await bluesky.require_the_same()


async def test_labels_of_others_in_the_same_answer_prove_that_labels_are_served(pool: Pool) -> None:
    lifted = account("restricted", (BEFORE, AVAILABLE), (minutes(10), TR), (minutes(65), AVAILABLE))
    kept = account("kept", (BEFORE, TR))
    async with watched(pool, lifted, kept, FREE, faults=FaultPlan()) as bluesky:
        monitor = await bluesky.monitor()
        await bluesky.run(monitor, minutes(90.5))
        provisional = ("rest", "restoration", "", minutes(60), minutes(90), None, False)
        assert await bluesky.changes() == [BLOCK, provisional]
        assert QUERY not in bluesky.server.counts
        # The second reading asks for the account alone, so that no label of another is in its answer.
        await bluesky.run(monitor, minutes(100))
        restoration = ("rest", "restoration", "", minutes(60), minutes(90), minutes(91), True)
        assert await bluesky.changes() == [BLOCK, restoration]
        assert bluesky.server.counts[QUERY]["requests"] == 2


async def test_a_labeler_is_asked_for_a_lift_and_for_nothing_else(pool: Pool) -> None:
    lifted = account("restricted", (BEFORE, AVAILABLE), (minutes(10), TR), (minutes(125), AVAILABLE))
    async with watched(pool, lifted, FREE, faults=FaultPlan()) as bluesky:
        monitor = await bluesky.monitor()
        await bluesky.run(monitor, minutes(140))
        assert QUERY not in bluesky.server.counts
        await bluesky.run(monitor, minutes(300))
        # Two readings confirm it: each asks for the list, and for what follows its first page.
        assert bluesky.server.counts[QUERY]["requests"] == 4
        kept = await bluesky.evidence_of("restoration")
        assert all(part in kept for part in (QUERY, '"neg":true', lifted.native_id))
        assert FREE.native_id not in kept

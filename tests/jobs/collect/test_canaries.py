"""Control accounts: an outage is no mass block, and one that really changed does not blind the monitor."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.network.measurements import Measurements
from collectors.network.simulator.answers import PublishedDay
from collectors.network.simulator.app import simulated_ooni
from collectors.network.wire.aggregation import PATH
from collectors.simulator.faults import FaultPlan, Outage
from collectors.simulator.server import SimulatorServer
from collectors.transport.client import Http, HttpOptions, Retry
from collectors.x.declaration import X
from jobs.collect.monitor import Monitor
from jobs.collect.network_measurements import EVERY, NetworkReader
from jobs.collect.vantages import VantageReader, differs
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.accounts.side_facts import facts_of
from storage.countries.measured_networks import measured_days, network_reads
from storage.model.core.availability import State, Status
from storage.model.core.known_state import Known
from storage.model.core.reachability import MeasuredDay
from storage.model.core.side_facts import SideFact
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import CANARIES, CHANGES, World
from tests.support.samples.readings import (
    AVAILABLE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    FakeCollector,
    minutes,
)

STABLE = [(str(n), f"stable_{n}", Status.AVAILABLE) for n in (900, 902, 903)]
GONE = ("901", "gone", Status.SUSPENDED)
NEWS = "select kind, outcome from change left join change_outcome using (change_id) where kind <> 'baseline'"
ORDER = [str(n) for n in range(1, 258)]


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


async def named(world: World, *canaries: tuple[str, str, Status]) -> None:
    world.platform.truth["901"] = SUSPENDED
    async with transaction(world.pool) as conn:
        await set_canaries(conn, X, canaries, T0)


async def watched(world: World, ids: list[str], *lists: str) -> None:
    async with transaction(world.pool) as conn:
        accounts = [NewAccount(X, i, f"h{i}", lists) for i in ids]
        await add_accounts(conn, accounts, world.clock())


async def test_a_suspended_control_account_that_is_restored_is_retired_and_reading_continues(
    world: World,
) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= {"901": AVAILABLE, "1": SUSPENDED}
    await world.run(monitor, minutes(300))
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    world.clock.set(minutes(301))
    await world.run(monitor, minutes(700))
    assert await world.rows(
        "select a.native_id from canary join account a using (account_id) where retired_at is not null"
    ) == [("901",)]


async def run_with_restarts(world: World, until: float, every: float = 300) -> None:
    """Run monitors one after the other, each of which knows only what is stored."""
    while world.clock() < minutes(until):
        at = (world.clock() - T0).total_seconds() / 60
        await world.run(await world.start(), minutes(min(at + every, until)))


async def test_the_day_of_such_a_quarantine_is_counted_across_restarts(world: World) -> None:
    await watched(world, ORDER[:5])
    await world.run(await world.start(), minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER[:3], NOT_FOUND)
    await run_with_restarts(world, 60 * 25)
    assert await world.rows(NEWS) == []
    await run_with_restarts(world, 60 * 30)
    assert await world.rows(NEWS) == [("gone", "confirmed")] * 3


WITHHELD_IN_TR = State(Status.WITHHELD, ("TR",))
SWEEP = Sweep(timedelta(hours=2), T0)


class Vantage(FakeCollector):
    """The platform as it is seen from there; for a while it may say nothing of some countries."""

    def __init__(self) -> None:
        super().__init__()
        self.silent_on: frozenset[str] = frozenset()

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        answer = await super().read(native_ids, now)
        return replace(answer, readings=tuple(replace(r, silent_on=self.silent_on) for r in answer.readings))


class Two:
    """The same accounts, read from here and from there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.there = Vantage()
        self.there.truth["901"] = SUSPENDED

    async def start(self) -> None:
        await self.world.enlist(["1", "2"])
        self.monitor: Monitor = await self.world.start()
        await self.look_from_there()

    async def look_from_there(self) -> None:
        """Begin, or begin anew as after a restart."""
        self.elsewhere = VantageReader(
            self.world.pool, self.there, "tr", self.monitor, SWEEP, self.world.clock
        )
        await self.elsewhere.load()

    async def run(self, until: datetime) -> None:
        clock = self.world.clock
        while True:
            await self.monitor.tick()
            await self.elsewhere.tick()
            due = min(self.monitor.next_due(), self.elsewhere.next_due() or until)
            due = max(due, clock() + timedelta(seconds=1))
            if due > until:
                break
            clock.set(due)
        clock.set(until)

    async def facts(self) -> list[SideFact]:
        ((account_id,),) = await self.world.rows("select account_id from account where native_id = '1'")
        async with transaction(self.world.pool) as conn:
            return await facts_of(conn, int(str(account_id)))


@pytest.fixture
async def two(pool: Pool) -> Two:
    two = Two(World(pool))
    await two.start()
    return two


async def test_a_disagreement_lasts_across_a_restart_and_ends_with_the_first_agreeing_reading(
    two: Two,
) -> None:
    await two.run(minutes(1))
    two.there.truth["1"] = WITHHELD_IN_TR
    await two.run(minutes(250))
    await two.look_from_there()
    await two.run(minutes(370))
    two.there.truth["1"] = AVAILABLE
    await two.run(minutes(500))
    (fact,) = await two.facts()
    assert (fact.first_seen, fact.first_absent) == (minutes(120), minutes(480))


# control accounts ----------------------------------------------------------------------------------------


async def test_an_outage_seen_from_there_is_no_disagreement(two: Two) -> None:
    await two.run(minutes(1))
    two.there.truth |= dict.fromkeys(["1", "2", "900", "901"], NOT_FOUND)
    await two.run(minutes(400))
    assert await two.facts() == []
    assert ("held",) in await two.world.rows("select reason from collector_state where vantage = 'tr'")


@pytest.mark.parametrize(
    ("known", "seen", "is_odd"),
    [
        (None, SUSPENDED, False),
        (Known(), SUSPENDED, False),
        (Known(AVAILABLE), AVAILABLE, False),
        (Known(AVAILABLE), WITHHELD_IN, True),
        (Known(WITHHELD_IN), AVAILABLE, True),
    ],
)
def test_only_a_reading_that_contradicts_the_known_state_disagrees(
    known: Known | None, seen: State, *, is_odd: bool
) -> None:
    assert differs(known, seen) is is_odd


async def test_an_account_that_is_watched_later_is_read_from_there_too(two: Two) -> None:
    await two.run(minutes(1))
    async with transaction(two.world.pool) as conn:
        await set_canaries(conn, X, CANARIES, T0)
        await add_accounts(conn, [NewAccount(X, "3", "h3")], minutes(1))
    await two.monitor.load()
    await two.elsewhere.load()
    two.there.asked.clear()
    await two.run(minutes(3))
    assert any("3" in asked for asked in two.there.asked)


DAY = timedelta(days=1)
TODAY = T0.date()


def day(at: datetime, anomaly: int, ok: int, domain: str = "x.com") -> MeasuredDay:
    return MeasuredDay(domain, at.date(), confirmed=0, anomaly=anomaly, failure=0, ok=ok)


class Desk:
    """A reader of one server, at a time that the test sets."""

    def __init__(self, dsn: str, pool: Pool, http: Http, server: SimulatorServer) -> None:
        self.now = T0
        self._server = server
        measurements = Measurements(http, server.base_url, Random(1))
        self.reader, self.second = (
            NetworkReader(dsn, pool, measurements, ["TR"], lambda: self.now) for _ in range(2)
        )

    async def at(self, now: datetime) -> None:
        self.now = now
        self._server.set_clock(now)
        await self.reader.turn()

    @property
    def requests(self) -> int:
        return self._server.counts[PATH].get("requests", 0)


async def through(
    dsn: str, pool: Pool, published: Sequence[PublishedDay], times: Sequence[datetime], faults: FaultPlan
) -> int:
    async with (
        simulated_ooni(published, T0, faults) as server,
        Http(HttpOptions(retry=Retry(attempts=0))) as http,
    ):
        desk = Desk(dsn, pool, http, server)
        for now in times:
            await desk.at(now)
        return desk.requests


async def test_a_failed_read_is_recorded_as_one_and_leaves_the_counts_alone(dsn: str, pool: Pool) -> None:
    known = day(T0, 3, 1)
    faults = FaultPlan(outages=(Outage(T0 + EVERY / 2, T0 + 2 * EVERY),))
    await through(dsn, pool, [PublishedDay("TR", known, T0)], [T0, T0 + EVERY], faults)
    async with transaction(pool) as conn:
        (found,) = (await network_reads(conn)).values()
        assert (found.last_at, found.failure, found.answered_at) == (T0 + EVERY, "HTTP 502", T0)
        assert await measured_days(conn, "TR", TODAY, TODAY + DAY) == [known]
        before = await network_reads(conn, known_at=T0)
        assert before["TR"].failure is None


async def test_a_country_that_is_not_due_is_not_asked_for(dsn: str, pool: Pool) -> None:
    times = [T0, T0 + EVERY / 2, T0 + EVERY - DAY / 1440]
    assert await through(dsn, pool, [], times, FaultPlan()) == 1


async def test_of_two_processes_one_reads(dsn: str, pool: Pool) -> None:
    async with simulated_ooni([], T0) as server, Http(HttpOptions()) as http:
        desk = Desk(dsn, pool, http, server)
        await asyncio.gather(desk.reader.turn(), desk.second.turn())
        assert desk.requests == 1

"""The monitor under the adaptive planner, on a real database: its budget, its turns, a restart."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import pytest

from collectors.core.collector import CanaryCandidate, CollectorAnswer, RequestFailure
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.adaptive_planner import AdaptivePlanner
from jobs.planning.sweep import Sweep
from storage.model.core.availability import MissedReason
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Pool, transaction
from storage.readings.rosters import why_read
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.samples.readings import T0, WITHHELD_IN, FakeCollector, minutes

DAY = timedelta(days=1)
EVERYBODY = [str(n) for n in range(10_001, 13_001)]
LISTED = EVERYBODY[::15]
OTHERS = [i for i in EVERYBODY if i not in set(LISTED)]


@pytest.fixture
async def world(pool: Pool) -> World:
    world = World(pool)
    await world.enlist(OTHERS)
    await world.enlist(LISTED, ("order 1",))
    return world


async def start(world: World, every: timedelta = DAY) -> Monitor:
    settings = MonitorSettings(Sweep(every, T0), PlannerKind.ADAPTIVE)
    monitor = reading_pipeline(world.pool, world.platform, ConfirmationRule(), settings, world.clock)
    await monitor.load()
    return monitor


def hours(n: float) -> datetime:
    return minutes(60 * n)


WHY = """
    select coalesce(r.out_of_turn, 'turn'), count(*) from coverage c join roster r using (roster_id)
    group by 1 order by 1
"""
READ_MOST_OFTEN = """
    select count(*) from coverage c join roster r using (roster_id) where r.base
    group by c.roster_id order by 1 desc limit 1
"""


@pytest.mark.slow
async def test_a_sweep_is_spread_over_its_time_and_everybody_is_read_within_it(world: World) -> None:
    monitor = await start(world)
    await world.run(monitor, hours(12))
    assert monitor.tally.requests == 16
    await world.run(monitor, hours(23.6))
    assert (monitor.tally.requests, monitor.tally.readings) == (31, 3000)
    assert await world.rows(WHY) == [("turn", 31)]


async def test_accounts_that_are_new_are_read_at_once_and_a_restart_costs_no_turn(pool: Pool) -> None:
    world = World(pool)
    await world.enlist(EVERYBODY[:50])
    for at in (0, 16, 23, 25):
        monitor = await start(world)
        await world.run(monitor, hours(at + 0.5))
    assert await world.rows(WHY) == [("turn", 2)]


@pytest.mark.slow
async def test_a_restart_does_not_begin_with_those_whom_answers_leave_out(world: World) -> None:
    world.platform.silent = {"10001", "10002", "10003"}
    monitor = await start(world)
    await world.run(monitor, hours(24))
    for at in range(26, 48, 2):
        monitor = await start(world)
        await world.run(monitor, hours(at))
    assert await world.rows(READ_MOST_OFTEN) == [(2,)]


@pytest.mark.slow
async def test_a_block_of_a_list_is_found_by_reading_its_others_ahead_of_their_turn(world: World) -> None:
    monitor = await start(world)
    await world.run(monitor, hours(30))
    world.platform.truth |= dict.fromkeys(LISTED, WITHHELD_IN)
    await world.run(monitor, hours(42))
    found = await world.rows(CHANGES)
    assert len(found) == len(LISTED)
    assert {row[3] for row in found} == {"confirmed"}
    [ahead] = [n for why, n in await world.rows(WHY) if why == "ahead"]
    assert ahead in range(2, 12)


async def test_who_went_on_planning_keeps_what_was_not_stored_yet(world: World) -> None:
    monitor = await start(world)
    await world.run(monitor, hours(4))
    async with transaction(world.pool) as conn:
        await conn.execute("update planner_memory set learned = '{}'")
    learned = turns_of(monitor).learned()
    await monitor.load()
    assert turns_of(monitor).learned() == learned


@pytest.mark.slow
async def test_a_promise_to_read_a_list_is_kept(world: World) -> None:
    async with transaction(world.pool) as conn:
        await conn.execute("update watch_list set read_every = interval '8 hours'")
    monitor = await start(world)
    await world.run(monitor, hours(48))
    async with transaction(world.pool) as conn:
        rows = await conn.fetch(
            "select roster_id, array_agg(observed_at order by observed_at) as at from coverage group by 1"
        )
        why = await why_read(conn, [r["roster_id"] for r in rows])
    promised = [r["at"] for r in rows if why[r["roster_id"]].value == "promised"]
    assert len(promised) == 3
    for times in promised:
        gaps = [b - a for a, b in zip([*times, hours(48)], [*times[1:], hours(48)], strict=False)]
        assert max(gaps) <= timedelta(hours=8) + 2 * DAY / 31


@pytest.mark.slow
async def test_requests_that_fail_are_tried_again_and_open_nothing(world: World) -> None:
    monitor = await start(world)
    await world.run(monitor, hours(3))
    world.platform.trouble = RequestFailure(MissedReason.UPSTREAM, "because", hours(3.2), breaker=False)
    await world.run(monitor, hours(6))
    world.platform.trouble = None
    await world.run(monitor, hours(30))
    assert await world.rows(CHANGES) == []
    assert await world.rows("select count(*) from account where watched") == [(3000,)]
    read = await world.rows("select count(distinct roster_id) from coverage where outcome = 0")
    assert read == [(31,)]


class Interrupted(FakeCollector):
    """Something else happens while the next request is under way."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await super().read(native_ids, now)


@pytest.mark.slow
async def test_a_request_under_way_counts_though_the_rosters_are_made_anew_meanwhile(pool: Pool) -> None:
    platform = Interrupted()
    platform.spare = (CanaryCandidate("800", "found"),)
    world = World(pool, platform)
    await world.enlist(EVERYBODY)
    monitor = await start(world)
    platform.meanwhile = monitor.canaries.tick
    await world.run(monitor, hours(23.6))
    assert await world.rows("select count(*) from canary") == [(3,)]
    assert (monitor.tally.requests, monitor.tally.readings) == (31, 3000)


def turns_of(monitor: Monitor) -> AdaptivePlanner:
    turns = monitor.planner
    assert isinstance(turns, AdaptivePlanner)
    return turns

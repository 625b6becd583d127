"""What is recorded counts as known from the moment of its recording, never from that of its reading."""

from datetime import datetime, timedelta

import pytest

from collectors.x.declaration import X
from jobs.base.clock import SimulatedClock
from jobs.collect.monitor import Monitor
from jobs.dispatch.local_requester import TimedAnswer
from storage.health.status_at import PastStatus, status_at
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import states_at
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import AVAILABLE, SUSPENDED, minutes

RECORDED = """
    select recorded_at from coverage union select recorded_at from change
    union select decided_at from change_outcome
"""
LATER = [
    ("recorded_at", "observed_at", "coverage"),
    ("recorded_at", "first_seen_new", "change"),
    ("decided_at", "last_agreeing_at", "change_outcome"),
    ("lower(recorded)", "lower(valid)", "spell"),
    ("created_at", "last_agreeing_at", "alert join change_outcome using (change_id)"),
]
"""What is dated by its recording, what by its reading, and where both stand."""
SWEEP_EVERY = timedelta(hours=2)


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


async def handed_over(world: World, monitor: Monitor, read_at: datetime, now: datetime) -> None:
    """An answer of `read_at` that another process got, and that this one takes over at `now`."""
    ((roster_id,),) = await world.rows("select roster_id from roster where base")
    assert isinstance(roster_id, int)
    answer = await world.platform.read(["1", "2", "900", "901"], read_at)
    question = Question(X, "", "", roster_id, read_at, 7, ("1", "2", "900", "901"), False, "")
    world.clock.set(now)
    await monitor.take_in(question, TimedAnswer(answer, read_at, read_at))


async def figures(world: World, at: datetime, known_at: datetime) -> tuple[PastStatus, object]:
    async with transaction(world.pool) as conn:
        counted = await status_at(conn, at, known_at, SWEEP_EVERY)
        return counted, await states_at(conn, at, known_at)


async def test_an_answer_taken_over_an_hour_later_is_not_known_an_hour_before(world: World) -> None:
    await world.enlist(["1", "2"])
    monitor = await world.start()
    before = await figures(world, minutes(30), minutes(30))
    await handed_over(world, monitor, minutes(1), minutes(61))
    assert await figures(world, minutes(30), minutes(30)) == before
    told, _ = await figures(world, minutes(30), minutes(61))
    assert told.requests.answered == 1
    assert {count.state: count.accounts for count in told.states} == {AVAILABLE: 2}
    assert await world.rows(RECORDED) == [(minutes(61),)]


async def test_a_late_correction_is_known_from_the_moment_at_which_it_was_written(world: World) -> None:
    await world.enlist(["1", "2"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(125))
    before = await figures(world, minutes(125), minutes(125))
    await handed_over(world, monitor, minutes(60), minutes(130))
    assert await figures(world, minutes(125), minutes(125)) == before
    corrected = "select first_seen_new, recorded_at from change where supersedes is not null"
    assert await world.rows(corrected) == [(minutes(60), minutes(130))]
    moments = "select upper(recorded) from spell where not upper_inf(recorded) order by 1 desc limit 1"
    assert await world.rows(moments) == [(minutes(130),)]


class MovingClock(SimulatedClock):
    """A clock that nobody sees stand: each look at it is later than the one before."""

    def __call__(self) -> datetime:
        self.set(super().__call__() + timedelta(milliseconds=1))
        return super().__call__()


async def test_what_is_recorded_is_dated_between_its_judging_and_its_commit(pool: Pool) -> None:
    world = World(pool, clock=MovingClock(minutes(0)))
    await world.enlist(["1", "2"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(125))
    committed = world.clock()
    async with transaction(pool) as conn:
        for later, earlier, table in LATER:
            dated = await conn.fetch(f"select {later} as later, {earlier} as earlier from {table}")  # noqa: S608
            assert dated, table
            for row in dated:
                assert row["earlier"] < row["later"] < committed, table
        in_order: list[datetime] = await conn.fetchval("select array_agg(at order by seq) from chain")
        assert in_order == sorted(in_order)

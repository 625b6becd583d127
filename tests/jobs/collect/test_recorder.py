"""Many requests in one transaction: each is acknowledged after its commit, and none pays for another."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.base.clock import SimulatedClock, system_clock
from jobs.collect.monitor import Monitor
from jobs.collect.recorder import Recorder
from jobs.dispatch.local_requester import TimedAnswer
from storage.health.status_at import PastStatus, status_at
from storage.model.core.accounts import Account
from storage.model.core.availability import State, Status
from storage.model.core.coverage import Roster
from storage.model.core.known_state import Known
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, StorageError, Unreachable, open_pool, transaction
from tests.support.clients.api import states_at
from tests.support.pipelines.judged_requests import RULE, Poll, poll, watched
from tests.support.pipelines.monitor import World, again, effects
from tests.support.repeats import repeats
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, FakeCollector, minutes
from tests.support.seeds.changes import enlist, roster_of

Database = Callable[[], AbstractContextManager[str]]
NOWHERE = 1_000_000
"""The number of a roster that there is not."""


@dataclass
class Desk:
    """Accounts, two in a roster, that nobody has read yet."""

    pool: Pool
    recorder: Recorder
    accounts: list[Account]
    rosters: list[Roster]

    @classmethod
    async def made(cls, pool: Pool, rosters: int) -> "Desk":
        async with transaction(pool) as conn:
            accounts = await enlist(conn, X, [str(n) for n in range(2 * rosters)])
            made = [await roster_of(conn, accounts[n : n + 2]) for n in range(0, 2 * rosters, 2)]
        return cls(pool, Recorder(pool, FakeCollector(), RULE, system_clock), accounts, made)

    def first_look(self, roster: int, at: datetime = T0, attempt: int = 0) -> Poll:
        """Both accounts of a roster are seen for the first time: two changes."""
        mine = watched(self.accounts[2 * roster : 2 * roster + 2], Known())
        return poll(self.rosters[roster], mine, at, {}, attempt=attempt)

    def into_nowhere(self, roster: int) -> Poll:
        mine = watched(self.accounts[2 * roster : 2 * roster + 2], Known())
        return poll(Roster(NOWHERE, X, ()), mine, T0, {})

    async def all_at_once(self, polls: Sequence[Poll]) -> list[bool | BaseException]:
        return await asyncio.gather(*(p.record(self.recorder) for p in polls), return_exceptions=True)

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        async with transaction(self.pool) as conn:
            return [tuple(r) for r in await conn.fetch(query)]

    async def changes(self) -> list[tuple[object, ...]]:
        return await self.rows(
            "select native_id, first_seen_new from change join account using (account_id) order by 1, 2"
        )

    @asynccontextmanager
    async def held_up(self, by: str = "lock table coverage_row in share mode") -> AsyncGenerator[None]:
        """Whoever wants what this statement locks waits for the end of the block."""
        async with transaction(self.pool) as conn:
            await conn.execute(by)
            yield

    async def under_way(self, polls: Sequence[Poll]) -> list[asyncio.Task[bool]]:
        """Recordings that have come so far that one transaction is held up."""
        tasks = [asyncio.ensure_future(p.record(self.recorder)) for p in polls]
        while not await self.rows("select from pg_locks where not granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return tasks


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    return await Desk.made(pool, 6)


async def test_of_two_first_states_of_one_account_one_is_stored_and_no_other_is_affected(
    desk: Desk,
) -> None:
    polls = [desk.first_look(n) for n in range(5)]
    polls.insert(3, desk.first_look(1, minutes(1)))
    assert await desk.all_at_once(polls) == [True, True, True, False, True, True]
    assert await desk.rows("select count(*) from coverage") == [(5,)]
    assert await desk.changes() == sorted((a.native_id, T0) for a in desk.accounts[:10])


async def test_a_recording_that_the_database_refuses_fails_alone(desk: Desk) -> None:
    polls = [desk.first_look(n) for n in range(5)]
    polls.insert(2, desk.into_nowhere(5))
    told = await desk.all_at_once(polls)
    assert isinstance(told.pop(2), StorageError)
    assert told == [True] * 5
    assert len(await desk.changes()) == 10


async def test_a_lost_connection_fails_the_whole_group_and_the_next_one_can_continue(
    desk: Desk,
) -> None:
    async with desk.held_up("select from account where native_id = '6' for update"):
        tasks = await desk.under_way([desk.first_look(n) for n in range(6)])
        assert await tasks[0]
        await desk.rows("select pg_terminate_backend(pid) from pg_locks where not granted")
        told = await asyncio.gather(*tasks[1:], return_exceptions=True)
    assert [type(t) for t in told] == [Unreachable] * 5
    assert await desk.rows("select count(*) from coverage") == [(1,)]
    assert await desk.all_at_once([desk.first_look(n) for n in range(6)]) == [False, *[True] * 5]


async def test_when_all_are_cancelled_nothing_is_left_waiting(desk: Desk) -> None:
    async with desk.held_up():
        tasks = await desk.under_way([desk.first_look(n) for n in range(6)])
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)
    assert await desk.first_look(5).record(desk.recorder)


@pytest.mark.slow
@pytest.mark.again
@settings(max_examples=repeats(15, 200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["look", "later look", "into nowhere", "again"]),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_exactly_the_acknowledged_recordings_are_stored_each_of_them_whole(
    fresh_database: Database, wanted: list[tuple[int, str, bool]]
) -> None:
    async def run(dsn: str) -> None:
        async with open_pool(dsn) as pool:
            desk = await Desk.made(pool, 4)
            polls = [_made(desk, n, roster, what) for n, (roster, what, _) in enumerate(wanted)]
            tasks = [asyncio.ensure_future(p.record(desk.recorder)) for p in polls]
            await asyncio.sleep(0)
            for task, (_, _, cancelled) in zip(tasks, wanted, strict=True):
                if cancelled:
                    task.cancel()
            told = await asyncio.gather(*tasks, return_exceptions=True)
            stored = set(await desk.rows("select roster_id, slot, attempt from coverage"))
            acknowledged = [_key(p) for p, t in zip(polls, told, strict=True) if t is True]
            assert len(acknowledged) == len(set(acknowledged))
            assert set(acknowledged) <= stored
            maybe = {
                _key(p) for p, t in zip(polls, told, strict=True) if isinstance(t, asyncio.CancelledError)
            }
            assert stored <= set(acknowledged) | maybe
            for p, t in zip(polls, told, strict=True):
                assert isinstance(t, StorageError) == (p.batch.roster_id == NOWHERE) or _key(p) in maybe
            changed = await desk.rows(
                "select r.roster_id, c.first_seen_new, count(*) from change c"
                " join roster r on r.account_ids @> array[c.account_id::int] group by 1, 2"
            )
            news = {(r, at) for r, at, _ in stored}
            assert {(r, at, 2) for r, at in news} == set(changed)

    with fresh_database() as dsn:
        asyncio.run(run(dsn))


def _made(desk: Desk, n: int, roster: int, what: str) -> Poll:
    if what == "into nowhere":
        return desk.into_nowhere(roster)
    if what == "later look":
        return desk.first_look(roster, minutes(1 + n))
    return desk.first_look(roster)


def _key(p: Poll) -> tuple[object, ...]:
    return p.batch.roster_id, p.batch.slot, p.batch.attempt


TR = State(Status.WITHHELD, ("TR",))


class PartlySilent(FakeCollector):
    """A platform whose readings of account 1 are silent on Turkey for a while."""

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        answer = await super().read(native_ids, now)
        silent = frozenset({"TR"}) if minutes(110) < now < minutes(130) else frozenset[str]()
        readings = (replace(r, silent_on=silent) if r.native_id == "1" else r for r in answer.readings)
        return replace(answer, readings=tuple(readings))


@pytest.mark.parametrize("restarts", [False, True])
async def test_readings_of_one_answer_leave_out_the_same_countries_when_judged_and_when_stored(
    pool: Pool, *, restarts: bool
) -> None:
    platform = PartlySilent()
    world = World(pool, platform)
    await world.enlist(["1", "2", "3"])
    monitor = await world.start()
    await world.run(monitor, minutes(100))
    platform.truth["2"] = TR
    await world.run(monitor, minutes(140))
    monitor = await world.start() if restarts else monitor
    await world.run(monitor, minutes(300))
    changes = "select last_seen_old, first_seen_new from standing_change where old_status is not null"
    assert await world.rows(changes) == [(minutes(0), minutes(240))]
    for since in (0, 100, 200):
        assert effects(await again(pool, minutes(since), world.clock())) == {}


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

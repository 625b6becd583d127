"""Rosters of a sweep: each account stands in one, sentinels are chosen, and trouble stops the sweep."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.core.collector import CanaryCandidate, RequestFailure
from collectors.x.declaration import X
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.collect.vantages import VantageReader
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.circuit_breaker import CircuitBreaker
from jobs.planning.change_rates import NEVER, Accounts, Expectations, Positions, Prior, nothing_learned
from jobs.planning.daily_bill import DailyBill
from jobs.planning.roster_priority import Pick, PlannerRule
from jobs.planning.sentinels import plan_within_cost_limit
from jobs.planning.sweep import Sweep, pack
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import MissedReason
from storage.model.core.coverage import Roster, WhyRead, bitmap, is_answered
from storage.model.sizing.question import PlannerKind
from storage.postgres.errors import Unreachable
from storage.postgres.locks import Lock
from storage.postgres.pool import Pool, transaction
from storage.readings import rosters
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import MINUTE, T0, minutes

SWEEP = Sweep(timedelta(hours=2), T0)
EVERYBODY = [str(n) for n in range(10_001, 10_251)]


@pytest.fixture
async def world(pool: Pool) -> World:
    """Nobody is a control account yet; those that are found make every roster smaller."""
    world = World(pool)
    world.platform.spare = (CanaryCandidate("800", "good"), CanaryCandidate("802", "fine"))
    await watch(world, EVERYBODY)
    return world


async def watch(world: World, ids: list[str]) -> None:
    async with transaction(world.pool) as conn:
        await add_accounts(conn, [NewAccount(X, i, f"h{i}") for i in ids], T0)


async def one_leaves_and_one_comes(world: World) -> None:
    async with transaction(world.pool) as conn:
        await conn.execute("update account set watched = false where native_id = '10007'")
    await watch(world, ["99999"])


async def start(world: World, planner: PlannerKind) -> Monitor:
    settings = MonitorSettings(SWEEP, planner)
    monitor = reading_pipeline(world.pool, world.platform, ConfirmationRule(), settings, world.clock)
    await monitor.load()
    return monitor


async def places(world: World, vantage: str = "") -> tuple[object, ...]:
    """How many places in rosters there are, and how many accounts have one."""
    async with transaction(world.pool) as conn:
        row = await conn.fetchrow(
            """
            select count(*), count(distinct a.account_id)
            from roster r, unnest(r.account_ids) as p (account_id)
            left join account a on a.account_id = p.account_id and a.watched
            where r.base and r.retired_at is null and r.vantage = $1
            """,
            vantage,
        )
        return tuple(row or ())


@pytest.mark.parametrize("name", ["here", "elsewhere"])
async def test_a_process_that_was_replaced_makes_no_rosters(world: World, dsn: str, name: str) -> None:
    lock = Lock(dsn, "poll x")
    await lock.take(1)
    monitor = await world.start(fence=lock.fence)
    elsewhere = VantageReader(world.pool, world.platform, "tr", monitor, SWEEP, world.clock)
    await elsewhere.load()
    vantage, work = {"here": ("", monitor.canaries.tick), "elsewhere": ("tr", elsewhere.load)}[name]
    await one_leaves_and_one_comes(world)
    before = await places(world, vantage)
    await lock.let_go()
    with pytest.raises(Unreachable):
        await work()
    assert await places(world, vantage) == before


async def test_a_roster_that_two_make_at_the_same_time_is_one(world: World) -> None:
    made: list[Roster] = []

    async def make() -> None:
        async with transaction(world.pool) as conn:
            made.append(await rosters.get_or_make(conn, X, [AccountId(1)], (), T0, base=False))
            await asyncio.sleep(0.3)

    async with asyncio.TaskGroup() as group:
        group.create_task(make())
        group.create_task(make())

    assert made[0] == made[1]


AT = datetime(2021, 2, 1, 1, tzinfo=UTC)
SIZE = 98


class Day:
    """A day on which sentinels, two rosters and the changes of the only list are paid for."""

    def __init__(self, most: int, members: int) -> None:
        accounts = 2000
        lists: list[Positions] = [np.arange(members)]
        known = Accounts(np.zeros(accounts), np.full(accounts, NEVER), np.zeros(accounts, np.int8))
        prior = Prior()
        expectations = Expectations(prior, known, dict(enumerate(lists)), nothing_learned(prior))
        base = [np.arange(i, min(i + SIZE, accounts)) for i in range(members, accounts, SIZE)]
        self.days = DailyBill(most)
        ids = [str(n) for n in range(accounts)]
        self.open, self.planner = plan_within_cost_limit(
            self.days, PlannerRule(), expectations, base, lists, [np.inf], ids, (), SIZE
        )
        assert self.open.begin(AT)

    def see(self, account: int, at: datetime = AT, *, expected: float = 0.0) -> None:
        """One member is found changed."""
        self.open.saw(np.array([account]), np.array([True]), np.array([expected]), at)

    def read(self) -> float:
        """Read all that can be; how many of the list were paid for because of changes by then."""
        at = AT.timestamp()
        picks: list[Pick] = []
        while (pick := self.planner.next(at)) is not None:
            if isinstance(self.open.admit(pick, AT), WhyRead):
                picks.append(pick)
        for pick in picks:
            self.planner.answered(pick, at)
        return self.days.paid_for(WhyRead.AHEAD)


def _day(members: int) -> Day:
    day = Day(500, members)
    assert day.read() == 0
    assert day.days.paid_for(WhyRead.SENTINEL) == 5
    return day


def test_after_a_change_that_was_not_confirmed_the_next_one_is_the_first() -> None:
    day = _day(100)
    day.see(0)
    part = day.read()
    day.open.withdrew(0, AT.timestamp())
    day.see(1, AT + timedelta(minutes=1))
    assert day.read() == part


def trouble(reason: MissedReason = MissedReason.UPSTREAM, *, breaker: bool = False) -> RequestFailure:
    return RequestFailure(reason, "because", minutes(99), breaker)


def failing(breaker: CircuitBreaker, *at: float) -> CircuitBreaker:
    """Requests that failed at once."""
    for minute in at:
        breaker = breaker.after(trouble(), minutes(minute), minutes(minute))
    return breaker


def test_a_failed_probe_closes_it_again_also_after_a_restart() -> None:
    """Of what failed before a restart only the end of the pause is stored."""
    loaded = CircuitBreaker(failures=1, paused_until=minutes(0))
    assert loaded.probed(minutes(0)).after(trouble(), minutes(0), minutes(0)).paused_until == minutes(1)


def test_requests_that_fail_together_are_one_failure_of_the_platform() -> None:
    breaker = failing(CircuitBreaker(), *(n / 60_000 for n in range(8)))
    assert breaker.paused_until == minutes(2 / 60_000) + MINUTE


def accounts(number: int) -> list[Account]:
    return [Account(AccountId(n), X, str(1000 + n), f"h{n}") for n in range(number)]


@given(st.integers(0, 350), st.integers(1, 100), st.randoms())
def test_every_account_is_in_one_roster_whatever_the_order(
    number: int, size: int, dice: random.Random
) -> None:
    shuffled = accounts(number)
    dice.shuffle(shuffled)
    rosters = pack(shuffled, size)
    assert rosters == pack(accounts(number), size)
    assert sorted(a for r in rosters for a in r) == list(range(number))
    assert all(0 < len(r) <= size for r in rosters)


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_the_bitmap_tells_exactly_who_answered(answered: list[bool]) -> None:
    stored = bitmap(answered)
    assert (stored is None) == all(answered)
    assert [is_answered(stored, i) for i in range(len(answered))] == answered

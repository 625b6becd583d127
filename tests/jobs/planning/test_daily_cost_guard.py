"""The monitor under a ceiling of account-days: what it never asks for, and what its sentinels see.

The tests marked `long` guard `jobs/planning` and `jobs/collect`.
"""

import asyncio
import random
import signal
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.daily_bill import billing_day
from jobs.planning.daily_cost_guard import CostLimitedCollector, CostLimitGuard
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.availability import MissedReason
from storage.model.core.coverage import WhyRead
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Pool, transaction
from storage.work import daily_cost_limit
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.processes.worker_fleet import FROM, Fleet, fleet, many_accounts, until
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, FakeCollector
from tests.support.simulated.scripted_x import counted, far_x

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
EVERYBODY = [str(n) for n in range(10_001, 12_001)]
LISTED = EVERYBODY[::8]
OTHERS = [i for i in EVERYBODY if i not in set(LISTED)]
MOST = 500


class Billing(FakeCollector):
    """Counts as X bills: each account once a UTC day."""

    def __init__(self) -> None:
        super().__init__()
        self.billed: dict[date, set[str]] = {}

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        self.billed.setdefault(now.astimezone(UTC).date(), set()).update(native_ids)
        return await super().read(native_ids, now)


class Billed(World):
    """A world under a ceiling, whose platform sends a bill."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.platform = self.billing = Billing()

    async def under(self, most: int = MOST, every: timedelta = HOUR / 2) -> Monitor:
        """A monitor that has just started."""
        cost_limit = CostLimitGuard(self.pool, X, most)
        settings = MonitorSettings(Sweep(every, T0), PlannerKind.ADAPTIVE)
        collector = CostLimitedCollector(self.platform, cost_limit)
        monitor = reading_pipeline(
            self.pool, collector, ConfirmationRule(), settings, self.clock, cost_limit=cost_limit
        )
        await monitor.load()
        return monitor

    async def read_everybody(self) -> None:
        """The first day, without a ceiling: what is seen of anybody later is a change."""
        free = await self.start(Sweep(24 * HOUR, T0))
        await self.run(free, T0 + 23.9 * HOUR)
        self.billing.billed.clear()

    def most_billed(self) -> int:
        return max(len(ids) for ids in self.billing.billed.values())


@pytest.fixture
async def world(pool: Pool) -> Billed:
    world = Billed(pool)
    await world.enlist(OTHERS)
    await world.enlist(LISTED, ("order 1",))
    return world


WHY = """
    select coalesce(r.out_of_turn, 'turn'), count(*) from coverage c join roster r using (roster_id)
    group by 1 order by 1
"""
LAST_READ = """
    select max(c.observed_at), count(*) from coverage c join roster r using (roster_id)
    cross join unnest(r.account_ids) account_id where c.outcome = 0 group by account_id
"""


async def test_everybody_has_a_turn_in_the_days_that_are_said_and_no_day_costs_more(world: Billed) -> None:
    monitor = await world.under(every=4 * HOUR)
    await world.run(monitor, T0 + 12 * HOUR)
    async with transaction(world.pool) as conn:
        [bill] = await daily_cost_limit.bills(conn, world.clock())
    assert bill.ceiling.round_days == 7
    assert bill.paid[WhyRead.SENTINEL] in range(3, 6)
    assert [(one.name, one.watched) for one in bill.lists] == [("order 1", 250)]
    assert bill.lists[0].paid >= 5
    await world.run(monitor, T0 + 7 * 24 * HOUR)
    assert len(await world.rows(LAST_READ)) == 2000
    assert world.most_billed() <= MOST


async def test_a_block_of_a_list_is_seen_by_its_sentinels_and_the_rest_of_it_is_paid_for(
    world: Billed,
) -> None:
    await world.read_everybody()
    monitor = await world.under()
    at = T0 + 30 * HOUR
    await world.run(monitor, at)
    before = len(world.billing.billed[at.date()])
    world.platform.truth |= dict.fromkeys(LISTED, WITHHELD_IN)
    await world.run(monitor, at + HOUR / 2)
    found = await world.rows(CHANGES)
    paid_for = len(world.billing.billed[at.date()]) - before
    assert paid_for in range(50, MOST - before + 1)
    assert len(found) > 150
    assert world.most_billed() <= MOST


async def test_a_restart_pays_for_nobody_twice_and_forgets_nobody(world: Billed) -> None:
    for hours in (6, 7, 12, 23, 24.5):
        monitor = await world.under()
        await world.run(monitor, T0 + hours * HOUR)
    async with transaction(world.pool) as conn:
        cost_limit = await daily_cost_limit.charged_accounts(conn, X, world.clock().date())
    assert set(cost_limit) == world.billing.billed[world.clock().date()]
    first_day = world.billing.billed[T0.date()]
    assert len(first_day) <= MOST
    assert len(first_day) < 400  # the reserve was not spent on coming back


async def test_what_is_to_be_confirmed_waits_for_the_next_day_when_the_ceiling_is_reached(
    world: Billed,
) -> None:
    monitor = await world.under()
    await world.run(monitor, T0 + 12 * HOUR)
    called = OTHERS[:900]
    await monitor.read_now(called)
    await world.run(monitor, T0 + 18 * HOUR)
    async with transaction(world.pool) as conn:
        [bill] = await daily_cost_limit.bills(conn, world.clock())
    assert bill.ceiling.waiting > 300
    assert world.most_billed() <= MOST
    await world.run(monitor, T0 + 25 * HOUR)
    again = [why for why in await world.rows(WHY) if why[0] == "again"]
    assert again
    assert world.most_billed() <= MOST


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 21))
async def test_no_day_costs_more_whatever_happens(world: Billed, seed: int) -> None:
    """Days of restarts, waves, failing requests, calls for many, and a list that is promised too much."""
    dice = random.Random(seed)
    async with transaction(world.pool) as conn:
        await conn.execute("update watch_list set read_every = interval '3 hours'")
    most = dice.choice([200, 350, 700])
    monitor = await world.under(most, HOUR)
    now = T0
    for _ in range(12):
        match dice.randrange(5):
            case 0:
                monitor = await world.under(most, HOUR)
            case 1:
                hit = dice.sample(LISTED, dice.randrange(len(LISTED)))
                world.platform.truth |= dict.fromkeys(hit, dice.choice([WITHHELD_IN, AVAILABLE]))
            case 2:
                until = now + dice.randrange(4) * HOUR
                world.platform.trouble = RequestFailure(
                    MissedReason.UPSTREAM, "because", until, breaker=False
                )
            case 3:
                await monitor.read_now(dice.sample(EVERYBODY, dice.randrange(1000)))
            case _:
                world.platform.silent = set(dice.sample(EVERYBODY, 30))
        now += timedelta(minutes=dice.randrange(6 * 60))
        await world.run(monitor, now)
        world.platform.trouble = None
    assert world.most_billed() <= most


ACCOUNTS = 4_000
MANY_LISTED = 600
MANY_MOST = 300
NEARLY_ALL = "select count(*) > 200 from account_day"
SETTINGS = f"""planner = "adaptive"
        x_daily_cost = "{MANY_MOST // 100}"
"""


async def watch_with_a_promise(pool: Pool) -> None:
    """Everybody, and some of them on a list that is promised more than the ceiling pays for."""
    everybody = [
        NewAccount(
            X,
            str(10_000 + n),
            f"handle_{n}",
            ("order 1",) if n < MANY_LISTED else (),
        )
        for n in range(ACCOUNTS)
    ]
    async with transaction(pool) as conn:
        await add_accounts(conn, everybody, FROM)
        await conn.execute("update watch_list set read_every = interval '1 minute'")


async def kill_who_plans(pool: Pool, processes: Fleet) -> None:
    number = await processes.plans(pool)
    processes.end(number, signal.SIGKILL)
    await processes.processes[number].wait()


@pytest.mark.skipif(billing_day(system_clock()) is None, reason="near midnight UTC nothing is asked")
async def test_of_three_the_two_that_plan_are_killed_and_no_more_accounts_are_asked_for(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    told = many_accounts(tmp_path / "history.csv", ACCOUNTS)
    async with (
        far_x(told, 0.5) as x,
        fleet(pool, dsn, x, tmp_path, ["simulated"] * 3, "1m", SETTINGS) as three,
    ):
        await watch_with_a_promise(pool)
        await until(pool, "select count(*) > 0 from coverage_row", True)
        await kill_who_plans(pool, three)
        await until(pool, "select waiting > 0 from account_ceiling", True)
        await kill_who_plans(pool, three)
        await three.plans(pool)
        # Until nearly all of the day is charged: from there on only the limit holds anybody back.
        await until(pool, NEARLY_ALL, True)
        so_far = (await counted(x))["users"]["requests"]
        while (await counted(x))["users"]["requests"] < so_far + 4:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.05)
        (billed,) = (await counted(x))["account_days"].values()
        charged = await pool.fetchval("select count(*) from account_day")
    # Some were charged by a process that was killed before it asked for them.
    assert billed <= charged <= MANY_MOST

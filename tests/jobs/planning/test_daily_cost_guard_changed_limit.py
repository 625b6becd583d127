"""The ceiling under which a day was begun holds until it ends, whatever is set where it is planned next."""

from datetime import timedelta

import pytest

from collectors.x.declaration import X
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.doctor.database_checks import cost_limit_findings
from jobs.planning.daily_bill import Refusal
from jobs.planning.daily_cost_guard import CostLimitedCollector, CostLimitGuard
from jobs.planning.sweep import Sweep
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Pool, transaction
from storage.work import daily_cost_limit
from tests.jobs.planning.test_daily_cost_guard import Billed
from tests.support.samples.readings import T0

HOUR = timedelta(hours=1)
FIRST = 300
EVERYBODY = [str(n) for n in range(10_001, 10_701)]


@pytest.fixture
async def world(pool: Pool) -> Billed:
    world = Billed(pool)
    await world.enlist(EVERYBODY)
    return world


async def planned(
    world: Billed, wanted: int | None, planner: PlannerKind = PlannerKind.ADAPTIVE
) -> tuple[CostLimitGuard, Monitor]:
    """A process that has just taken over."""
    cost_limit = CostLimitGuard(world.pool, X, wanted)
    settings = MonitorSettings(Sweep(2 * HOUR, T0), planner)
    reader = CostLimitedCollector(world.platform, cost_limit)
    monitor = reading_pipeline(
        world.pool, reader, ConfirmationRule(), settings, world.clock, cost_limit=cost_limit
    )
    await monitor.load()
    return cost_limit, monitor


async def promised(world: Billed) -> int | None:
    async with transaction(world.pool) as conn:
        return await daily_cost_limit.stored_cost_limit(conn, X, world.clock().date())


async def test_a_worker_without_a_ceiling_asks_for_nobody_beyond_that_of_the_one_that_plans(
    world: Billed,
) -> None:
    worker = CostLimitGuard(world.pool, X, None)
    assert await worker.charge(EVERYBODY, T0 + HOUR) is None
    _, first = await planned(world, FIRST)
    await world.run(first, T0 + 2 * HOUR)
    assert await worker.charge(EVERYBODY, world.clock()) is Refusal.RESERVE
    assert await worker.charge(sorted(world.billing.billed[T0.date()]), world.clock()) is None
    # Which day a request near midnight is billed on is open: the ceiling holds until that is over.
    assert await worker.charge(EVERYBODY[:1], T0 + 24 * HOUR) is Refusal.BETWEEN_DAYS
    assert await worker.charge(EVERYBODY, T0 + 24 * HOUR + timedelta(minutes=1)) is None


async def test_one_that_takes_over_just_before_midnight_does_not_hand_the_ceiling_to_the_next_day(
    world: Billed,
) -> None:
    _, first = await planned(world, FIRST)
    await world.run(first, T0 + HOUR)
    world.clock.set(T0 + 24 * HOUR - timedelta(minutes=1))
    cost_limit, second = await planned(world, None)
    await world.run(second, T0 + 24 * HOUR + timedelta(minutes=1))
    assert cost_limit.is_outdated(world.clock())
    assert await promised(world) is None


@pytest.mark.parametrize(
    ("set_to", "said"),
    [
        pytest.param(300, None, id="the same"),
        pytest.param(200, None, id="a lower one holds at once"),
        pytest.param(2000, "x_daily_cost allows 2,000", id="a higher one waits for the next day"),
        pytest.param(None, "x_daily_cost removes the limit", id="so does that there is none"),
    ],
)
def test_the_doctor_says_when_a_setting_takes_effect(set_to: int | None, said: str | None) -> None:
    found = [one.said for one in cost_limit_findings(X, 300, set_to)]
    assert [said in words for words in found if said] == ([] if said is None else [True])

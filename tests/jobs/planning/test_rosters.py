"""Whoever is watched stands in one roster of the sweep, whatever makes the rosters anew at the same time."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from collectors.core.collector import CanaryCandidate
from collectors.x.declaration import X
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.collect.vantages import VantageReader
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import Roster
from storage.model.sizing.question import PlannerKind
from storage.postgres.errors import Unreachable
from storage.postgres.locks import Lock
from storage.postgres.pool import Pool, transaction
from storage.readings import rosters
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import T0

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


async def test_everybody_has_one_place_when_a_sweep_from_elsewhere_begins_before_who_is_watched_is_loaded(
    world: World,
) -> None:
    monitor = await start(world, PlannerKind.SWEEP)
    elsewhere = VantageReader(world.pool, world.platform, "tr", monitor, SWEEP, world.clock)
    await elsewhere.load()
    await elsewhere.tick()
    await monitor.canaries.tick()
    await one_leaves_and_one_comes(world)

    async with asyncio.TaskGroup() as group:
        with suppress(_NotMade):
            async with transaction(world.pool) as conn:
                one, *_ = await rosters.base_rosters(conn, X)
                ids, controls = one.account_ids, one.canary_ids
                await rosters.get_or_make(conn, X, ids, controls, T0, base=True, vantage="tr")
                group.create_task(elsewhere.tick())  # has to wait until this roster is made, or is not
                await asyncio.sleep(0.3)
                await monitor.load()
                group.create_task(elsewhere.load())
                await asyncio.sleep(0.3)
                raise _NotMade

    assert await places(world, "tr") == (250, 250)


class _NotMade(Exception):
    """Nothing of the transaction is kept."""


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

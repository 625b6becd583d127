"""An edit of what is watched touches the accounts that were edited; the plan is as if all had been loaded."""

import random

import numpy as np
import pytest

from collectors.x.declaration import X
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.adaptive_planner import AdaptivePlanner
from storage.accounts.accounts import watch_version
from storage.accounts.watch_lists import guarantee_interval, move_accounts, put_accounts_on, take_accounts_off
from storage.accounts.watching import stop_watching_many, watch_again
from storage.model.core.accounts import AccountId
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Conn, Pool, StorageError, transaction
from storage.readings.rosters import base_rosters
from tests.support.pipelines.monitor import SWEEP, World
from tests.support.samples.readings import SUSPENDED, WITHHELD_IN, minutes

EVERYBODY = [str(n) for n in range(10_001, 10_251)]
LISTS = ("order 1", "order 2", "desk")
Plan = dict[AccountId, tuple[float, float, float, int, tuple[int, ...]]]
"""When each account was read, asked for and changed, whether it is closed, and its lists."""


@pytest.fixture
async def world(pool: Pool) -> World:
    world = World(pool)
    for name in LISTS:
        await world.enlist(EVERYBODY[LISTS.index(name) :: 5], (name,))
    await world.enlist(EVERYBODY)
    return world


async def start(world: World, planner: PlannerKind = PlannerKind.ADAPTIVE) -> Monitor:
    settings = MonitorSettings(SWEEP, planner)
    monitor = reading_pipeline(world.pool, world.platform, ConfirmationRule(), settings, world.clock)
    await monitor.load()
    return monitor


async def taken_up(world: World, monitor: Monitor, since: int) -> int:
    """As a leader takes up what was edited; returns the version."""
    async with transaction(world.pool) as conn:
        version = await watch_version(conn, since)
    assert version.edited is not None
    await monitor.load(version.edited)
    return version.number


async def edit(conn: Conn, dice: random.Random, ids: list[int], n: int) -> None:
    some = dice.sample(ids, dice.choice((1, 2, 30)))
    one, other = dice.sample(LISTS, 2)
    now = minutes(n)
    kind = dice.randrange(6)
    if kind == 0:
        await stop_watching_many(conn, some, "desk", now)
    elif kind == 1:
        await watch_again(conn, ids, "desk", now)
    elif kind == 2:
        await put_accounts_on(conn, one, some, "desk", now)
    elif kind == 3:
        await take_accounts_off(conn, one, some, "desk", now)
    elif kind == 4:
        await move_accounts(conn, one, other, some, "desk", now)
    else:
        await guarantee_interval(conn, one, SWEEP.every / dice.choice((2, 3)), "desk", now)


def plan(monitor: Monitor) -> Plan:
    """Return the plan, without accounts that were not read yet, which count as read a sweep before they were
    added, and without those whose change is provisional, which only the planner that saw it considers.
    """
    assert isinstance(monitor.planner, AdaptivePlanner)
    found: Plan = {}
    for place in monitor.planner._places.values():
        accounts = place.expectations.accounts
        lists: dict[int, list[int]] = {}
        for at, number in zip(*place.expectations.lists_of(np.arange(len(place.ids))), strict=True):
            lists.setdefault(int(at), []).append(int(number))
        for at, account_id in enumerate(map(AccountId, place.ids.tolist())):
            known = monitor.known(account_id)
            if known is not None and known.pending is None and known.last_read_at is not None:
                found[account_id] = (
                    float(accounts.read_at[at]),
                    float(accounts.asked_at[at]),
                    float(accounts.changed_at[at]),
                    int(accounts.closed[at]),
                    tuple(sorted(lists.get(at, ()))),
                )
    assert found
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_edits_the_plan_is_that_of_a_monitor_that_starts_now(world: World, seed: int) -> None:
    dice = random.Random(seed)
    monitor = await start(world)
    async with transaction(world.pool) as conn:
        version = (await watch_version(conn, 0)).number
    for n in range(10):
        world.platform.truth[dice.choice(EVERYBODY)] = dice.choice((SUSPENDED, WITHHELD_IN))
        await world.run(monitor, minutes(60 * n + 30))
        async with transaction(world.pool) as conn:
            ids = [r["account_id"] for r in await conn.fetch("select account_id from account")]
            await edit(conn, dice, ids, 60 * n + 30)
        version = await taken_up(world, monitor, version)
        fresh = await start(world)
        assert plan(monitor) == plan(fresh)


async def test_after_an_edit_that_could_not_be_stored_the_next_one_looks_at_all_rosters(world: World) -> None:
    monitor = await start(world)
    await world.run(monitor, minutes(110))
    async with transaction(world.pool) as conn:
        version = (await watch_version(conn, 0)).number
        await stop_watching_many(conn, [*monitor.accounts()][:3], "desk", minutes(110))
        # What comes last in the transaction of the edit fails: its rosters are rolled back.
        await conn.execute("alter table list_thresholds rename to elsewhere")
    with pytest.raises(StorageError):
        await taken_up(world, monitor, version)
    async with transaction(world.pool) as conn:
        await conn.execute("alter table elsewhere rename to list_thresholds")
    await taken_up(world, monitor, version)
    async with transaction(world.pool) as conn:
        stored = await base_rosters(conn, X)
    placed = [account_id for roster in stored for account_id in roster.account_ids]
    assert sorted(placed) == sorted(monitor.accounts())
    assert plan(monitor) == plan(await start(world))

"""The monitor on a real database, with a platform that says what the test wants."""

import asyncio
from dataclasses import replace

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import RequestFailure
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.availability import MissedReason
from storage.postgres.pool import Pool, StorageError, transaction
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.samples.readings import (
    MINUTE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    minutes,
)
from tests.support.simulated.scripted_bluesky import REPO_GONE, Stage, did, shown, staged
from tests.support.simulated.scripted_x import ONCE, hang


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


# control accounts ----------------------------------------------------------------------------------------


# other writers -------------------------------------------------------------------------------------------


async def test_a_request_that_could_not_be_stored_is_made_again_in_its_slot(world: World) -> None:
    await world.enlist(["1", "2"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = NOT_FOUND
    await world.run(monitor, minutes(120))
    async with transaction(world.pool) as conn:
        await conn.execute(
            "update pending_change set last_agreeing_at = last_agreeing_at + interval '1 second'"
        )
    await world.run(monitor, minutes(250))
    assert await world.rows(CHANGES) == [("1", "gone", "not_found", "confirmed", "enough_weak")]
    assert await world.rows(
        "select count(*) from coverage natural join roster where base and slot = '2021-02-01T04:00Z'"
    ) == [(1,)]


async def test_an_attempt_that_another_stored_as_missed_is_not_taken_for_answered(world: World) -> None:
    await world.enlist(["1"])
    first, second = await world.start(), await world.start()
    world.platform.trouble = RequestFailure(MissedReason.UPSTREAM, "503", minutes(1), breaker=False)
    await first.tick()
    world.platform.trouble = None
    await second.tick()
    assert second.next_due() == minutes(1)


# a slow platform -----------------------------------------------------------------------------------------


# the database and the clock ------------------------------------------------------------------------------


async def test_one_roster_that_cannot_be_stored_does_not_stop_the_others(world: World) -> None:
    await world.enlist([str(i) for i in range(1, 300)])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["7"] = SUSPENDED
    await world.run(monitor, minutes(120))
    async with transaction(world.pool) as conn:
        await conn.execute(
            """
            create function refuse_one() returns trigger language plpgsql as $$
            begin
                if new.account_id = (select account_id from account where native_id = '7') then
                    raise exception 'the disk is full';
                end if;
                return new;
            end
            $$;
            create trigger refuse_one before insert on spell for each row execute function refuse_one();
            """
        )
    world.clock.set(minutes(240))
    with pytest.raises(StorageError):
        await monitor.tick()
    assert await world.rows(
        "select count(*) from coverage where slot = '2021-02-01T04:00Z' and outcome = 0"
    ) == [(3,)]


async def test_readings_dated_in_the_future_keep_the_monitor_from_starting(world: World) -> None:
    await world.enlist(["1"])
    world.clock.set(minutes(60 * 24))
    await (await world.start()).tick()
    world.clock.set(minutes(0))
    with pytest.raises(StorageError, match="Correct the clock"):
        await world.start()


# the watch list ------------------------------------------------------------------------------------------


async def test_an_account_whose_server_hangs_is_missed_and_the_others_are_recorded(
    pool: Pool,
) -> None:
    world = World(pool)
    away = did(1)
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, did(n), f"h{n}.test", ("L",)) for n in range(4)], T0)
    stage = Stage({did(n): shown(did(n)) for n in range(4) if did(n) != away}, repos={away: hang})
    http = replace(ONCE, follow_up_s=0.2)
    async with staged(stage, http=http) as (bluesky, _):
        settings = MonitorSettings(Sweep(60 * MINUTE, T0))
        monitor = reading_pipeline(pool, bluesky, ConfirmationRule(), settings, world.clock)
        await monitor.load()
        async with asyncio.timeout(100):
            await monitor.tick()
        said = "select outcome, missed is not null, observed_at from coverage order by observed_at"
        assert await world.rows(said) == [(0, True, T0)]
        assert await world.rows(
            "select distinct reason from account a, account_misses(a.account_id, '-infinity', 'infinity')"
        ) == [("network",)]
        stage.repos = {away: REPO_GONE}
        await world.run(monitor, minutes(1))
    assert await world.rows(said) == [(0, True, T0), (0, False, minutes(1))]

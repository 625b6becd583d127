"""The monitor on a real database, with a platform that says what the test wants."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.breaker_store import BreakerStore
from jobs.engagement.timelines import EngagementPoller
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.executives.signals import add_executive
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from storage.postgres.pool import Pool, StorageError, transaction
from tests.support.pipelines.monitor import CANARIES, CHANGES, World
from tests.support.samples.readings import (
    MINUTE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    FakeCollector,
    minutes,
)
from tests.support.simulated.scripted_bluesky import REPO_GONE, Stage, did, shown, staged
from tests.support.simulated.scripted_x import ONCE, hang


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


async def test_a_failed_request_is_tried_again_and_stored_as_missed(world: World) -> None:
    await world.enlist(["1"])
    monitor = await world.start()
    world.platform.trouble = RequestFailure(MissedReason.UPSTREAM, "503", minutes(1), breaker=False)
    await monitor.tick()
    world.clock.set(minutes(1))
    world.platform.trouble = None
    await monitor.tick()
    assert await world.rows("select attempt, outcome, missed_reason from coverage order by attempt") == [
        (0, 1, "upstream"),
        (1, 0, None),
    ]
    assert await world.rows("select count(*) from change where kind <> 'baseline'") == [(0,)]


NOBODY = [(0,)]
NEWS = "select count(*) from change where kind <> 'baseline'"


class Limited(FakeCollector):
    """Three requests in a quarter of an hour."""

    left, until = 3, T0

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        if now >= self.until:
            self.left, self.until = 3, now + timedelta(minutes=15)
        limit = RequestFailure(MissedReason.RATE_LIMITED, "429", self.until, breaker=False)
        self.trouble = None if self.left else limit
        self.left -= bool(self.left)
        return await super().read(native_ids, now)


# control accounts ----------------------------------------------------------------------------------------


async def test_control_accounts_that_are_added_later_protect_existing_rosters(world: World) -> None:
    ids = [str(i) for i in range(1, 51)]
    async with transaction(world.pool) as conn:
        await add_accounts(conn, [NewAccount(X, i, f"h{i}") for i in ids], T0)
    await world.run(await world.start(), minutes(1))
    async with transaction(world.pool) as conn:
        await set_canaries(conn, X, CANARIES, T0)
    monitor = await world.start()
    world.platform.truth |= {i: SUSPENDED for i in (*ids, "900", "901")}
    await world.run(monitor, minutes(300))
    assert await world.rows(NEWS) == NOBODY


# other writers -------------------------------------------------------------------------------------------


async def test_a_writer_with_outdated_memory_does_not_record_a_block_twice(world: World) -> None:
    await world.enlist(["1"])
    first, second = await world.start(), await world.start()
    await first.tick()
    await second.tick()
    world.platform.truth["1"] = SUSPENDED
    for at in (120, 121):
        world.clock.set(minutes(at))
        await first.tick()
    for at in (240, 241):
        world.clock.set(minutes(at))
        await second.tick()
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    assert await world.rows("select count(*) from alert") == [(1,)]


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


async def test_an_engagement_is_not_seen_before_it_was_made(world: World) -> None:
    made = T0 + timedelta(seconds=5)
    world.platform.acts = {"5000": [Signal(SignalKind.POST, "1", made)]}
    async with transaction(world.pool) as conn:
        await add_executive(conn, X, "5000", "e", "Name", "Title", T0)
    times = iter((T0, T0 + timedelta(seconds=10)))
    health = BreakerStore(world.pool, X)
    poller = EngagementPoller(world.pool, world.platform, timedelta(hours=1), health, lambda: next(times))
    await poller.load()
    await poller.tick()
    assert await world.rows("select made_at <= first_seen_at from signal") == [(True,)]
    assert await world.rows("select last_polled_at from executive") == [(T0 + timedelta(seconds=10),)]


async def test_under_a_limit_every_roster_is_read(world: World) -> None:
    world.platform = Limited()
    async with transaction(world.pool) as conn:
        new = [NewAccount(X, str(i), f"h{i}") for i in range(1, 501)]
        await add_accounts(conn, new, T0)
    monitor = await world.start(Sweep(timedelta(minutes=15), T0))
    await world.run(monitor, minutes(6 * 60))
    read = await world.rows(
        """
        select count(*) filter (where outcome = 0) from roster left join coverage using (roster_id)
        where base group by roster_id
        """
    )
    assert len(read) == 5
    assert min(n for (n,) in read if isinstance(n, int)) >= 10


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


async def test_a_request_not_sent_because_another_hangs_is_not_a_failure(pool: Pool) -> None:
    """The request that hangs counts, not each that waited for its answer."""

    class Waiting(FakeCollector):
        async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
            return replace(await super().read(native_ids, now), sent=self.trouble is None)

    world = World(pool, Waiting())
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, str(n), f"h{n}") for n in range(590)], T0)
    monitor = await world.start()
    world.platform.trouble = RequestFailure(MissedReason.NETWORK, "unanswered", T0, breaker=False)
    await monitor.tick()
    assert await world.rows("select reason from collector_state") == []
    world.platform.trouble = None
    await monitor.tick()
    assert await world.rows("select count(*) from coverage where outcome = 0") == [(6,)]


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

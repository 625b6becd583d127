"""The monitor on a real database, with a platform that says what the test wants."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from jobs.base.clock import SimulatedClock
from jobs.dispatch.breaker_store import BreakerStore
from jobs.engagement.timelines import EngagementPoller
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching, watch_version
from storage.accounts.canaries import set_canaries
from storage.accounts.listing import listed_accounts
from storage.executives.signals import add_executive
from storage.health import collector_state
from storage.imports import imports
from storage.model.bitemporal.imported_records import (
    ImportedAccount,
    ImportedBatch,
    ImportedChange,
    ImportedHistory,
)
from storage.model.core.availability import MissedReason, Status, Strength
from storage.model.core.signals import Signal, SignalKind
from storage.postgres.pool import Pool, Refused, StorageError, open_pool, transaction
from storage.purge.purge import purge_account
from storage.readings import evidence
from tests.support.pipelines.monitor import CANARIES, CHANGES, World
from tests.support.samples.readings import (
    AVAILABLE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    FakeCollector,
    minutes,
)


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


async def test_a_block_is_confirmed_alerted_and_kept_with_both_readings(world: World) -> None:
    await world.enlist(["1", "2"])
    monitor = await world.start()
    await world.run(monitor, minutes(10))
    world.platform.truth["1"] = WITHHELD_IN
    await world.run(monitor, minutes(125))
    assert await world.rows(CHANGES) == [("1", "block", "withheld", "confirmed", "enough_strong")]
    assert await world.rows(
        "select last_seen_old, first_seen_new, recorded_at, withheld_in from change where kind = 'block'"
    ) == [(minutes(0), minutes(120), minutes(120), ["IN"])]
    assert await world.rows(
        "select decided_at, readings from change_outcome where reason = 'enough_strong'"
    ) == [(minutes(121), 2)]
    assert await world.rows("select created_at from alert") == [(minutes(121),)]
    async with transaction(world.pool) as conn:
        kept = await evidence.load(
            conn, await conn.fetchval("select old_evidence from change where kind = 'block'")
        )
    assert kept == b"1: answer of " + minutes(0).isoformat().encode()
    assert await world.rows("select count(*) from pending_change") == [(0,)]


async def test_spells_say_what_was_true_and_what_was_believed_when(world: World) -> None:
    await world.enlist(["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(122))
    assert await world.rows(
        """
        select status, lower(valid), upper(valid), lower(recorded), upper(recorded), onset_after
        from spell order by spell_id
        """
    ) == [
        ("available", minutes(0), None, minutes(0), minutes(121), None),
        ("available", minutes(0), minutes(120), minutes(121), None, None),
        ("suspended", minutes(120), None, minutes(121), None, minutes(0)),
    ]


async def test_a_missed_reading_never_opens_or_ends_anything(world: World) -> None:
    await world.enlist(["1", "2"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.silent.add("1")
    await world.run(monitor, minutes(600))
    world.platform.silent.clear()
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(605))
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    assert await world.rows("select last_seen_old, first_seen_new from change where kind = 'block'") == [
        (minutes(0), minutes(601))
    ]


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


async def test_an_answer_whose_control_accounts_look_wrong_is_quarantined_and_requested_again(
    world: World,
) -> None:
    await world.enlist([str(i) for i in range(1, 51)])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    lie = {str(i): NOT_FOUND for i in range(1, 51)} | {"900": NOT_FOUND}
    truth = dict(world.platform.truth)
    world.platform.truth.update(lie)
    await world.run(monitor, minutes(140))
    world.platform.truth = truth
    await world.run(monitor, minutes(300))
    assert await world.rows(
        "select observed_at, outcome from coverage where observed_at > '2021-02-01T01:00Z' order by 1"
    ) == [(minutes(120), 2), (minutes(121), 2), (minutes(126), 2), (minutes(141), 0), (minutes(240), 0)]
    assert await world.rows("select count(*) from change where kind <> 'baseline'") == [(0,)]


async def test_a_change_that_reverts_is_kept_as_not_confirmed_and_sends_no_email(world: World) -> None:
    await world.enlist(["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(119))
    world.platform.truth["1"] = NOT_FOUND
    await world.run(monitor, minutes(125))
    world.platform.truth["1"] = AVAILABLE
    await world.run(monitor, minutes(240))
    assert await world.rows(CHANGES) == [("1", "gone", "not_found", "not_confirmed", "went_back")]
    assert await world.rows("select count(*) from alert") == [(0,)]
    assert await world.rows("select last_agreeing_at from change_outcome where reason = 'went_back'") == [
        (minutes(121),)
    ]


async def test_a_rejected_token_pauses_the_collector_and_changes_no_status(world: World) -> None:
    await world.enlist(["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.trouble = RequestFailure(MissedReason.AUTH, "401", minutes(135), breaker=True)
    await world.run(monitor, minutes(134))
    asked = len(world.platform.asked)
    assert await world.rows("select healthy, reason, retry_at from collector_state") == [
        (False, "auth", minutes(135))
    ]
    restarted = await world.start()
    assert restarted.next_due() == minutes(135)
    await restarted.tick()
    assert len(world.platform.asked) == asked
    world.platform.trouble = None
    world.clock.set(minutes(135))
    await restarted.tick()
    assert await world.rows("select healthy, since from collector_state") == [(True, minutes(135))]
    assert await world.rows("select count(*) from change where kind <> 'baseline'") == [(0,)]


async def test_a_restarted_monitor_continues_where_the_killed_one_was(world: World) -> None:
    await world.enlist(["1", "2"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = NOT_FOUND
    await world.run(monitor, minutes(121))
    restarted = await world.start()
    assert restarted.next_due() == minutes(135)
    await world.run(restarted, minutes(200))
    assert await world.rows(CHANGES) == [("1", "gone", "not_found", "confirmed", "enough_weak")]
    assert await world.rows("select decided_at from change_outcome where reason = 'enough_weak'") == [
        (minutes(180),)
    ]
    assert await world.rows("select last_seen_old from change where kind = 'gone'") == [(minutes(0),)]


async def test_an_answer_that_is_delivered_twice_is_stored_once(world: World) -> None:
    await world.enlist(["1"])
    first, second = await world.start(), await world.start()
    await first.tick()
    await second.tick()
    assert await world.rows("select count(*) from coverage") == [(1,)]
    assert await world.rows("select count(*) from change") == [(1,)]
    world.platform.truth["1"] = SUSPENDED
    for at in (120, 121):
        world.clock.set(minutes(at))
        await first.tick()
        await second.tick()
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    assert await world.rows("select count(*) from alert") == [(1,)]


async def test_a_rename_keeps_the_account_and_its_status(world: World) -> None:
    await world.enlist(["1"])
    world.platform.handles["1"] = "h1"
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.handles["1"] = "H1"
    await world.run(monitor, minutes(121))
    world.platform.handles["1"] = "other"
    await world.run(monitor, minutes(241))
    assert await world.rows("select old_handle, new_handle, last_seen_old, first_seen_new from rename") == [
        ("h1", "other", minutes(120), minutes(240))
    ]
    assert await world.rows("select handle from account where native_id = '1'") == [("other",)]
    assert await world.rows("select count(*) from change where kind <> 'baseline'") == [(0,)]


@pytest.mark.parametrize(
    "alias",
    [
        pytest.param("1", id="its id, as after a purge"),
        pytest.param("id:1", id="its id with the prefix of an import that had no handle"),
    ],
)
async def test_the_first_handle_after_a_placeholder_is_no_rename(world: World, alias: str) -> None:
    await world.enlist(["1"])
    world.platform.handles["1"] = "h1"
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    async with transaction(world.pool) as conn:
        account_id = await conn.fetchval("select account_id from account where native_id = '1'")
        await purge_account(conn, account_id, minutes(2))
        await conn.execute("update account set handle = $1 where account_id = $2", alias, account_id)
    await world.enlist(["1"])
    await monitor.load()
    before = await world.rows("select count(*) from live_event where topic = 'account'")
    await world.run(monitor, minutes(121))
    assert await world.rows("select old_handle, new_handle from rename") == []
    assert await world.rows("select handle from account where native_id = '1'") == [("h1",)]
    assert await world.rows("select count(*) from live_event where topic = 'account'") > before
    world.platform.handles["1"] = "other"
    await world.run(monitor, minutes(361))
    assert await world.rows("select old_handle, new_handle from rename") == [("h1", "other")]


async def test_a_monitor_that_does_not_know_of_a_purge_does_not_restore_the_handle(world: World) -> None:
    await world.enlist(["1"])
    world.platform.handles["1"] = "h1"
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    async with transaction(world.pool) as conn:
        account_id = await conn.fetchval("select account_id from account where native_id = '1'")
        await purge_account(conn, account_id, minutes(2))
    await world.enlist(["1"])
    world.platform.handles["1"] = "other"
    await world.run(monitor, minutes(121))
    assert await world.rows("select old_handle, new_handle from rename") == []
    assert await world.rows("select handle from account where native_id = '1'") == [("other",)]


async def test_new_accounts_are_read_without_moving_the_rosters_that_are_full(world: World) -> None:
    await world.enlist([str(i) for i in range(1, 101)])
    monitor = await world.start()
    await monitor.tick()
    await world.enlist([str(i) for i in range(200, 210)])
    await monitor.load()
    await monitor.tick()
    sizes = await world.rows(
        "select cardinality(account_ids), retired_at is null from roster where base order by roster_id"
    )
    assert sizes == [(98, True), (2, False), (12, True)]
    assert await world.rows("select count(*) from spell") == [(110,)]


async def test_what_was_true_at_a_time_depends_on_when_it_is_asked(world: World) -> None:
    await world.enlist(["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(125))

    async def state(at: float, known_at: float) -> str | None:
        async with transaction(world.pool) as conn:
            listed = await listed_accounts(conn, None, minutes(at), minutes(known_at))
        return next((a.state.status.value for a in listed if a.state is not None), None)

    assert await state(0, -1) is None, "it was not watched yet"
    assert await state(119, 200) == "available"
    assert await state(120, 200) == "suspended"
    assert await state(120, 120.5) == "available", "the change was provisional then"
    assert await state(120, 121) == "suspended"


NOBODY = [(0,)]
NEWS = "select count(*) from change where kind <> 'baseline'"


@dataclass
class Slow(FakeCollector):
    """A platform whose answers take their time."""

    clock: SimulatedClock
    takes: timedelta

    def __post_init__(self) -> None:
        super().__init__()
        self.truth["901"] = SUSPENDED

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        answer = await super().read(native_ids, now)
        self.clock.set(self.clock() + self.takes)
        return answer


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


async def test_a_control_account_that_was_removed_protects_nothing(world: World) -> None:
    await world.enlist(["1"])
    await world.run(await world.start(), minutes(1))
    world.platform.truth |= {"1": SUSPENDED, "900": SUSPENDED}
    async with transaction(world.pool) as conn:
        await set_canaries(conn, X, [("950", "new", Status.AVAILABLE), CANARIES[1]], T0)
    await world.run(await world.start(), minutes(125))
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]


async def test_repeatedly_quarantined_answers_are_reported_to_the_operator(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "jobs")
    await world.enlist(["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["900"] = SUSPENDED
    await world.run(monitor, minutes(150))
    ((healthy, reason, detail),) = await world.rows("select healthy, reason, detail from collector_state")
    assert (healthy, reason) == (False, "held")
    assert "@stable looks suspended and should be available" in str(detail)
    world.platform.truth["900"] = AVAILABLE
    await world.run(monitor, minutes(260))
    assert await world.rows("select healthy, reason from collector_state") == [(True, None)]
    failed, recovered = (r for r in caplog.records if r.name == "jobs.dispatch.breaker_store")
    assert (failed.levelname, vars(failed)["event"]) == ("WARNING", "collector_failed")
    assert failed.getMessage().startswith("x collector failed (held): ")
    assert (recovered.levelname, vars(recovered)["event"]) == ("INFO", "collector_recovered")
    assert recovered.getMessage().startswith("x collector recovered after ")


async def test_an_account_is_watched_or_a_control_account_but_not_both(world: World) -> None:
    await world.enlist(["1"])
    async with transaction(world.pool) as conn:
        with pytest.raises(Refused, match="@stable is a control account"):
            await add_accounts(conn, [NewAccount(X, "900", "stable")], T0)
        with pytest.raises(Refused, match="@h1 is watched"):
            await set_canaries(conn, X, [("1", "h1", Status.AVAILABLE)], T0)


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


async def test_an_import_does_not_make_its_list_a_cohort_in_which_something_happened(world: World) -> None:
    await world.enlist(["1"], ("L",))
    long_ago, later = minutes(-99_999), minutes(-90_000)
    changes = (
        ImportedChange("77", None, AVAILABLE, Strength.STRONG, None, long_ago, 1, long_ago, b"a"),
        ImportedChange("77", AVAILABLE, WITHHELD_IN, Strength.STRONG, long_ago, later, 1, later, b"b"),
    )
    looks = (ImportedBatch(long_ago, minutes(-99_998), 0, ("77",)),)
    record = ImportedHistory("crawl", "L", X, (ImportedAccount("77", "h77"),), changes, looks)
    async with transaction(world.pool) as conn:
        await imports.import_history(conn, record, T0)
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = NOT_FOUND
    await world.run(monitor, minutes(200))
    assert await world.rows(
        "select reason, readings from change join change_outcome using (change_id) where kind = 'gone'"
    ) == [("enough_weak", 4)]


# a slow platform -----------------------------------------------------------------------------------------


async def test_a_rename_while_the_answer_was_under_way_lies_in_its_interval(world: World) -> None:
    world.platform = Slow(world.clock, timedelta(seconds=10))
    await world.enlist(["1"])
    world.platform.handles["1"] = "h1"
    monitor = await world.start()
    await monitor.tick()
    world.platform.handles["1"] = "other"
    world.clock.set(minutes(120))
    await monitor.tick()
    asked, answered = minutes(120), minutes(120) + timedelta(seconds=10)
    assert asked < answered
    assert await world.rows("select last_seen_old, first_seen_new from rename") == [(T0, answered)]


@pytest.mark.parametrize("microseconds", [1_234_400, 1_234_567])
async def test_loading_again_neither_moves_an_interval_inwards_nor_loses_the_old_evidence(
    world: World, microseconds: int
) -> None:
    world.platform = Slow(world.clock, timedelta(microseconds=microseconds))
    await world.enlist(["1"])
    monitor = await world.start()
    await monitor.tick()
    await monitor.load()
    world.platform.truth["1"] = SUSPENDED
    world.clock.set(minutes(120))
    await monitor.tick()
    ((last_seen_old, has_evidence),) = await world.rows(
        "select last_seen_old, old_evidence is not null from change where kind = 'block'"
    )
    assert last_seen_old in {T0, T0 - timedelta(microseconds=(-microseconds) % 1000)}
    assert has_evidence


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


async def test_an_account_missing_from_an_answer_is_requested_again_before_its_next_slot(
    world: World,
) -> None:
    await world.enlist(["1", "2"])
    world.platform.silent.add("1")
    monitor = await world.start()
    await monitor.tick()
    world.platform.silent.clear()
    await world.run(monitor, minutes(2))
    assert await world.rows("select count(*) from spell") == [(2,)]
    assert await world.rows("select missed::text from coverage where missed is not null") == [
        ('{"omitted": [0]}',)
    ]


async def test_an_account_that_is_never_in_an_answer_does_not_cause_endless_requests(world: World) -> None:
    await world.enlist(["1"])
    world.platform.silent.add("1")
    await world.run(await world.start(), minutes(119))
    assert len(world.platform.asked) == 1 + 3


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


async def test_the_newest_state_of_a_collector_is_stored_in_any_order_of_writers(dsn: str) -> None:
    limit = RequestFailure(MissedReason.RATE_LIMITED, "429", minutes(15), breaker=False)
    async with open_pool(dsn, min_size=4, max_size=8) as pool:
        for n in range(25):
            health = BreakerStore(pool, X)
            async with asyncio.TaskGroup() as group:
                for k in range(4):
                    trouble = replace(limit, retry_at=minutes(15 + n)) if k % 2 == 0 else None
                    group.create_task(health.note("", ("all",), trouble, minutes(k), minutes(k)))
            async with transaction(pool) as conn:
                stored = (await collector_state.load_states(conn, X)).get("")
            assert stored is not None
            assert stored.retry_at == health.paused_until("")


async def test_accounts_that_were_asked_once_together_are_believed_again_one_by_one(pool: Pool) -> None:
    health = BreakerStore(pool, X)

    async def is_told_to_work() -> bool | None:
        async with transaction(pool) as conn:
            stored = (await collector_state.load_states(conn, X)).get("")
        return None if stored is None else stored.healthy

    for minute in range(3):
        await health.note_quarantined("", (1, 2), "odd", minutes(minute), minutes(minute))
    assert await is_told_to_work() is False
    await health.note("", (1, 9), None, minutes(4), minutes(4))
    assert await is_told_to_work() is False
    await health.note("", (2, 8), None, minutes(5), minutes(5))
    assert await is_told_to_work() is True


# the watch list ------------------------------------------------------------------------------------------


async def test_a_change_of_the_watch_list_is_noticed(world: World) -> None:
    async def version() -> int:
        async with transaction(world.pool) as conn:
            return (await watch_version(conn, 0)).number

    seen = [await version()]
    await world.enlist(["1"], ("L",))
    seen.append(await version())
    async with transaction(world.pool) as conn:
        await stop_watching(conn, X, "h1", T0)
    seen.append(await version())
    await world.enlist(["1"], ("L",))
    seen.append(await version())
    async with transaction(world.pool) as conn:
        await add_executive(conn, X, "5", "e", "Name", "Title", T0)
    seen.append(await version())
    assert seen == sorted(set(seen))


async def test_a_provisional_change_of_an_account_that_is_no_longer_watched_ends_as_such(
    world: World,
) -> None:
    await world.enlist(["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(120))
    async with transaction(world.pool) as conn:
        await stop_watching(conn, X, "H1", minutes(120))
    await monitor.load()
    await world.run(monitor, minutes(300))
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "not_confirmed", "no_longer_watched")]
    assert await world.rows("select count(*) from pending_change") == NOBODY
    assert await world.rows("select count(*) from roster where retired_at is null and base") == NOBODY

"""The monitor on a real database, with a platform that says what the test wants."""

import pytest

from collectors.core.collector import RequestFailure
from storage.accounts.listing import listed_accounts
from storage.model.core.availability import MissedReason
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purge_account
from storage.readings import evidence
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes


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

"""Control accounts: an outage is no mass block, and one that really changed does not blind the monitor."""

import pytest

from collectors.core.collector import CanaryCandidate
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes

STABLE = [(str(n), f"stable_{n}", Status.AVAILABLE) for n in (900, 902, 903)]
GONE = ("901", "gone", Status.SUSPENDED)
NEWS = "select kind, outcome from change left join change_outcome using (change_id) where kind <> 'baseline'"
ORDER = [str(n) for n in range(1, 258)]


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


async def named(world: World, *canaries: tuple[str, str, Status]) -> None:
    world.platform.truth["901"] = SUSPENDED
    async with transaction(world.pool) as conn:
        await set_canaries(conn, Platform.X, canaries, T0)


async def watched(world: World, ids: list[str], *lists: str) -> None:
    async with transaction(world.pool) as conn:
        await add_accounts(conn, [NewAccount(Platform.X, i, f"h{i}", lists) for i in ids], T0)


async def test_an_order_that_blocks_257_accounts_at_once_passes(world: World) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ORDER, "order")
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER, WITHHELD_IN)
    await world.run(monitor, minutes(130))
    assert set(await world.rows(NEWS)) == {("block", "confirmed")}
    assert len(await world.rows(NEWS)) == 257


async def test_an_outage_that_shows_everybody_as_missing_changes_nothing(world: World) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ORDER)
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    everybody = [*ORDER, *(i for i, _, _ in STABLE), "901"]
    world.platform.truth |= dict.fromkeys(everybody, NOT_FOUND)
    await world.run(monitor, minutes(500))
    world.platform.truth |= dict.fromkeys(everybody, AVAILABLE) | {"901": SUSPENDED}
    await world.run(monitor, minutes(900))
    assert await world.rows(NEWS) == []
    assert await world.rows("select count(*) from canary where retired_at is not null") == [(0,)]


async def test_without_control_accounts_a_roster_that_vanishes_at_once_is_held(world: World) -> None:
    await watched(world, ORDER[:50])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER[:50], NOT_FOUND)
    await world.run(monitor, minutes(400))
    assert await world.rows(NEWS) == []
    ((reason, detail),) = await world.rows("select reason, detail from collector_state")
    assert reason == "held"
    assert "50 of 50 accounts vanished at once" in str(detail)


async def test_such_a_hold_ends_after_a_day_and_four_readings_have_to_agree(world: World) -> None:
    await watched(world, ORDER[:5])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER[:3], NOT_FOUND)
    await world.run(monitor, minutes(60 * 23))
    assert await world.rows(NEWS) == []
    world.platform.truth[ORDER[4]] = SUSPENDED
    await world.run(monitor, minutes(60 * 30))
    assert sorted(await world.rows(NEWS)) == [("block", "confirmed"), *[("gone", "confirmed")] * 3]


async def test_without_control_accounts_a_few_that_vanish_are_confirmed_as_usual(world: World) -> None:
    await watched(world, ORDER[:50])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER[:2], NOT_FOUND)
    await world.run(monitor, minutes(400))
    assert await world.rows(NEWS) == [("gone", "confirmed")] * 2


async def test_a_known_suspended_control_account_that_is_restored_is_retired_and_reading_goes_on(
    world: World,
) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= {"901": AVAILABLE, "1": SUSPENDED}
    await world.run(monitor, minutes(300))
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    world.clock.set(minutes(301))
    await world.run(monitor, minutes(700))
    assert await world.rows(
        "select a.native_id from canary join account a using (account_id) where retired_at is not null"
    ) == [("901",)]


async def test_a_stable_control_account_that_flickers_is_doubted_and_trusted_again(world: World) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= {"900": NOT_FOUND, "902": NOT_FOUND}
    await world.run(monitor, minutes(121))
    world.platform.truth |= {"900": AVAILABLE, "902": AVAILABLE}
    await world.run(monitor, minutes(400))
    assert await world.rows("select sum(doubts)::int from canary where retired_at is null") == [(0,)]
    assert await world.rows("select count(*) from canary where retired_at is not null") == [(0,)]


async def test_control_accounts_are_chosen_from_accounts_that_look_as_expected(world: World) -> None:
    world.platform.spare = (
        CanaryCandidate("800", "good"),
        CanaryCandidate("801", "bad"),
        CanaryCandidate("802", "fine"),
    )
    world.platform.truth["801"] = NOT_FOUND
    await watched(world, ["1"])
    await (await world.start()).canaries.tick()
    assert await world.rows(
        "select a.native_id, c.origin from canary c join account a using (account_id) order by 1"
    ) == [("800", "chosen"), ("802", "chosen")]
    assert await world.rows(
        "select cardinality(canary_ids) from roster where base and retired_at is null"
    ) == [(2,)]


async def test_those_that_the_settings_name_are_enough(world: World) -> None:
    world.platform.spare = (CanaryCandidate("800", "good"),)
    await named(world, *STABLE)
    await watched(world, ["1"])
    await (await world.start()).canaries.tick()
    assert await world.rows("select count(*) from canary where origin = 'chosen'") == [(0,)]
    assert world.platform.asked == []


async def test_a_single_control_account_that_changed_blinds_nobody_for_ever(
    world: World,
) -> None:
    await named(world, STABLE[0])
    await watched(world, ORDER[:10])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= {"900": SUSPENDED, "1": SUSPENDED}
    await world.run(monitor, minutes(600))
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    assert await world.rows("select count(*) from canary where retired_at is not null") == [(1,)]


async def test_with_too_few_accounts_to_tell_such_a_hold_ends_after_a_day(world: World) -> None:
    await named(world, STABLE[0])
    await watched(world, ["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= {"900": SUSPENDED, "1": SUSPENDED}
    await world.run(monitor, minutes(60 * 23))
    assert await world.rows(NEWS) == []
    await world.run(monitor, minutes(60 * 31))
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]


async def test_an_outage_of_a_part_that_takes_a_control_account_with_it_makes_nobody_vanish(
    world: World,
) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ORDER[:90])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    part = [*ORDER[:30], "900"]
    world.platform.truth |= dict.fromkeys(part, NOT_FOUND)
    await world.run(monitor, minutes(60 * 12))
    world.platform.truth |= dict.fromkeys(part, AVAILABLE)
    await world.run(monitor, minutes(60 * 20))
    assert set(await world.rows(NEWS)) <= {("gone", "not_confirmed")}
    assert await world.rows("select count(*) from canary where retired_at is not null") == [(0,)]


async def test_control_accounts_that_are_named_later_find_room_in_full_rosters(world: World) -> None:
    await watched(world, [str(n) for n in range(1, 101)])
    await world.run(await world.start(), minutes(1))
    await named(world, *STABLE, GONE)
    monitor = await world.start()
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(300))
    assert max(map(len, world.platform.asked)) <= 100
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]


async def test_of_a_country_that_is_no_longer_spoken_of_what_was_held_stays(
    world: World,
) -> None:
    await named(world, *STABLE)
    await watched(world, ["1"])
    world.platform.truth["1"] = WITHHELD_IN
    monitor = await world.start()
    await world.run(monitor, minutes(130))
    world.platform.spoken_of = frozenset({"DE"})
    world.platform.truth["1"] = AVAILABLE
    await world.run(monitor, minutes(600))
    assert await world.rows(NEWS) == []


async def test_after_an_outage_the_control_accounts_are_asked_until_they_look_right(world: World) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ORDER[:50])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    everybody = [*ORDER[:50], *(i for i, _, _ in STABLE), "901"]
    world.platform.truth |= dict.fromkeys(everybody, NOT_FOUND)
    await world.run(monitor, minutes(125))
    assert monitor.canaries.is_unsure("")
    world.platform.truth |= dict.fromkeys(everybody, AVAILABLE) | {"901": SUSPENDED}
    await world.run(monitor, minutes(400))
    assert not monitor.canaries.is_unsure("")


async def test_one_that_was_doubted_before_an_outage_is_trusted_again_after_it(world: World) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ORDER[:50])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    canaries = [i for i, _, _ in STABLE]
    world.platform.truth |= dict.fromkeys(canaries[:2], NOT_FOUND)
    await world.run(monitor, minutes(123))
    assert await world.rows("select count(*) > 0 from canary where doubts > 0") == [(True,)]
    world.platform.truth |= dict.fromkeys([*ORDER[:50], *canaries, "901"], NOT_FOUND)
    await world.run(monitor, minutes(245))
    world.platform.truth |= dict.fromkeys([*ORDER[:50], *canaries], AVAILABLE) | {"901": SUSPENDED}
    await world.run(monitor, minutes(500))
    assert await world.rows("select count(*) from canary where doubts > 0 or retired_at is not null") == [
        (0,)
    ]
    assert await world.rows(NEWS) == []

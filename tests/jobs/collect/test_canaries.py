"""Control accounts: an outage is no mass block, and one that really changed does not blind the monitor."""

import pytest

from collectors.core.collector import CanaryCandidate
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.canaries import set_canaries
from storage.model.core.availability import Status
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.repeats import repeats
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
        await set_canaries(conn, X, canaries, T0)


async def watched(world: World, ids: list[str], *lists: str) -> None:
    async with transaction(world.pool) as conn:
        accounts = [NewAccount(X, i, f"h{i}", lists) for i in ids]
        await add_accounts(conn, accounts, world.clock())


async def test_an_order_that_blocks_257_accounts_at_once_passes(world: World) -> None:
    await named(world, *STABLE, GONE)
    await watched(world, ORDER, "order")
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER, WITHHELD_IN)
    await world.run(monitor, minutes(130))
    assert set(await world.rows(NEWS)) == {("block", "confirmed")}
    assert len(await world.rows(NEWS)) == 257


async def test_an_outage_that_shows_all_accounts_as_missing_changes_nothing(world: World) -> None:
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


async def test_without_control_accounts_a_roster_that_vanishes_at_once_is_quarantined(world: World) -> None:
    await watched(world, ORDER[:50])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER[:50], NOT_FOUND)
    await world.run(monitor, minutes(400))
    assert await world.rows(NEWS) == []
    ((reason, detail),) = await world.rows("select reason, detail from collector_state")
    assert reason == "held"
    assert "50 of 50 accounts vanished at once" in str(detail)


async def test_such_a_quarantine_ends_after_a_day_and_four_readings_must_agree(world: World) -> None:
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


async def test_a_suspended_control_account_that_is_restored_is_retired_and_reading_continues(
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


async def test_control_accounts_in_the_settings_are_enough(world: World) -> None:
    world.platform.spare = (CanaryCandidate("800", "good"),)
    await named(world, *STABLE)
    await watched(world, ["1"])
    await (await world.start()).canaries.tick()
    assert await world.rows("select count(*) from canary where origin = 'chosen'") == [(0,)]
    assert world.platform.asked == []


async def test_a_single_control_account_that_changed_does_not_block_reading_forever(
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


async def test_with_too_few_accounts_to_judge_such_a_quarantine_ends_after_a_day(world: World) -> None:
    await named(world, STABLE[0])
    await watched(world, ["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= {"900": SUSPENDED, "1": SUSPENDED}
    await world.run(monitor, minutes(60 * 23))
    assert await world.rows(NEWS) == []
    await world.run(monitor, minutes(60 * 31))
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]


async def test_a_partial_outage_that_hits_a_control_account_makes_no_account_vanish(
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


async def test_control_accounts_that_are_added_later_fit_into_full_rosters(world: World) -> None:
    await watched(world, [str(n) for n in range(1, 101)])
    await world.run(await world.start(), minutes(1))
    await named(world, *STABLE, GONE)
    monitor = await world.start()
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(300))
    assert max(map(len, world.platform.asked)) <= 100
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]


async def test_the_known_state_of_a_country_that_is_no_longer_reported_stays(
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


async def test_a_control_account_doubted_before_an_outage_is_trusted_again_after_it(world: World) -> None:
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


async def run_with_restarts(world: World, until: float, every: float = 300) -> None:
    """Run monitors one after the other, each of which knows only what is stored."""
    while world.clock() < minutes(until):
        at = (world.clock() - T0).total_seconds() / 60
        await world.run(await world.start(), minutes(min(at + every, until)))


async def test_the_day_of_such_a_quarantine_is_counted_across_restarts(world: World) -> None:
    await watched(world, ORDER[:5])
    await world.run(await world.start(), minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER[:3], NOT_FOUND)
    await run_with_restarts(world, 60 * 25)
    assert await world.rows(NEWS) == []
    await run_with_restarts(world, 60 * 30)
    assert await world.rows(NEWS) == [("gone", "confirmed")] * 3


async def test_the_day_of_such_a_quarantine_is_counted_while_accounts_are_added_and_removed(
    world: World,
) -> None:
    """Each edit makes the roster anew. Who joins it was never read, or was there when it was last watched."""
    before = [str(n) for n in range(80, 90)]
    await watched(world, [*ORDER[:5], *before])
    await world.run(await world.start(), minutes(1))
    await stop(world, before)
    world.platform.truth |= dict.fromkeys([*ORDER[:3], *ORDER[10:30], *before], NOT_FOUND)
    for n in range(8):
        await watched(world, [ORDER[10 + n], before[n]])
        await run_with_restarts(world, 180 * (n + 1))
    assert await world.rows(NEWS) == []
    await run_with_restarts(world, 60 * 28)
    gone = {native_id for native_id, *_ in await world.rows(CHANGES)}
    assert gone == {*ORDER[:3], *before[:8]}


async def stop(world: World, ids: list[str]) -> None:
    async with transaction(world.pool) as conn:
        for native_id in ids:
            await stop_watching(conn, X, native_id, world.clock(), is_id=True)


async def test_the_day_of_a_quarantine_by_wrong_control_accounts_is_counted_across_restarts(
    world: World,
) -> None:
    await named(world, STABLE[0])
    await watched(world, ["1"])
    await world.run(await world.start(), minutes(1))
    world.platform.truth |= {"900": SUSPENDED, "1": SUSPENDED}
    await run_with_restarts(world, 60 * 24)
    assert await world.rows(NEWS) == []
    await run_with_restarts(world, 60 * 29)
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]


@pytest.mark.again
async def test_a_partial_outage_makes_no_account_vanish_at_a_restart_either(world: World) -> None:
    """What was held is asked for another way, by a monitor that heard no control account itself."""
    await named(world, *STABLE, GONE)
    await watched(world, ORDER[:90])
    await world.run(await world.start(), minutes(1))
    part = [*ORDER[:30], "900"]
    world.platform.truth |= dict.fromkeys(part, NOT_FOUND)
    await run_with_restarts(world, 60 * 12, every=repeats(13, 1))
    world.platform.truth |= dict.fromkeys(part, AVAILABLE)
    await run_with_restarts(world, 60 * 20)
    assert set(await world.rows(NEWS)) <= {("gone", "not_confirmed")}


@pytest.mark.parametrize(("controls", "changed"), [(1, 1), (2, 1), (3, 1), (2, 2)])
@pytest.mark.parametrize("accounts", [1, 2, 5])
async def test_a_control_account_that_is_suspended_is_replaced_within_hours(
    world: World, controls: int, changed: int, accounts: int
) -> None:
    await named(world, *STABLE[:controls])
    await watched(world, ORDER[:accounts])
    await world.run(await world.start(), minutes(1))
    world.platform.truth |= {native_id: SUSPENDED for native_id, *_ in STABLE[:changed]}
    await run_with_restarts(world, 60 * 5)
    assert await world.rows("select count(*) from canary where retired_at is not null") == [(changed,)]
    world.platform.truth["1"] = SUSPENDED
    await run_with_restarts(world, 60 * 8)
    assert await world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]


async def test_a_retired_control_account_is_replaced_even_soon_after_the_last_search(world: World) -> None:
    world.platform.spare = tuple(CanaryCandidate(str(n), f"spare_{n}") for n in (800, 801))
    await watched(world, ORDER[:5])
    monitor = await world.start()
    await monitor.canaries.tick()
    world.platform.truth |= {"800": SUSPENDED}
    world.platform.spare = (*world.platform.spare, CanaryCandidate("802", "spare_802"))
    await world.run(monitor, minutes(300))
    assert (due := monitor.canaries.next_due()) is not None
    assert due <= world.clock()
    await monitor.canaries.tick()
    asked = "select native_id from canary join account using (account_id) where retired_at is null order by 1"
    assert await world.rows(asked) == [("801",), ("802",)]


@pytest.mark.parametrize("accounts", [1, 2])
async def test_without_control_accounts_the_only_existing_accounts_do_not_vanish_by_an_outage(
    world: World, accounts: int
) -> None:
    """A server that lost its database, or serves its API elsewhere, knows nobody."""
    await watched(world, ORDER[:accounts])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER[:accounts], NOT_FOUND)
    await world.run(monitor, minutes(60 * 23))
    world.platform.truth.clear()
    await world.run(monitor, minutes(60 * 30))
    assert await world.rows("select native_id, status from change join account using (account_id)") == [
        (native_id, "available") for native_id in ORDER[:accounts]
    ]


@pytest.mark.parametrize("accounts", [1, 2])
async def test_without_control_accounts_the_only_existing_accounts_are_gone_after_a_day(
    world: World, accounts: int
) -> None:
    await watched(world, ORDER[:accounts])
    await world.run(await world.start(), minutes(1))
    world.platform.truth |= dict.fromkeys(ORDER[:accounts], NOT_FOUND)
    await run_with_restarts(world, 60 * 28)
    assert await world.rows(NEWS) == [("gone", "confirmed")] * accounts


async def test_without_control_accounts_one_of_two_that_vanishes_is_confirmed_as_usual(world: World) -> None:
    """The other one shows that its server answers."""
    await watched(world, ORDER[:2])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = NOT_FOUND
    await world.run(monitor, minutes(400))
    assert await world.rows(NEWS) == [("gone", "confirmed")]

"""Control accounts: an outage is no mass block, and one that really changed does not blind the monitor."""

import pytest

from collectors.core.collector import CanaryCandidate
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.model.core.availability import Status
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, minutes

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

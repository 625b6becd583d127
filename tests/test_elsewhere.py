"""What is seen from another vantage is shown beside the status and never changes it."""

from datetime import datetime, timedelta

import pytest

from jobs.elsewhere import Elsewhere, differs
from jobs.monitor import Monitor
from jobs.planner import Sweep
from storage.accounts import NewAccount, add_accounts
from storage.canaries import set_canaries
from storage.db import Pool, transaction
from storage.facts import facts_of
from storage.model.accounts import Platform
from storage.model.availability import State, Status
from storage.model.facts import Fact
from storage.model.steps import Known
from tests.factories import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, FakeCollector, minutes
from tests.world import CANARIES, CHANGES, World

WITHHELD_IN_TR = State(Status.WITHHELD, ("TR",))
SWEEP = Sweep(timedelta(hours=2), T0)


class Two:
    """The same accounts, read from here and from there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.there = FakeCollector()
        self.there.truth["901"] = SUSPENDED

    async def start(self) -> None:
        await self.world.enlist(["1", "2"])
        self.monitor: Monitor = await self.world.start()
        self.elsewhere = Elsewhere(self.world.pool, self.there, "tr", self.monitor, SWEEP, self.world.clock)
        await self.elsewhere.load()

    async def run(self, until: datetime) -> None:
        clock = self.world.clock
        while True:
            await self.monitor.tick()
            await self.elsewhere.tick()
            due = min(self.monitor.next_due(), self.elsewhere.next_due() or until)
            due = max(due, clock() + timedelta(seconds=1))
            if due > until:
                break
            clock.set(due)
        clock.set(until)

    async def facts(self) -> list[Fact]:
        ((account_id,),) = await self.world.rows("select account_id from account where native_id = '1'")
        async with transaction(self.world.pool) as conn:
            return await facts_of(conn, int(str(account_id)))


@pytest.fixture
async def two(pool: Pool) -> Two:
    two = Two(World(pool))
    await two.start()
    return two


async def test_a_disagreement_is_kept_with_both_ends_and_changes_no_status(two: Two) -> None:
    await two.run(minutes(1))
    two.there.truth["1"] = WITHHELD_IN_TR
    await two.run(minutes(241))
    two.there.truth["1"] = AVAILABLE
    await two.run(minutes(400))
    assert await two.world.rows(CHANGES) == []
    (fact,) = await two.facts()
    assert (fact.observer, fact.kind, fact.value) == ("tr", "seen_as", "withheld TR")
    assert (fact.last_absent, fact.first_seen) == (minutes(0), minutes(120))
    assert (fact.last_seen, fact.first_absent) == (minutes(240), minutes(360))


async def test_what_both_vantages_see_is_no_disagreement(two: Two) -> None:
    await two.run(minutes(1))
    for platform in (two.world.platform, two.there):
        platform.truth["1"] = SUSPENDED
    await two.run(minutes(500))
    assert await two.world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    assert await two.facts() == []


async def test_an_outage_seen_from_there_is_no_disagreement(two: Two) -> None:
    await two.run(minutes(1))
    two.there.truth |= dict.fromkeys(["1", "2", "900", "901"], NOT_FOUND)
    await two.run(minutes(400))
    assert await two.facts() == []
    assert ("held",) in await two.world.rows("select reason from collector_state where vantage = 'tr'")


async def test_readings_from_there_are_coverage_of_that_vantage_only(two: Two) -> None:
    await two.run(minutes(1))
    assert sorted(
        await two.world.rows("select vantage, cardinality(account_ids) from roster where base")
    ) == [
        ("", 2),
        ("tr", 2),
    ]
    fresh = await two.world.start()
    known = fresh.known(next(iter(fresh.accounts())))
    assert known is not None
    assert known.last_asked_at == minutes(0)


@pytest.mark.parametrize(
    ("known", "seen", "is_odd"),
    [
        (None, SUSPENDED, False),
        (Known(), SUSPENDED, False),
        (Known(AVAILABLE), AVAILABLE, False),
        (Known(AVAILABLE), WITHHELD_IN, True),
        (Known(WITHHELD_IN), AVAILABLE, True),
    ],
)
def test_only_a_look_that_contradicts_what_is_held_disagrees(
    known: Known | None, seen: State, *, is_odd: bool
) -> None:
    assert differs(known, seen) is is_odd


async def test_an_account_that_is_watched_later_is_read_from_there_too(two: Two) -> None:
    await two.run(minutes(1))
    async with transaction(two.world.pool) as conn:
        await set_canaries(conn, Platform.X, CANARIES, T0)
        await add_accounts(conn, [NewAccount(Platform.X, "3", "h3")], minutes(1))
    await two.monitor.load()
    await two.elsewhere.load()
    two.there.asked.clear()
    await two.run(minutes(3))
    assert any("3" in asked for asked in two.there.asked)

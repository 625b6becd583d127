"""What is seen from another vantage is shown beside the status and never changes it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.collect.monitor import Monitor
from jobs.collect.vantages import VantageDifference, VantageReader, compare, differs
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.accounts.side_facts import facts_of
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State, Status
from storage.model.core.coverage import BatchOutcome
from storage.model.core.known_state import Known
from storage.model.core.side_facts import FactSighting, ObservedKind, SideFact
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import CANARIES, CHANGES, World
from tests.support.samples.readings import (
    AVAILABLE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    FakeCollector,
    minutes,
    reading,
)

WITHHELD_IN_TR = State(Status.WITHHELD, ("TR",))
SWEEP = Sweep(timedelta(hours=2), T0)


class Vantage(FakeCollector):
    """The platform as it is seen from there; for a while it may say nothing of some countries."""

    def __init__(self) -> None:
        super().__init__()
        self.silent_on: frozenset[str] = frozenset()

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        answer = await super().read(native_ids, now)
        return replace(answer, readings=tuple(replace(r, silent_on=self.silent_on) for r in answer.readings))


class Two:
    """The same accounts, read from here and from there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.there = Vantage()
        self.there.truth["901"] = SUSPENDED

    async def start(self) -> None:
        await self.world.enlist(["1", "2"])
        self.monitor: Monitor = await self.world.start()
        await self.look_from_there()

    async def look_from_there(self) -> None:
        """Begin, or begin anew as after a restart."""
        self.elsewhere = VantageReader(
            self.world.pool, self.there, "tr", self.monitor, SWEEP, self.world.clock
        )
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

    async def facts(self) -> list[SideFact]:
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


async def test_a_state_that_both_vantages_see_is_no_disagreement(two: Two) -> None:
    await two.run(minutes(1))
    for platform in (two.world.platform, two.there):
        platform.truth["1"] = SUSPENDED
    await two.run(minutes(500))
    assert await two.world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    assert await two.facts() == []


async def test_a_block_that_was_seen_from_there_first_is_no_disagreement(two: Two) -> None:
    await two.run(minutes(1))
    two.world.clock.set(minutes(120))
    for platform in (two.world.platform, two.there):
        platform.truth["1"] = SUSPENDED
    await two.elsewhere.tick()
    await two.run(minutes(500))
    assert await two.world.rows(CHANGES) == [("1", "block", "suspended", "confirmed", "enough_strong")]
    assert await two.facts() == []


async def test_a_block_that_all_vantages_see_ends_a_disagreement_with_the_first_reading_of_it(
    two: Two,
) -> None:
    await two.run(minutes(1))
    two.there.truth["1"] = WITHHELD_IN_TR
    await two.run(minutes(250))
    two.world.clock.set(minutes(360))
    for platform in (two.world.platform, two.there):
        platform.truth["1"] = SUSPENDED
    await two.elsewhere.tick()
    await two.run(minutes(500))
    (fact,) = await two.facts()
    assert (fact.value, fact.first_seen) == ("withheld TR", minutes(120))
    assert (fact.last_seen, fact.first_absent) == (minutes(240), minutes(360))


async def test_a_disagreement_that_becomes_another_one_ends_where_the_other_begins(two: Two) -> None:
    await two.run(minutes(1))
    two.there.truth["1"] = WITHHELD_IN_TR
    await two.run(minutes(250))
    two.there.truth["1"] = WITHHELD_IN
    await two.run(minutes(500))
    new, old = await two.facts()
    assert (old.value, old.last_seen, old.first_absent) == ("withheld TR", minutes(240), minutes(360))
    assert (new.value, new.last_absent, new.first_seen) == ("withheld IN", minutes(240), minutes(360))


async def test_a_reading_that_leaves_a_country_open_does_not_show_that_it_is_not_withheld(two: Two) -> None:
    await two.run(minutes(1))
    two.there.silent_on = frozenset({"TR"})
    await two.run(minutes(121))
    two.there.silent_on = frozenset()
    two.there.truth["1"] = WITHHELD_IN_TR
    await two.run(minutes(500))
    (fact,) = await two.facts()
    assert (fact.last_absent, fact.first_seen) == (minutes(0), minutes(240))


async def test_after_a_restart_it_is_not_known_since_when_a_new_disagreement_was_absent(two: Two) -> None:
    """The last look before it may have been the first to show it."""
    await two.run(minutes(1))
    two.there.truth["1"] = WITHHELD_IN_TR
    await two.run(minutes(121))
    await two.look_from_there()
    await two.run(minutes(500))
    (fact,) = await two.facts()
    assert (fact.last_absent, fact.first_seen, fact.first_absent) == (None, minutes(240), None)


async def test_a_disagreement_lasts_across_a_restart_and_ends_with_the_first_agreeing_reading(
    two: Two,
) -> None:
    await two.run(minutes(1))
    two.there.truth["1"] = WITHHELD_IN_TR
    await two.run(minutes(250))
    await two.look_from_there()
    await two.run(minutes(370))
    two.there.truth["1"] = AVAILABLE
    await two.run(minutes(500))
    (fact,) = await two.facts()
    assert (fact.first_seen, fact.first_absent) == (minutes(120), minutes(480))


ONE = AccountId(1)
FIRST = VantageDifference("withheld TR", minutes(0), minutes(120))
KEPT = replace(FIRST, proven=True)
BEGINS = FactSighting(ONE, frozenset([(ObservedKind.SEEN_AS, "withheld TR")]), minutes(0), minutes(120))
NOTHING_THEN = FactSighting(ONE, frozenset(), minutes(0), minutes(120))
NOTHING_NOW = FactSighting(ONE, frozenset(), minutes(120), minutes(240))


@pytest.mark.parametrize(
    ("state", "read_at", "held", "now", "sightings"),
    [
        pytest.param(AVAILABLE, 240, None, None, (), id="who looks as at home is nothing to keep"),
        pytest.param(
            WITHHELD_IN_TR,
            240,
            None,
            VantageDifference("withheld TR", minutes(120), minutes(240)),
            (),
            id="the first look that differs proves nothing",
        ),
        pytest.param(
            WITHHELD_IN_TR, 119, FIRST, FIRST, (), id="nor does a second one before home has looked again"
        ),
        pytest.param(
            WITHHELD_IN_TR,
            120,
            FIRST,
            FIRST,
            (),
            id="a look at home of the same moment does not count",
        ),
        pytest.param(WITHHELD_IN_TR, 121, FIRST, KEPT, (BEGINS,), id="it is kept from the first look on"),
        pytest.param(WITHHELD_IN_TR, 240, KEPT, KEPT, (), id="and kept once"),
        pytest.param(
            AVAILABLE, 240, FIRST, None, (NOTHING_THEN,), id="news that home has read since is dropped"
        ),
        pytest.param(
            AVAILABLE,
            240,
            KEPT,
            None,
            (NOTHING_NOW,),
            id="what was kept ends with a look that agrees",
        ),
        pytest.param(
            SUSPENDED,
            240,
            KEPT,
            VantageDifference("suspended", minutes(120), minutes(240)),
            (),
            id="a third state is a first look again",
        ),
    ],
)
def test_a_difference_is_stored_after_both_have_read_again(
    state: State,
    read_at: float,
    held: VantageDifference | None,
    now: VantageDifference | None,
    sightings: tuple[FactSighting, ...],
) -> None:
    known = Known(AVAILABLE, minutes(read_at), minutes(read_at))
    look = reading("1", state, minutes(240))
    assert compare(known, ONE, look, held, minutes(120)) == (now, sightings)


# control accounts ----------------------------------------------------------------------------------------


async def test_a_control_account_that_the_monitor_retired_blocks_no_reading_from_there(pool: Pool) -> None:
    two = Two(World(pool))
    two.world.platform.truth["901"] = SUSPENDED
    async with transaction(pool) as conn:
        stable = [(native_id, f"h{native_id}", Status.AVAILABLE) for native_id in ("900", "902", "903")]
        await set_canaries(conn, X, stable, T0)
        await add_accounts(conn, [NewAccount(X, str(n), f"h{n}") for n in range(1, 6)], T0)
    two.monitor = await two.world.start()
    await two.look_from_there()
    await two.run(minutes(1))
    for platform in (two.world.platform, two.there):
        platform.truth["900"] = NOT_FOUND
    await two.run(T0 + timedelta(days=3))
    two.there.asked.clear()
    await two.run(T0 + timedelta(days=3, hours=3))
    assert await two.world.rows(
        "select a.native_id from canary join account a using (account_id) where retired_at is not null"
    ) == [("900",)]
    assert two.there.asked
    assert all("900" not in asked and len({"902", "903"} & {*asked}) == 2 for asked in two.there.asked)
    ((outcome,),) = await two.world.rows(
        "select outcome from coverage c join roster r using (roster_id) where r.vantage = 'tr' "
        "order by c.observed_at desc limit 1"
    )
    assert outcome == BatchOutcome.ANSWERED


async def test_control_accounts_found_later_are_asked_from_there_without_moving_the_schedule(
    two: Two,
) -> None:
    await two.run(minutes(1))
    async with transaction(two.world.pool) as conn:
        await set_canaries(conn, X, [*CANARIES, ("902", "h902", Status.AVAILABLE)][1:], T0)
    two.there.asked.clear()
    await two.elsewhere.tick()
    assert two.there.asked == []
    await two.run(minutes(121))
    assert [set(asked) for asked in two.there.asked] == [{"1", "2", "901", "902"}]


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
def test_only_a_reading_that_contradicts_the_known_state_disagrees(
    known: Known | None, seen: State, *, is_odd: bool
) -> None:
    assert differs(known, seen) is is_odd


async def test_an_account_that_is_watched_later_is_read_from_there_too(two: Two) -> None:
    await two.run(minutes(1))
    async with transaction(two.world.pool) as conn:
        await set_canaries(conn, X, CANARIES, T0)
        await add_accounts(conn, [NewAccount(X, "3", "h3")], minutes(1))
    await two.monitor.load()
    await two.elsewhere.load()
    two.there.asked.clear()
    await two.run(minutes(3))
    assert any("3" in asked for asked in two.there.asked)

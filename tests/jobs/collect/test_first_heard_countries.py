"""A country that was never asked about has a first state there: it is recorded, and nobody is notified."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.collect.late_readings import record_late
from jobs.detect.confirmation import ConfirmationRule
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.model.core.availability import BY_COUNTRY, State, Status
from storage.model.core.coverage import Batch, BatchOutcome
from storage.postgres.pool import Pool, transaction
from storage.readings.rosters import base_rosters
from tests.support.pipelines.monitor import World, again, effects
from tests.support.samples.readings import AVAILABLE, SUSPENDED, FakeCollector, minutes, reading

BR = State(Status.WITHHELD, ("BR",))
TR = State(Status.WITHHELD, ("TR",))
BOTH = State(Status.WITHHELD, ("BR", "TR"))

CHANGES = """
    select kind, array_to_string(old_withheld_in, ' '), array_to_string(c.withheld_in, ' '), last_seen_old,
        first_seen_new, array_to_string(c.flags, ' '),
        exists (select from alert where change_id = c.change_id)
    from standing_change c join account a using (account_id) join change_outcome o using (change_id)
    where native_id = '1' and o.outcome = 'confirmed' and old_status is not null
    order by first_seen_new
"""
FIRST = "first_seen"
PARTLY = "partly_first_seen"


class Labelers(FakeCollector):
    """A platform that can speak of the countries in `spoken_of`, and does not hear those in `unheard`."""

    def __init__(self) -> None:
        super().__init__()
        self.spoken_of = frozenset({"TR"})
        self.unheard: frozenset[str] = frozenset()
        self.asked_by: frozenset[str] | None = None
        """The countries of the worker that asks, where its settings are others than the leader's."""

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        answer = await super().read(native_ids, now)
        speaks = self.spoken_of if self.asked_by is None else self.asked_by
        assert speaks is not None
        heard = speaks - self.unheard
        seen = tuple(
            replace(r, state=_without(r.state, heard), silent_on=(self.unheard & speaks))
            if r.state.status in BY_COUNTRY
            else r
            for r in answer.readings
        )
        return replace(answer, readings=seen, countries=speaks)


def _without(state: State, heard: frozenset[str]) -> State:
    if state.status is not Status.WITHHELD:
        return state
    found = tuple(c for c in state.withheld_in if c in heard)
    return State(Status.WITHHELD, found) if found else AVAILABLE


@pytest.fixture
def labelers() -> Labelers:
    return Labelers()


@pytest.fixture
async def world(pool: Pool, labelers: Labelers) -> World:
    world = World(pool, labelers)
    await world.enlist(["1", "2"])
    return world


async def test_a_labeler_that_is_added_gives_a_first_state_there(world: World, labelers: Labelers) -> None:
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    await world.run(await world.start(), minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("baseline", "", "BR", None, minutes(240), FIRST, False)]


async def test_a_labeler_added_after_the_clock_was_set_back_was_not_reported_before(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(120.5))
    labelers.spoken_of = frozenset({"TR", "BR"})
    world.clock.set(minutes(119.5))
    await world.run(await world.start(), minutes(300))
    assert await world.rows(CHANGES) == [("baseline", "", "BR", None, minutes(240), FIRST, False)]


async def test_after_that_the_country_is_like_any_other(world: World, labelers: Labelers) -> None:
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    monitor = await world.start()
    await world.run(monitor, minutes(300))
    labelers.truth["1"] = AVAILABLE
    await world.run(monitor, minutes(420))
    labelers.truth["1"] = BR
    await world.run(monitor, minutes(500))
    assert [(r[0], r[3], r[4], r[5], r[6]) for r in (await world.rows(CHANGES))[1:]] == [
        ("restoration", minutes(241), minutes(360), "", True),
        ("block", minutes(361), minutes(480), "", True),
    ]


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_labeler_that_was_not_reached_in_the_first_reading_gives_a_first_state(
    world: World, labelers: Labelers, *, restarts: bool
) -> None:
    labelers.spoken_of = frozenset({"TR", "BR"})
    labelers.unheard = frozenset({"BR"})
    labelers.truth["1"] = BR
    monitor = await world.start()
    await world.run(monitor, minutes(130))
    labelers.unheard = frozenset()
    await world.run(await world.start() if restarts else monitor, minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("baseline", "", "BR", None, minutes(240), FIRST, False)]


async def test_a_restart_between_the_two_readings_of_a_first_state_changes_nothing(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    await world.run(await world.start(), minutes(240.5))
    await world.run(await world.start(), minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("baseline", "", "BR", None, minutes(240), FIRST, False)]


async def test_a_block_in_a_reported_country_counts_beside_a_first_state(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    labelers.truth["1"] = BOTH
    await world.run(await world.start(), minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("block", "", "BR TR", minutes(120), minutes(240), PARTLY, True)]


async def test_a_first_state_beside_a_block_that_is_known_is_no_change_of_countries(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = BOTH
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    await world.run(await world.start(), minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("baseline", "TR", "BR TR", None, minutes(240), FIRST, False)]


async def test_a_labeler_that_was_removed_and_restored_was_last_reported_before_that(
    world: World, labelers: Labelers
) -> None:
    labelers.spoken_of = frozenset({"TR", "BR"})
    await world.run(await world.start(), minutes(70))
    labelers.spoken_of = frozenset({"TR"})
    await world.run(await world.start(), minutes(190))
    labelers.spoken_of = frozenset({"TR", "BR"})
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("block", "", "BR", minutes(0), minutes(240), "", True)]


async def test_a_worker_with_fewer_labelers_than_the_leader_lifts_nothing(
    world: World, labelers: Labelers
) -> None:
    labelers.spoken_of = frozenset({"TR", "BR"})
    labelers.truth["1"] = BR
    monitor = await world.start()
    await world.run(monitor, minutes(70))
    labelers.asked_by = frozenset({"TR"})
    await world.run(monitor, minutes(190))
    assert await world.rows(CHANGES) == []
    silent = "select distinct silent from coverage where observed_at > '2021-02-01 01:30Z'"
    assert await world.rows(silent) == [(["BR"],)]
    await require_the_same(world)


async def test_a_worker_with_more_labelers_than_the_leader_claims_nothing_there(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = BR
    monitor = await world.start()
    await world.run(monitor, minutes(70))
    labelers.asked_by = frozenset({"TR", "BR"})
    await world.run(monitor, minutes(190))
    assert await world.rows(CHANGES) == []
    labelers.asked_by, labelers.spoken_of = None, frozenset({"TR", "BR"})
    await world.run(await world.start(), minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("baseline", "", "BR", None, minutes(240), FIRST, False)]


async def test_an_answer_that_arrives_late_leaves_a_first_state_unchanged(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    await world.run(await world.start(), minutes(300))
    before = await world.rows(CHANGES)
    # Which labelers these asked is not known; the settings of then named none of Brazil.
    await late(world, 90, BR)
    await late(world, 30, AVAILABLE)
    assert await world.rows(CHANGES) == before
    await require_the_same(world)


async def test_a_late_answer_that_denies_a_first_state_makes_it_a_block(
    world: World, labelers: Labelers
) -> None:
    labelers.spoken_of = frozenset({"TR", "BR"})
    labelers.unheard = frozenset({"BR"})
    labelers.truth["1"] = BR
    monitor = await world.start()
    await world.run(monitor, minutes(130))
    labelers.unheard = frozenset()
    await world.run(monitor, minutes(300))
    await late(world, 150, AVAILABLE)
    assert await world.rows(CHANGES) == [("block", "", "BR", minutes(150), minutes(240), "", True)]
    await require_the_same(world)


@pytest.mark.parametrize("restarts", [False, True])
async def test_an_answer_that_shows_no_account_reports_no_country(
    world: World, labelers: Labelers, *, restarts: bool
) -> None:
    labelers.spoken_of = frozenset({"TR", "BR"})
    labelers.unheard = frozenset({"BR"})
    monitor = await world.start()
    await world.run(monitor, minutes(130))
    labelers.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(240.5))
    labelers.truth["1"], labelers.unheard = BR, frozenset()
    await world.run(await world.start() if restarts else monitor, minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("baseline", "", "BR", None, minutes(241), FIRST, False)]


@pytest.mark.parametrize("restart_at", [None, 300, 430])
@pytest.mark.parametrize("labeler_is_new", [False, True])
async def test_a_country_not_reported_before_a_suspension_is_not_reported_by_it(
    world: World, labelers: Labelers, restart_at: float | None, *, labeler_is_new: bool
) -> None:
    """What was heard of another country before is from before the suspension as well."""
    labelers.spoken_of = frozenset({"TR"} if labeler_is_new else {"TR", "BR"})
    labelers.unheard = frozenset({"BR"})
    monitor = await world.start()
    await world.run(monitor, minutes(130))
    labelers.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(250))
    if labeler_is_new:
        labelers.spoken_of = frozenset({"TR", "BR"})
        monitor = await world.start()
    if restart_at == 300:
        monitor = await world.start()
    await world.run(monitor, minutes(350))
    labelers.truth["1"], labelers.unheard = AVAILABLE, frozenset({"BR", "TR"})
    await world.run(monitor, minutes(430))
    if restart_at == 430:
        monitor = await world.start()
    labelers.truth["1"], labelers.unheard = BOTH, frozenset()
    await world.run(monitor, minutes(550))
    assert (await world.rows(CHANGES))[2:] == [
        ("block", "", "BR TR", minutes(120), minutes(480), PARTLY, True)
    ]
    await require_the_same(world)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("then", "expected"),
    [
        pytest.param(
            TR, ("block", "", "TR", minutes(120), minutes(241), "", True), id="the country that was heard"
        ),
        pytest.param(BR, ("baseline", "", "BR", None, minutes(241), FIRST, False), id="the one that was not"),
    ],
)
async def test_each_country_of_a_provisional_change_keeps_its_own_last_report(
    world: World, labelers: Labelers, then: State, expected: object, *, restarts: bool
) -> None:
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    labelers.truth["1"] = BOTH
    monitor = await world.start()
    await world.run(monitor, minutes(240.5))
    labelers.truth["1"] = then
    await world.run(await world.start() if restarts else monitor, minutes(300))
    assert await world.rows(CHANGES) == [expected]
    await require_the_same(world)


async def test_a_first_state_that_moves_on_twice_across_a_restart_keeps_its_country(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    monitor = await world.start()
    await world.run(monitor, minutes(240.5))
    labelers.truth["1"] = BOTH
    await world.run(monitor, minutes(241.5))
    labelers.truth["1"] = BR
    await world.run(await world.start(), minutes(300))
    assert await world.rows(CHANGES) == [("baseline", "", "BR", None, minutes(242), FIRST, False)]
    await require_the_same(world)


async def test_a_late_answer_about_a_suspended_account_leaves_its_first_state(
    world: World, labelers: Labelers
) -> None:
    labelers.spoken_of = frozenset({"TR", "BR"})
    labelers.unheard = frozenset({"BR"})
    monitor = await world.start()
    await world.run(monitor, minutes(130))
    labelers.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(350))
    labelers.truth["1"] = AVAILABLE
    await world.run(monitor, minutes(430))
    labelers.truth["1"], labelers.unheard = BR, frozenset()
    await world.run(monitor, minutes(550))
    await late(world, 300, SUSPENDED)
    assert (await world.rows(CHANGES))[2:] == [("baseline", "", "BR", None, minutes(480), FIRST, False)]
    await require_the_same(world)


async def test_a_suspension_reports_no_country_before_and_after_a_break_of_the_watch(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = SUSPENDED
    await world.run(await world.start(), minutes(0.5))
    async with transaction(world.pool) as conn:
        await stop_watching(conn, X, "1", minutes(2), is_id=True)
        await add_accounts(conn, [NewAccount(X, "1", "h1")], minutes(3))
    monitor = await world.start()
    await world.run(monitor, minutes(130))
    labelers.truth["1"] = TR
    await world.run(monitor, minutes(300))
    await require_the_same(world)
    assert [(r[0], r[2], r[5]) for r in await world.rows(CHANGES)] == [("block", "TR", PARTLY)]


async def require_the_same(world: World) -> None:
    """Stored readings that are gone through again give the changes that are stored, as do parts of them."""
    for since in (0, 100, 200, 240.5, 300, 400, 430):
        assert effects(await again(world.pool, minutes(since), world.clock())) == {}


async def late(world: World, minute: float, state: State) -> None:
    """Store an answer about everybody that comes in late: account 1 is in this state."""
    async with transaction(world.pool) as conn:
        roster = (await base_rosters(conn, X))[0]
    at = minutes(minute)
    batch = Batch(roster.roster_id, at, 9, at, BatchOutcome.ANSWERED, None, None, 0)
    shown = {i: reading("", state if n == 0 else AVAILABLE, at) for n, i in enumerate(roster.account_ids)}
    await record_late(world.pool, batch, shown, ConfirmationRule(), world.clock)

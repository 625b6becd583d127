"""A country that was never asked about has a first state there: it is recorded, and nobody is notified."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from collectors.core.collector import CollectorAnswer
from storage.model.core.availability import BY_COUNTRY, State, Status
from storage.postgres.pool import Pool
from tests.support.pipelines.monitor import World, again, effects
from tests.support.samples.readings import AVAILABLE, FakeCollector, minutes

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


async def test_a_first_state_beside_a_block_that_is_known_is_no_change_of_countries(
    world: World, labelers: Labelers
) -> None:
    labelers.truth["1"] = BOTH
    await world.run(await world.start(), minutes(130))
    labelers.spoken_of = frozenset({"TR", "BR"})
    await world.run(await world.start(), minutes(300))
    await require_the_same(world)
    assert await world.rows(CHANGES) == [("baseline", "TR", "BR TR", None, minutes(240), FIRST, False)]


async def require_the_same(world: World) -> None:
    """Stored readings that are gone through again give the changes that are stored, as do parts of them."""
    for since in (0, 100, 200, 240.5, 300, 400, 430):
        assert effects(await again(world.pool, minutes(since), world.clock())) == {}

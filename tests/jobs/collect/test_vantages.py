"""What is seen from another vantage is shown beside the status and never changes it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.collect.monitor import Monitor
from jobs.collect.vantages import VantageReader, differs
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.accounts.side_facts import facts_of
from storage.model.core.availability import State, Status
from storage.model.core.known_state import Known
from storage.model.core.side_facts import SideFact
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import CANARIES, World
from tests.support.samples.readings import (
    AVAILABLE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    FakeCollector,
    minutes,
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


# control accounts ----------------------------------------------------------------------------------------


async def test_an_outage_seen_from_there_is_no_disagreement(two: Two) -> None:
    await two.run(minutes(1))
    two.there.truth |= dict.fromkeys(["1", "2", "900", "901"], NOT_FOUND)
    await two.run(minutes(400))
    assert await two.facts() == []
    assert ("held",) in await two.world.rows("select reason from collector_state where vantage = 'tr'")


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

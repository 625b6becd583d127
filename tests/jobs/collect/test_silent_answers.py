"""Of a country that one reading of an answer is silent on, all its readings are: coverage has it for all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from collectors.core.collector import CollectorAnswer
from storage.model.core.availability import State, Status
from storage.postgres.pool import Pool
from tests.support.pipelines.monitor import World, again, effects
from tests.support.samples.readings import FakeCollector, minutes

TR = State(Status.WITHHELD, ("TR",))


class PartlySilent(FakeCollector):
    """A platform whose readings of account 1 are silent on Turkey for a while."""

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        answer = await super().read(native_ids, now)
        silent = frozenset({"TR"}) if minutes(110) < now < minutes(130) else frozenset[str]()
        readings = (replace(r, silent_on=silent) if r.native_id == "1" else r for r in answer.readings)
        return replace(answer, readings=tuple(readings))


@pytest.mark.parametrize("restarts", [False, True])
async def test_readings_of_one_answer_leave_out_the_same_countries_when_judged_and_when_stored(
    pool: Pool, *, restarts: bool
) -> None:
    platform = PartlySilent()
    world = World(pool, platform)
    await world.enlist(["1", "2", "3"])
    monitor = await world.start()
    await world.run(monitor, minutes(100))
    platform.truth["2"] = TR
    await world.run(monitor, minutes(140))
    monitor = await world.start() if restarts else monitor
    await world.run(monitor, minutes(300))
    changes = "select last_seen_old, first_seen_new from standing_change where old_status is not null"
    assert await world.rows(changes) == [(minutes(0), minutes(240))]
    for since in (0, 100, 200):
        assert effects(await again(pool, minutes(since), world.clock())) == {}

"""A question says which accounts are held to be restricted, and whoever asks it verifies what was lifted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from collectors.x.declaration import X
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.collect.vantages import VantageReader
from jobs.detect.confirmation import ConfirmationRule
from storage.model.core.availability import State, Status
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool
from storage.work import pending_answers
from tests.support.pipelines.monitor import SWEEP, World
from tests.support.samples.readings import T0, FakeCollector, minutes

TR = State(Status.WITHHELD, ("TR",))
RESTRICTED = {"1": frozenset({"TR"})}
ASKED = Question(X, "", "", 1, T0, 0, ("1", "2"), urgent=False, withheld_in=RESTRICTED)


class Heard:
    """Keeps the questions and has no answers."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    @asynccontextmanager
    async def room(self, place: str, *, urgent: bool) -> AsyncGenerator[None]:
        yield

    @asynccontextmanager
    async def asked(self, question: Question, /) -> AsyncGenerator[None]:
        self.questions.append(question)
        yield None


def test_the_restrictions_in_a_question_arrive_with_it() -> None:
    assert pending_answers.unpacked(pending_answers.packed(ASKED)) == ASKED
    of_before = pending_answers.packed(ASKED).replace(b', "withheld_in": {"1": ["TR"]}', b"")
    assert pending_answers.unpacked(of_before).withheld_in == {}


@pytest.mark.parametrize("until_minute", [0, 1])
async def test_whoever_plans_says_who_is_held_to_be_restricted_provisionally_or_not(
    pool: Pool, until_minute: int
) -> None:
    world, heard = World(pool), Heard()
    await world.enlist(["1", "2"])
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    world.platform.truth["1"] = TR
    await world.run(monitor, minutes(120 + until_minute))
    world.clock.set(minutes(240))
    settings = MonitorSettings(SWEEP)
    plans = reading_pipeline(pool, world.platform, ConfirmationRule(), settings, world.clock, heard)
    await plans.load()
    elsewhere = VantageReader(pool, FakeCollector(), "tr", plans, SWEEP, world.clock, heard)
    await elsewhere.load()
    await plans.tick()
    await elsewhere.tick()
    assert {q.vantage for q in heard.questions} == {"", "tr"}
    assert all(q.withheld_in == RESTRICTED for q in heard.questions if "2" in q.native_ids)

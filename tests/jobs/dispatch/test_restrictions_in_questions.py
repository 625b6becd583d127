"""A question says which accounts are held to be restricted, and whoever asks it verifies what was lifted."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.base.database_clock import SteadyClock
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.collect.vantages import VantageReader
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.answer_codec import unpack
from jobs.dispatch.local_requester import LocalRequester
from jobs.dispatch.worker import QueueWorker
from storage.model.core.availability import State, Status
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, transaction
from storage.work import pending_answers, request_queue
from storage.work.request_queue import QueueJob
from tests.support.pipelines.monitor import SWEEP, World
from tests.support.processes.worker_fleet import until
from tests.support.samples.readings import T0, FakeCollector, minutes

TR = State(Status.WITHHELD, ("TR",))
RESTRICTED = {"1": frozenset({"TR"})}
ASKED = Question(X, "", "", 1, T0, 0, ("1", "2"), urgent=False, withheld_in=RESTRICTED)


class SecondSource(FakeCollector):
    """A platform that keeps what it was asked to verify, and says that it did in its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.verified: list[Mapping[str, frozenset[str]]] = []

    async def verify_lifts(
        self, answer: CollectorAnswer, withheld_in: Mapping[str, frozenset[str]], now: datetime
    ) -> CollectorAnswer:
        self.verified.append(withheld_in)
        readings = tuple(
            replace(r, silent_on=withheld_in.get(r.native_id, r.silent_on)) for r in answer.readings
        )
        return replace(answer, readings=readings)


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


async def test_this_process_verifies_what_was_lifted_and_asks_nothing_else_twice() -> None:
    platform = SecondSource()
    requester = LocalRequester(platform, lambda: T0, 1)
    async with requester.asked(ASKED) as reply:
        assert [r.silent_on for r in reply.answer.readings] == [{"TR"}, set()]
    async with requester.asked(replace(ASKED, withheld_in={})) as reply:
        assert [r.silent_on for r in reply.answer.readings] == [set(), set()]
    assert platform.verified == [RESTRICTED]


async def test_a_worker_verifies_what_was_lifted(pool: Pool, dsn: str) -> None:
    platform = SecondSource()
    worker = QueueWorker(dsn, pool, "", SteadyClock(system_clock))
    worker.reads({"x": platform})
    await worker.report()
    async with transaction(pool) as conn:
        await request_queue.enqueue(conn, [QueueJob(ASKED.key, "x", pending_answers.packed(ASKED))])
    async with worker.running():
        await until(pool, "select count(*) from answered", 1)
    async with transaction(pool) as conn:
        (one,) = await pending_answers.handed_over(conn, "x", (), 10)
    assert [r.silent_on for r in unpack(one.answer).readings] == [{"TR"}, set()]
    assert platform.verified == [RESTRICTED]


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

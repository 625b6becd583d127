"""What the process that plans puts into the queue and takes out of it, while another process reads too."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.dispatch.answer_codec import pack
from jobs.dispatch.answer_intake import AnswerIntake
from jobs.dispatch.local_requester import LocalRequester, TimedAnswer
from jobs.dispatch.queued_requester import QueuedRequester
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, transaction
from storage.work import pending_answers, request_queue
from storage.work.pending_answers import WorkerAnswer
from tests.support.samples.readings import T0, FakeCollector
from tests.support.seeds.workers import report

ASKED = Question(X, "", "here", 1, T0, 0, ("1",), urgent=False)


async def never(_question: Question, _reply: TimedAnswer) -> None:
    raise AssertionError


def is_open(_place: str, _at: datetime) -> bool:
    return False


@pytest.fixture
async def dispatch(pool: Pool) -> QueuedRequester:
    """Another process reads the same source."""
    async with transaction(pool) as conn:
        await report(conn, "other 1", system_clock(), sources=("x",))
    here = LocalRequester(FakeCollector(), system_clock, 8)
    dispatch = QueuedRequester(pool, "x", uuid4(), here, system_clock, lambda: True)
    await dispatch.turn(never, is_open)
    return dispatch


async def asked(dispatch: QueuedRequester, question: Question) -> TimedAnswer | None:
    async with dispatch.asked(question) as reply:
        return reply


@asynccontextmanager
async def in_queue(
    dispatch: QueuedRequester, *questions: Question
) -> AsyncGenerator[list[asyncio.Task[TimedAnswer | None]]]:
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(asked(dispatch, question)) for question in questions]
        await asyncio.sleep(0)
        await dispatch.turn(never, is_open)
        yield waiting
        dispatch.let_go()


async def test_what_nobody_has_in_hand_is_withdrawn_when_its_place_is_asked_no_more(
    pool: Pool, dispatch: QueuedRequester
) -> None:
    there = replace(ASKED, place="there")
    questions = [replace(ASKED, roster_id=n) for n in (1, 2)] + [
        replace(there, roster_id=n) for n in (3, 4, 5)
    ]

    def is_closed(place: str, _at: datetime) -> bool:
        return place == "there"

    async with in_queue(dispatch, *questions) as waiting:
        async with transaction(pool) as conn:
            await conn.execute(
                "update pgqueuer set status = 'picked' where dedupe_key = $1", questions[4].key
            )
        dispatch.look_around_now()
        await dispatch.turn(never, is_closed)
        async with transaction(pool) as conn:
            assert await request_queue.waiting(conn, "x") == {questions[n].key for n in (0, 1, 4)}
        assert [await waiting[n] for n in (2, 3)] == [None, None]
        assert [waiting[n].done() for n in (0, 1, 4)] == [False] * 3


class Woken(QueuedRequester):
    """Counts how often it is woken."""

    wakes = 0

    def wake(self) -> None:
        self.wakes += 1
        super().wake()

    async def woken(self, times: int) -> None:
        async with asyncio.timeout(60):
            while self.wakes < times:  # noqa: ASYNC110 - the database wakes it
                await asyncio.sleep(0.01)


async def test_an_answer_wakes_the_process_that_waits_for_answers_of_its_source(pool: Pool, dsn: str) -> None:
    here = LocalRequester(FakeCollector(), system_clock, 8)
    mine, elsewhere = (Woken(pool, s, uuid4(), here, system_clock, lambda: True) for s in ("x", "y"))
    intake, recorded = AnswerIntake(dsn), asyncio.Event()

    async def take_in(_question: Question, _reply: TimedAnswer) -> None:
        recorded.set()

    for one in (mine, elsewhere):
        intake.add(one, take_in, is_open)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(intake.run(lambda: True))
        await mine.woken(1)  # it listens now
        assert (mine.wakes, elsewhere.wakes) == (1, 1)
        async with transaction(pool) as conn:
            answered = WorkerAnswer(ASKED, uuid4(), T0, T0, pack(CollectorAnswer((), ())))
            await pending_answers.put(conn, answered)
        await mine.woken(2)
        await recorded.wait()
        running.cancel()
    assert (mine.wakes, elsewhere.wakes) == (2, 1)


async def test_all_that_was_answered_to_another_process_is_recorded_before_planning_begins(
    pool: Pool, dispatch: QueuedRequester
) -> None:
    async with transaction(pool) as conn:
        for n in range(401):
            question = replace(ASKED, roster_id=n)
            await pending_answers.put(
                conn, WorkerAnswer(question, uuid4(), T0, T0, pack(CollectorAnswer((), ())))
            )
    recorded: list[int] = []

    async def take_in(question: Question, _reply: TimedAnswer) -> None:
        recorded.append(question.roster_id)

    intake = AnswerIntake("")
    intake.add(dispatch, take_in, is_open)
    await intake.adopt()
    assert sorted(recorded) == list(range(401))

"""Whoever asks gets the reply, also when somebody else asks the same at the same time."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from collectors.x.declaration import X
from jobs.dispatch.answer_codec import pack
from jobs.dispatch.local_requester import LocalRequester, TimedAnswer
from jobs.dispatch.queued_requester import QueuedRequester
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, transaction
from storage.work import pending_answers, workers
from storage.work.pending_answers import WorkerAnswer
from storage.work.workers import Worker
from tests.support.samples.readings import T0, FakeCollector

QUESTION = Question(X, "", "", 1, T0, 1, ("1",), urgent=False)


async def nobodys(question: Question, reply: TimedAnswer) -> None:
    pytest.fail(f"nobody recorded {reply} to {question}")


def is_open(_place: str, _at: datetime) -> bool:
    return False


@pytest.fixture
async def dispatch(pool: Pool) -> QueuedRequester:
    """Another process reads as well, so that questions go into the queue."""
    here = LocalRequester(FakeCollector(), lambda: T0, 8)
    dispatch = QueuedRequester(pool, "x", uuid4(), here, lambda: T0, lambda: True)
    async with transaction(pool) as conn:
        now = await workers.database_now(conn)
        await workers.report(conn, Worker(uuid4(), "other", "", ("x",), now, now, timedelta(0)))
    await dispatch.turn(nobodys, is_open)
    return dispatch


async def answer(pool: Pool) -> None:
    said = pack(await FakeCollector().read(("1",), T0))
    async with transaction(pool) as conn:
        await pending_answers.put(conn, WorkerAnswer(QUESTION, uuid4(), T0, T0, said))


async def ask(dispatch: QueuedRequester, got: list[TimedAnswer | None]) -> None:
    async with dispatch.asked(QUESTION) as reply:
        got.append(reply)


async def test_who_gives_up_takes_the_reply_from_nobody_else(pool: Pool, dispatch: QueuedRequester) -> None:
    got: list[TimedAnswer | None] = []
    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        one, _ = [group.create_task(ask(dispatch, got)) for _ in range(2)]
        await asyncio.sleep(0)
        await dispatch.turn(nobodys, is_open)
        one.cancel()
        await asyncio.sleep(0)
        await answer(pool)
        await dispatch.turn(nobodys, is_open)
    assert len(got) == 1


async def test_all_who_asked_the_same_are_let_go(dispatch: QueuedRequester) -> None:
    got: list[TimedAnswer | None] = []
    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(ask(dispatch, got))
        await asyncio.sleep(0)
        await dispatch.turn(nobodys, is_open)
        dispatch.let_go()
    assert got == []

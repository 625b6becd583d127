"""What the process that plans puts into the queue and takes out of it, while another process reads too."""

from dataclasses import replace
from uuid import uuid4

import pytest

from collectors.base import Answer
from jobs.answering import Answering
from jobs.asking import AskHere, Reply
from jobs.clock import system_clock
from jobs.dispatch import Dispatch
from jobs.packed_answers import pack
from storage import answered
from storage.answered import Answered
from storage.db import Pool, transaction
from storage.model.accounts import Platform
from storage.model.questions import Question
from tests.factories import T0, FakeCollector
from tests.seed_machines import report

ASKED = Question(Platform.X, "", "here", 1, T0, 0, ("1",), urgent=False)


async def never(_question: Question, _reply: Reply) -> None:
    raise AssertionError


@pytest.fixture
async def dispatch(pool: Pool) -> Dispatch:
    """Another process reads the same source."""
    async with transaction(pool) as conn:
        await report(conn, "other 1", system_clock(), sources=("x",))
    here = AskHere(FakeCollector(), system_clock, 8)
    dispatch = Dispatch(pool, "x", uuid4(), here, system_clock, lambda: True)
    await dispatch.turn(never)
    return dispatch


async def test_all_that_was_answered_to_another_process_is_recorded_before_planning_begins(
    pool: Pool, dispatch: Dispatch
) -> None:
    async with transaction(pool) as conn:
        for n in range(401):
            question = replace(ASKED, roster_id=n)
            await answered.put(conn, Answered(question, uuid4(), T0, T0, pack(Answer((), ()))))
    recorded: list[int] = []

    async def take_in(question: Question, _reply: Reply) -> None:
        recorded.append(question.roster_id)

    answering = Answering()
    answering.add(dispatch, take_in)
    await answering.adopt()
    assert sorted(recorded) == list(range(401))

"""What the process that plans puts into the queue and takes out of it, while another process reads too."""

import asyncio
import json
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.core.collector import CollectorAnswer, Exchange, RequestFailure
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.dispatch.answer_codec import pack, unpack
from jobs.dispatch.answer_intake import AnswerIntake
from jobs.dispatch.local_requester import LocalRequester, TimedAnswer
from jobs.dispatch.queued_requester import QueuedRequester
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, transaction
from storage.work import pending_answers, request_queue, workers
from storage.work.pending_answers import WorkerAnswer
from storage.work.workers import Worker
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


STATES = (
    State(Status.AVAILABLE),
    State(Status.WITHHELD, ("DE", "IN")),
    State(Status.SUSPENDED),
    State(Status.NOT_FOUND),
)
texts = st.text(max_size=20)
times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given one
readings = st.builds(
    Reading,
    texts,
    times,
    st.sampled_from(STATES),
    st.sampled_from(Strength),
    st.none() | texts,
    st.frozensets(st.sampled_from(Flag), max_size=3),
    st.none() | texts,
    st.frozensets(st.sampled_from(("IN", "TR", "XX")), max_size=2),
)
misses = st.builds(Missed, texts, times, st.sampled_from(MissedReason), texts)
exchanges = st.builds(
    Exchange,
    texts,
    times,
    st.integers(100, 599),
    st.binary(max_size=200),
    st.none() | texts,
    st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    st.timedeltas(timedelta(), timedelta(minutes=2)),
    st.timedeltas(timedelta(), timedelta(minutes=2)),
)
troubles = st.builds(RequestFailure, st.sampled_from(MissedReason), texts, times, st.booleans())
answers = st.builds(
    CollectorAnswer,
    st.lists(readings, max_size=4).map(tuple),
    st.lists(misses, max_size=4).map(tuple),
    st.lists(exchanges, max_size=3).map(tuple),
    st.none() | troubles,
    st.booleans(),
    st.none() | st.frozensets(st.sampled_from(("IN", "TR")), max_size=2),
)


@pytest.mark.slow
@given(answers)
def test_an_answer_arrives_as_it_was_sent_letter_by_letter(answer: CollectorAnswer) -> None:
    assert unpack(pack(answer)) == answer


_SAID = '{"readings":[],"missed":[]}'


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"nonsense", id="not compressed"),
        pytest.param(pack(CollectorAnswer((), ()))[:-3], id="cut"),
        pytest.param(zlib.compress(b"[" * 100_000), id="nested without end"),
        pytest.param(
            zlib.compress(json.dumps([_SAID, [["/", "2021-02-12", 200, 5, None, []]]]).encode()), id="no body"
        ),
        pytest.param(
            zlib.compress(json.dumps([_SAID, [["/", "2021-02-12", 200, "", None, [], 10**30]]]).encode()),
            id="no time that there can be",
        ),
    ],
)
def test_what_another_version_wrote_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not a packed answer"):
        unpack(packed)


QUESTION = Question(X, "", "", 1, T0, 1, ("1",), urgent=False)


async def nobodys(question: Question, reply: TimedAnswer) -> None:
    pytest.fail(f"nobody recorded {reply} to {question}")


@pytest.fixture
async def queued_requester_dispatch(pool: Pool) -> QueuedRequester:
    """Another process reads as well, so that questions go into the queue."""
    here = LocalRequester(FakeCollector(), lambda: T0, 8)
    queued_requester_dispatch = QueuedRequester(pool, "x", uuid4(), here, lambda: T0, lambda: True)
    async with transaction(pool) as conn:
        now = await workers.database_now(conn)
        await workers.report(conn, Worker(uuid4(), "other", "", ("x",), now, now, timedelta(0)))
    await queued_requester_dispatch.turn(nobodys, is_open)
    return queued_requester_dispatch


async def answer(pool: Pool) -> None:
    said = pack(await FakeCollector().read(("1",), T0))
    async with transaction(pool) as conn:
        await pending_answers.put(conn, WorkerAnswer(QUESTION, uuid4(), T0, T0, said))


async def ask(queued_requester_dispatch: QueuedRequester, got: list[TimedAnswer | None]) -> None:
    async with queued_requester_dispatch.asked(QUESTION) as reply:
        got.append(reply)


async def test_who_gives_up_takes_the_reply_from_nobody_else(
    pool: Pool, queued_requester_dispatch: QueuedRequester
) -> None:
    got: list[TimedAnswer | None] = []
    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        one, _ = [group.create_task(ask(queued_requester_dispatch, got)) for _ in range(2)]
        await asyncio.sleep(0)
        await queued_requester_dispatch.turn(nobodys, is_open)
        one.cancel()
        await asyncio.sleep(0)
        await answer(pool)
        await queued_requester_dispatch.turn(nobodys, is_open)
    assert len(got) == 1


TR = State(Status.WITHHELD, ("TR",))
RESTRICTED = {"1": frozenset({"TR"})}
RESTRICTIONS_ASKED = Question(X, "", "", 1, T0, 0, ("1", "2"), urgent=False, withheld_in=RESTRICTED)


def test_the_restrictions_in_a_question_arrive_with_it() -> None:
    assert pending_answers.unpacked(pending_answers.packed(RESTRICTIONS_ASKED)) == RESTRICTIONS_ASKED
    of_before = pending_answers.packed(RESTRICTIONS_ASKED).replace(b', "withheld_in": {"1": ["TR"]}', b"")
    assert pending_answers.unpacked(of_before).withheld_in == {}

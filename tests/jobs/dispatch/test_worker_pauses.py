"""What stands in the way of one machine alone is left to others; what all meet is missed as with one."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.base.database_clock import SteadyClock
from jobs.dispatch.answer_codec import unpack
from jobs.dispatch.local_requester import LocalRequester, TimedAnswer
from jobs.dispatch.queued_requester import QueuedRequester
from jobs.dispatch.worker import QueueWorker
from jobs.dispatch.worker_pauses import WorkerPauses
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, transaction
from storage.work import pending_answers, request_queue
from storage.work.request_queue import QueueJob
from storage.work.workers import SourcePause
from tests.support.processes.worker_fleet import until
from tests.support.samples.readings import MINUTE, T0, FakeCollector
from tests.support.seeds.workers import SECOND, report

WELL = CollectorAnswer((), ())
UNREACHED = RequestFailure(MissedReason.NETWORK, "refused", T0, breaker=False)
AWAY = CollectorAnswer((), (), trouble=UNREACHED)
NOT_SENT = CollectorAnswer((), (), trouble=UNREACHED, sent=False)
LIMITED = CollectorAnswer(
    (), (), trouble=RequestFailure(MissedReason.RATE_LIMITED, "429", T0 + MINUTE, breaker=False), sent=False
)
KEY_REFUSED = CollectorAnswer(
    (), (), trouble=RequestFailure(MissedReason.AUTH, "401", T0 + MINUTE, breaker=True)
)
ERRORS = CollectorAnswer(
    (), (), trouble=RequestFailure(MissedReason.UPSTREAM, "503", T0 + MINUTE, breaker=False)
)


def question(roster_id: int, place: str = "", platform: Platform = X) -> Question:
    return Question(platform, "", place, roster_id, T0, 0, ("1",), urgent=False)


def of_server(roster_id: int, server: str) -> Question:
    return question(roster_id, server, MASTODON)


def paused(reason: str, for_so_long: timedelta) -> SourcePause:
    return SourcePause(T0 + for_so_long, reason, {"network": "refused", "auth": "401"}.get(reason, "429"))


FIRST, CUT_OFF = paused("network", 5 * SECOND), paused("network", 30 * SECOND)


@pytest.mark.parametrize(
    ("met", "pauses"),
    [
        pytest.param([(question(1), WELL)], [None], id="an answer is for everybody"),
        pytest.param([(question(1), ERRORS)], [None], id="what the platform says to all is as well"),
        pytest.param([(question(1), KEY_REFUSED)], [paused("auth", MINUTE)], id="a key that is refused"),
        pytest.param([(question(1), LIMITED)], [paused("rate_limited", MINUTE)], id="a limit that is known"),
        pytest.param(
            [(question(n), AWAY) for n in range(4)],
            [FIRST, FIRST, CUT_OFF, CUT_OFF],
            id="a platform that is not reached: longer from the third in a row",
        ),
        pytest.param(
            [(question(1), AWAY), (question(2), AWAY), (question(3), WELL), (question(4), AWAY)],
            [FIRST, FIRST, None, FIRST],
            id="an answer in between: not cut off",
        ),
        pytest.param(
            [(question(1), AWAY), (question(2), AWAY), (question(3), LIMITED), (question(4), AWAY)],
            [FIRST, FIRST, paused("rate_limited", MINUTE), CUT_OFF],
            id="what was not sent says nothing of what can be reached",
        ),
        pytest.param(
            [(question(1), AWAY), (question(2), WELL), (question(1), AWAY)],
            [FIRST, None, None],
            id="a request that comes back and fails again is missed, so that none goes round for ever",
        ),
        pytest.param(
            [(of_server(n, "one.example"), AWAY) for n in range(4)],
            [None] * 4,
            id="one server among many may be down",
        ),
        pytest.param(
            [(of_server(n, f"{n}.example"), AWAY) for n in range(3)],
            [None, None, CUT_OFF],
            id="three servers in a row are not all down",
        ),
        pytest.param(
            [(of_server(n, f"{n}.example"), NOT_SENT) for n in range(3)],
            [None] * 3,
            id="a server that was not asked",
        ),
        pytest.param([(of_server(1, "one.example"), KEY_REFUSED)], [None], id="a server refuses for itself"),
        pytest.param(
            [(question(1, "videos"), KEY_REFUSED)],
            [paused("auth", MINUTE)],
            id="a key that is refused for one kind of accounts",
        ),
        pytest.param(
            [(question(n, "videos"), AWAY) for n in range(3)],
            [FIRST, FIRST, CUT_OFF],
            id="a platform of one server is not reached, whatever kind of accounts is asked for",
        ),
    ],
)
def test_a_machine_pauses_for_what_it_alone_may_have_met(
    met: Sequence[tuple[Question, CollectorAnswer]], pauses: Sequence[SourcePause | None]
) -> None:
    machine = WorkerPauses()
    assert [machine.pause_after(asked, answer, T0) for asked, answer in met] == pauses


OURS, THEIRS = "http://ours", "http://theirs"
OURS_THEIRS = "it asks http://ours, and the process that plans asks http://theirs"


# from the database ---------------------------------------------------------------------------------------

REQUESTS = 40
HANDED_OVER = "select count(*) from answered"


async def put(pool: Pool) -> None:
    asked = [replace(question(n), base_url=FakeCollector.address) for n in range(REQUESTS)]
    async with transaction(pool) as conn:
        await request_queue.enqueue(
            conn, [QueueJob(q.key, q.source, pending_answers.packed(q)) for q in asked]
        )


async def answers(pool: Pool) -> list[CollectorAnswer]:
    async with transaction(pool) as conn:
        return [unpack(one.answer) for one in await pending_answers.handed_over(conn, "x", (), 1_000)]


async def worked(pool: Pool, dsn: str, *collectors: FakeCollector) -> None:
    """Machines with these collectors, which know of one another, make all requests."""
    machines = [QueueWorker(dsn, pool, "", SteadyClock(system_clock)) for _ in collectors]
    for machine, collector in zip(machines, collectors, strict=True):
        machine.reads({"x": collector})
        await machine.report()
    await put(pool)
    async with AsyncExitStack() as stack:
        for machine in machines:
            await stack.enter_async_context(machine.running())
        await until(pool, HANDED_OVER, REQUESTS)
        await until(pool, "select count(*) from pgqueuer", 0)


async def test_with_nobody_else_what_is_not_reached_is_missed(pool: Pool, dsn: str) -> None:
    only = FakeCollector()
    only.trouble = UNREACHED
    await worked(pool, dsn, only)
    assert len(only.asked) == REQUESTS


async def test_who_is_set_to_ask_another_address_asks_nothing_and_others_do(pool: Pool, dsn: str) -> None:
    other, well = FakeCollector(), FakeCollector()
    other.address = THEIRS
    await worked(pool, dsn, other, well)
    assert other.asked == []
    assert [one.trouble for one in await answers(pool)] == [None] * REQUESTS


async def test_where_all_pause_what_was_planned_is_not_sent_whatever_the_reason(pool: Pool) -> None:
    here = LocalRequester(FakeCollector(), system_clock, 1)
    dispatch = QueuedRequester(pool, "x", uuid4(), here, system_clock, lambda: True)
    pause = SourcePause(system_clock() + MINUTE, "other_address", OURS_THEIRS)
    async with transaction(pool) as conn:
        await report(conn, "amber 4711", system_clock(), paused={"x": pause})
    await dispatch.turn(nobody_asked, lambda _place, _at: False)

    async def ask() -> TimedAnswer | None:
        async with dispatch.asked(question(1)) as reply:
            return reply

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(ask())
        while not asking.done():
            await asyncio.sleep(0)
            dispatch.look_around_now()
            await dispatch.turn(nobody_asked, lambda _place, _at: False)
    reply = asking.result()
    assert reply is not None
    assert reply.answer.trouble == RequestFailure(
        MissedReason.UNCLASSIFIED, OURS_THEIRS, pause.until, breaker=False
    )


async def nobody_asked(asked: Question, reply: TimedAnswer) -> None:
    raise AssertionError((asked, reply))

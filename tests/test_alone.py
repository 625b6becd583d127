"""What stands in the way of one machine alone is left to others; what all meet is missed as with one."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from collectors.base import Answer, Trouble
from jobs.alone import OneMachine
from jobs.clock import system_clock
from jobs.packed_answers import unpack
from jobs.working import Working, at_work
from storage import answered, work_queue
from storage.db import Pool, transaction
from storage.model.accounts import Platform
from storage.model.availability import MissedReason
from storage.model.questions import Question
from storage.work_queue import Job
from storage.workers import Pause
from tests.factories import MINUTE, T0, FakeCollector
from tests.fleet import until
from tests.seed_machines import SECOND

WELL = Answer((), ())
UNREACHED = Trouble(MissedReason.NETWORK, "refused", T0, breaker=False)
AWAY = Answer((), (), trouble=UNREACHED)
NOT_SENT = Answer((), (), trouble=UNREACHED, sent=False)
LIMITED = Answer(
    (), (), trouble=Trouble(MissedReason.RATE_LIMITED, "429", T0 + MINUTE, breaker=False), sent=False
)
KEY_REFUSED = Answer((), (), trouble=Trouble(MissedReason.AUTH, "401", T0 + MINUTE, breaker=True))
ERRORS = Answer((), (), trouble=Trouble(MissedReason.UPSTREAM, "503", T0 + MINUTE, breaker=False))


def question(roster_id: int, place: str = "") -> Question:
    return Question(Platform.X, "", place, roster_id, T0, 0, ("1",), urgent=False)


def paused(reason: str, for_so_long: timedelta) -> Pause:
    return Pause(T0 + for_so_long, reason, {"network": "refused", "auth": "401"}.get(reason, "429"))


FIRST, CUT_OFF = paused("network", 5 * SECOND), paused("network", MINUTE)


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
            [(question(n, "one.example"), AWAY) for n in range(4)],
            [None] * 4,
            id="one server among many may be down",
        ),
        pytest.param(
            [(question(n, f"{n}.example"), AWAY) for n in range(3)],
            [None, None, CUT_OFF],
            id="three servers in a row are not all down",
        ),
        pytest.param(
            [(question(n, f"{n}.example"), NOT_SENT) for n in range(3)],
            [None] * 3,
            id="a server that was not asked",
        ),
        pytest.param([(question(1, "one.example"), KEY_REFUSED)], [None], id="a server refuses for itself"),
    ],
)
def test_a_machine_pauses_for_what_it_alone_may_have_met(
    met: Sequence[tuple[Question, Answer]], pauses: Sequence[Pause | None]
) -> None:
    machine = OneMachine()
    assert [machine.pause_after(asked, answer, T0) for asked, answer in met] == pauses


# from the database ---------------------------------------------------------------------------------------

REQUESTS = 40
HANDED_OVER = "select count(*) from answered"


async def put(pool: Pool, count: int = REQUESTS) -> None:
    asked = [question(n) for n in range(count)]
    async with transaction(pool) as conn:
        await work_queue.enqueue(conn, [Job(q.key, q.source, answered.packed(q)) for q in asked])


async def answers(pool: Pool) -> list[Answer]:
    async with transaction(pool) as conn:
        return [unpack(one.answer) for one in await answered.handed_over(conn, "x", (), 1_000)]


async def worked(pool: Pool, dsn: str, *collectors: FakeCollector) -> None:
    """Machines with these collectors, which know of one another, make all requests."""
    machines = [Working(dsn, pool, "", system_clock) for _ in collectors]
    for machine, collector in zip(machines, collectors, strict=True):
        machine.reads({"x": collector})
        await machine.report()
    await put(pool)
    async with AsyncExitStack() as stack:
        for machine in machines:
            await stack.enter_async_context(at_work(machine))
        await until(pool, HANDED_OVER, REQUESTS)
        await until(pool, "select count(*) from pgqueuer", 0)


async def test_who_alone_does_not_reach_a_platform_misses_nothing_and_pauses(pool: Pool, dsn: str) -> None:
    cut_off, well = FakeCollector(), FakeCollector()
    cut_off.trouble = UNREACHED
    machines = [Working(dsn, pool, "", system_clock) for _ in range(2)]
    machines[0].reads({"x": cut_off})
    machines[1].reads({"x": well})
    await machines[1].report()
    async with at_work(machines[0]):  # it takes the first ones, since nobody else works yet
        await put(pool)
        await until(pool, "select paused -> 'x' ->> 'reason' from worker where paused ? 'x'", "network")
        async with at_work(machines[1]):
            await until(pool, HANDED_OVER, REQUESTS)
    assert cut_off.asked
    assert [one.trouble for one in await answers(pool)] == [None] * REQUESTS


async def test_what_no_machine_reaches_is_missed(pool: Pool, dsn: str) -> None:
    first, second = FakeCollector(), FakeCollector()
    first.trouble = second.trouble = UNREACHED
    await worked(pool, dsn, first, second)
    assert {one.trouble and one.trouble.reason for one in await answers(pool)} == {MissedReason.NETWORK}
    # Each of those that were put back was asked by both, and none went round.
    assert len(first.asked) + len(second.asked) <= REQUESTS + 2 * 8


async def test_with_nobody_else_what_is_not_reached_is_missed(pool: Pool, dsn: str) -> None:
    only = FakeCollector()
    only.trouble = UNREACHED
    await worked(pool, dsn, only)
    assert len(only.asked) == REQUESTS

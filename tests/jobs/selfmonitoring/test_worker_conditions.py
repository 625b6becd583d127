"""What operators are told of the work that machines share: once when it is so, and once when it is over."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs.messages.compose import Letterhead
from jobs.selfmonitoring.conditions import Thresholds, conditions, ending, unexplained
from jobs.selfmonitoring.watchdog import tick
from storage.health.condition_facts import facts as stored_facts
from storage.model.alerts.conditions import (
    ConditionKey,
    ConditionKind,
    HeldRequests,
    PlannedBy,
    RefusedAlone,
    Untaken,
    WrongClock,
)
from storage.model.core.accounts import Platform
from storage.postgres.locks import exclusive
from storage.postgres.pool import Pool, transaction
from storage.postgres.process_name import this_process
from storage.work import request_queue, workers
from storage.work.workers import SourcePause, planning_lock
from tests.jobs.selfmonitoring.test_conditions import BLIND, NOW, RULES, facts
from tests.jobs.selfmonitoring.test_watchdog import HEAD, deliver, mails, to_both
from tests.support.samples.readings import MINUTE, minutes
from tests.support.seeds.workers import FAULT, SECOND, hold, put, report

X = Platform.X
AHEAD = WrongClock("amber 4711", timedelta(seconds=3.2), minutes(599))
BEHIND = WrongClock("birch 812", timedelta(seconds=-4), minutes(598))
UNTAKEN = Untaken(X, "", 12, minutes(590), is_planned=True, readers=2, takers=2)
REFUSED = RefusedAlone("birch 812", X, "", "auth", "401", minutes(597))
NOTHING = facts()
UNHEARD = PlannedBy(X, "amber 4711", NOW - 61 * SECOND)


@pytest.mark.parametrize(
    ("given", "since", "sentence", "detail", "to_do"),
    [
        pytest.param(
            replace(NOTHING, clocks=(AHEAD,)),
            minutes(599),
            "The clock of amber 4711 is off, and it reads nothing",
            "beside the database's: amber 4711 3.2 s ahead",
            "right with NTP",
            id="a clock that is off",
        ),
        pytest.param(
            replace(NOTHING, clocks=(AHEAD, BEHIND)),
            minutes(598),
            "The clocks of 2 processes are off, and they read nothing",
            "beside the database's: amber 4711 3.2 s ahead, birch 812 4.0 s behind",
            "right with NTP",
            id="two are one trouble",
        ),
        pytest.param(
            replace(NOTHING, refused_alone=(REFUSED, replace(REFUSED, name="cedar 3022", reason="credits"))),
            minutes(597),
            "X refuses birch 812, cedar 3022, and answers others (key refused; credits used up)",
            "401",
            "and start blockline run again. Buy credits in the developer console",
            id="two tokens that are refused, for two reasons",
        ),
        pytest.param(
            replace(NOTHING, planned=(UNHEARD,)),
            NOW - 61 * SECOND,
            "amber 4711 plans the reading of X, and nothing was heard of it for more than 60 s",
            "",
            "end it there (kill -9",
            id="a process that plans and hangs",
        ),
        pytest.param(
            replace(NOTHING, refused_alone=(replace(REFUSED, reason="other_address", detail="it asks a"),)),
            minutes(597),
            "birch 812 asks another address for X than the process that plans",
            "it asks a",
            "Give setting x_base_url the same value on all machines",
            id="a machine that is set otherwise than the process that plans",
        ),
        pytest.param(
            replace(NOTHING, held=HeldRequests(1, minutes(300), FAULT)),
            minutes(300),
            "1 request is held: a machine failed at it by a fault of Blockline's own",
            FAULT,
            "blockline workers drop forgets them",
            id="a request that is held",
        ),
        pytest.param(
            replace(NOTHING, held=HeldRequests(3, minutes(300))),
            minutes(300),
            "3 requests are held: machines failed at them by a fault of Blockline's own",
            "",
            "Report what it says",
            id="three, of which nothing is on record",
        ),
        pytest.param(
            replace(NOTHING, untaken=(UNTAKEN,)),
            minutes(590),
            "12 requests to X wait, and nobody takes them",
            "",
            "blockline run --role collect",
            id="requests that nobody takes",
        ),
        pytest.param(
            replace(NOTHING, untaken=(replace(UNTAKEN, vantage="tr", count=1, readers=0, takers=0),)),
            minutes(590),
            "1 request to X from tr waits, and nobody takes it",
            "",
            "which machines read",
            id="one from elsewhere, where nobody reads",
        ),
    ],
)
def test_a_trouble_says_what_was_seen_and_what_to_do(
    given: object, since: datetime, sentence: str, detail: str, to_do: str
) -> None:
    (found,) = conditions(given, NOW, RULES)  # pyright: ignore[reportArgumentType]
    assert (found.since, found.sentence, found.detail) == (since, sentence, detail)
    assert to_do in found.to_do


def test_a_pause_that_passes_by_itself_is_no_trouble() -> None:
    paused = replace(REFUSED, reason="rate_limited")
    assert conditions(replace(NOTHING, refused_alone=(paused,)), NOW, RULES) == []


@pytest.mark.parametrize(
    "untaken",
    [
        pytest.param(replace(UNTAKEN, is_planned=False), id="nobody plans, so nobody waits for them"),
        pytest.param(replace(UNTAKEN, takers=0), id="all who read it pause, which is told as what it is"),
    ],
)
def test_requests_that_wait_for_a_reason_are_no_trouble_of_their_own(untaken: Untaken) -> None:
    assert conditions(replace(NOTHING, untaken=(untaken,)), NOW, RULES) == []


@pytest.mark.parametrize(
    "heard_at",
    [
        pytest.param(NOW - 60 * SECOND, id="it was heard of a minute ago"),
        pytest.param(None, id="of one that never reported itself nothing is known"),
    ],
)
def test_a_process_that_plans_is_not_called_silent_sooner(heard_at: datetime | None) -> None:
    assert conditions(replace(NOTHING, planned=(replace(UNHEARD, heard_at=heard_at),)), NOW, RULES) == []


def test_what_follows_from_a_process_that_plans_and_hangs_is_not_told_as_well() -> None:
    found = conditions(replace(facts(coverage=[BLIND]), planned=(UNHEARD,)), NOW, RULES)
    assert [c.key.kind for c in unexplained(found)] == [ConditionKind.PLANNER_UNHEARD]


def test_what_follows_from_a_queue_that_is_stuck_is_not_told_as_well() -> None:
    found = conditions(replace(facts(coverage=[BLIND]), untaken=(UNTAKEN,)), NOW, RULES)
    assert [c.key.kind for c in unexplained(found)] == [ConditionKind.QUEUE_STUCK]


STUCK = ConditionKey(ConditionKind.QUEUE_STUCK, X)
HANGS = ConditionKey(ConditionKind.PLANNER_UNHEARD, X)


@pytest.mark.parametrize(
    ("key", "given", "words"),
    [
        pytest.param(
            ConditionKey(ConditionKind.REFUSED_ALONE, X, "", "tr"),
            NOTHING,
            "No process says any more that X from tr refuses it alone",
            id="refused alone",
        ),
        pytest.param(
            ConditionKey(ConditionKind.OTHER_ADDRESS, X),
            NOTHING,
            "No process says any more that it asks another address for X",
            id="set as the others, or not heard of",
        ),
        pytest.param(
            ConditionKey(ConditionKind.CLOCK_OFF),
            NOTHING,
            "No machine whose clock is off reported itself lately",
            id="it may be right, or nobody heard of it: both are so",
        ),
        pytest.param(
            ConditionKey(ConditionKind.REQUESTS_HELD), NOTHING, "No request is held any more", id="held"
        ),
        pytest.param(HANGS, NOTHING, "Nobody plans the reading of X now", id="it ended"),
        pytest.param(
            HANGS,
            replace(NOTHING, planned=(replace(UNHEARD, name="birch 812"),)),
            "birch 812 plans the reading of X, and it reported itself",
            id="another one took over",
        ),
        pytest.param(
            HANGS,
            replace(NOTHING, planned=(replace(UNHEARD, heard_at=None),)),
            "amber 4711 plans the reading of X, and there is no report of it",
            id="nobody knows how it is",
        ),
        pytest.param(
            STUCK, NOTHING, "No request to X waits longer than 5 min any more", id="they were taken"
        ),
        pytest.param(
            STUCK,
            replace(NOTHING, untaken=(replace(UNTAKEN, is_planned=False),)),
            "No process plans the reading of X any more; 12 requests to X wait",
            id="they wait still, and nobody plans",
        ),
        pytest.param(
            STUCK,
            replace(NOTHING, untaken=(replace(UNTAKEN, takers=0),)),
            "All machines that read X pause now; 12 requests to X wait",
            id="they wait still, and all pause",
        ),
    ],
)
def test_an_end_claims_no_more_than_was_seen(key: ConditionKey, given: object, words: str) -> None:
    assert ending(key, given, RULES) == words  # pyright: ignore[reportArgumentType]


# from the database ---------------------------------------------------------------------------------------


async def test_what_it_is_decided_from(pool: Pool, dsn: str, now: datetime) -> None:
    off = 5 * SECOND
    pause = SourcePause(now + MINUTE, "auth", "")
    async with transaction(pool) as conn:
        await report(conn, "amber 4711", now, sources=("x",), off=off)
        await report(conn, "birch 812", now, sources=("x",))
        await report(conn, "cedar 3022", now, sources=("x", "bluesky"), paused={"x": pause})
        just = {"bluesky from tr": SourcePause(now - 59 * SECOND, "auth", "401"), "threads": pause}
        await report(conn, "dill 5", now, sources=("threads",), paused=just)
        before = {"x": SourcePause(now - 60 * SECOND, "auth", "401")}
        await report(conn, "elm 6", now, sources=("mastodon",), paused=before)
        await report(conn, "gone 1", now, sources=("x",), heard=16 * SECOND)
        await put(conn, "x", now - 7 * MINUTE)
        await put(conn, "x", now - 6 * MINUTE)
        await put(conn, "x", now - 4 * MINUTE)
        await put(conn, "x", now - 9 * MINUTE, not_before=now - MINUTE)
        await put(conn, "x", now - 9 * MINUTE, "picked")
        await put(conn, "bluesky from tr", now - 8 * MINUTE)
        await put(conn, "threads", now - 8 * MINUTE)
        await hold(conn, "x", now - 30 * MINUTE)
        await hold(conn, "x", now - 20 * MINUTE, "second")
    async with exclusive(dsn, planning_lock(X), 1), transaction(pool) as conn:
        found = await stored_facts(conn, now, now, now, now, now, now - 5 * MINUTE)
    assert found.clocks == (WrongClock("amber 4711", off, now - 2 * SECOND),)
    assert found.refused_alone == (
        RefusedAlone("cedar 3022", X, "", "auth", "", now - 2 * SECOND),
        RefusedAlone("dill 5", Platform.BLUESKY, "tr", "auth", "401", now - 2 * SECOND),
    )
    assert found.held == HeldRequests(2, now - 30 * MINUTE, FAULT)
    assert found.untaken == (
        Untaken(Platform.BLUESKY, "tr", 1, now - 8 * MINUTE, is_planned=False, readers=0, takers=0),
        Untaken(X, "", 2, now - 7 * MINUTE, is_planned=True, readers=3, takers=1),
    )


async def ticks(pool: Pool, *at: float, head: Letterhead = HEAD) -> None:
    """Ticks at these minutes, each of whose mails is delivered at once."""
    for minute in at:
        await tick(pool, minutes(minute), head, Thresholds(15 * MINUTE))
        await deliver(pool)


async def test_held_requests_are_told_once_and_so_is_that_they_are_gone(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await hold(conn, "x", minutes(1))
    await ticks(pool, 2, 3)
    async with transaction(pool) as conn:
        await hold(conn, "x", minutes(3))
    await ticks(pool, 4, 5, 40)
    async with transaction(pool) as conn:
        await request_queue.drop_held(conn, None)
    await ticks(pool, 41, 42)
    # Another one came before it was told: the mail says how many there are then.
    held = "2 requests are held: machines failed at them by a fault of Blockline's own"
    assert await mails(pool) == [*to_both(held, 4), *to_both("No request is held any more", 41)]


async def test_a_clock_that_is_off_is_told_once_however_it_drifts(pool: Pool) -> None:
    for minute in range(2, 7):
        async with transaction(pool) as conn:
            worker = await report(conn, "amber 4711", minutes(minute), off=minute * SECOND)
        await ticks(pool, minute)
        async with transaction(pool) as conn:
            await workers.leave(conn, worker)
    await ticks(pool, 40)
    told = "The clock of amber 4711 is off, and it reads nothing"
    over = "No machine whose clock is off reported itself lately"
    assert await mails(pool) == [*to_both(told, 4), *to_both(over, 40)]


async def test_a_process_that_plans_and_hangs_is_told_once_and_so_is_that_it_reported_itself(
    pool: Pool, dsn: str
) -> None:
    async with exclusive(dsn, planning_lock(X), 1):
        async with transaction(pool) as conn:
            worker = await report(conn, this_process(), minutes(2), heard=2 * SECOND)
        await ticks(pool, 2, 3, 4, 5, 6)
        async with transaction(pool) as conn:
            await workers.leave(conn, worker)
            await report(conn, this_process(), minutes(40), heard=2 * SECOND)
        await ticks(pool, 40, 41)
    plans = f"{this_process()} plans the reading of X, and"
    hangs = f"{plans} nothing was heard of it for more than 60 s"
    assert await mails(pool) == [*to_both(hangs, 5), *to_both(f"{plans} it reported itself", 40)]


async def test_a_queue_is_stuck_only_while_somebody_plans(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await put(conn, "x", minutes(1))
    await ticks(pool, 7, 9)
    async with exclusive(dsn, planning_lock(X), 1):
        await ticks(pool, 10, 12)
    await ticks(pool, 50)
    assert await mails(pool) == [
        *to_both("1 request to X waits, and nobody takes it", 12),
        *to_both("No process plans the reading of X any more; 1 request to X waits", 50),
    ]

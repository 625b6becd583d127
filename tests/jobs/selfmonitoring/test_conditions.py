"""What is wrong with the monitor itself: nothing is called so that was not seen, and mails are few."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.selfmonitoring.operator_mail import SHOWN, OperatorNews, operator_mail
from storage.health.checks import checks, ending, unexplained
from storage.health.collectors_report import CollectorReport
from storage.health.condition_facts import (
    ConditionFacts,
    MailFacts,
    PlatformCoverage,
    RetiredControls,
    Thresholds,
    UndeliveredMails,
)
from storage.health.workers_report import Queue, WorkersReport
from storage.model.alerts.alerts import MailState
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind, KnownCondition
from storage.work.request_queue import FailedJob, QueueBacklog
from storage.work.workers import SourcePause, Worker
from tests.support.samples.readings import MINUTE, T0, WORKING, minutes
from tests.support.seeds.workers import FAULT, SECOND

RULES = Thresholds(15 * MINUTE)
NOW = minutes(600)
HEAD = Letterhead("https://blockline.example.org/", operators=("ops@example.org",))

WELL = replace(WORKING, last_answered_at=minutes(595), last_asked_at=minutes(595))
NO_CREDITS = replace(WELL, healthy=False, reason="credits", detail="402", since=minutes(500))
HELD = replace(WELL, held_since=minutes(530), doubted=("steady",))
READ = PlatformCoverage(
    X, watched=100, heard=100, due=100, due_heard=100, first_due_at=T0, last_answer_at=None
)
NO_MACHINES = WorkersReport((), (), ())
BLIND = replace(READ, heard=0, due_heard=0, last_answer_at=minutes(550))


def facts(
    *sources: CollectorReport,
    coverage: Sequence[PlatformCoverage] = (READ,),
    untold: UndeliveredMails = UndeliveredMails(),  # noqa: B008 - immutable
    untried: UndeliveredMails = UndeliveredMails(),  # noqa: B008
    refused: UndeliveredMails = UndeliveredMails(),  # noqa: B008
    given_up: UndeliveredMails = UndeliveredMails(),  # noqa: B008
    retired: tuple[RetiredControls, ...] = (),
) -> ConditionFacts:
    mails = MailFacts(untold, untried, refused, given_up)
    return ConditionFacts(NOW, sources, tuple(coverage), mails, (), NO_MACHINES, retired)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        pytest.param("credentials_or_credits", facts(WELL), "The X collector works again", id="it works"),
        pytest.param(
            "credentials_or_credits",
            facts(replace(NO_CREDITS, reason="network")),
            "The X collector is now failing for another reason (connection failed)",
            id="another trouble took its place",
        ),
        pytest.param(
            "credentials_or_credits",
            facts(replace(HELD, held_since=NOW)),
            "X answers, but its latest answers are quarantined",
            id="it answers, and that is not believed",
        ),
        pytest.param(
            "credentials_or_credits",
            facts(NO_CREDITS, coverage=[]),
            "X is no longer read",
            id="not asked",
        ),
        pytest.param(
            "control_accounts_held", facts(WELL), "Answers from X are believed again", id="believed"
        ),
        pytest.param("control_accounts_held", facts(), "X is no longer read", id="there is no detector"),
        pytest.param("collector_blind", facts(), "X is read again", id="it is read"),
        pytest.param(
            "collector_blind",
            facts(coverage=[]),
            "No watched account is due for a reading on X",
            id="everybody was taken off the watch",
        ),
        pytest.param(
            "coverage_late",
            facts(coverage=[replace(READ, due_heard=96)]),
            "On X 96 of 100 accounts were read in the last 30 min",
            id="nearly all are read",
        ),
    ],
)
def test_the_end_of_a_trouble_says_no_more_than_what_was_seen(
    kind: str, given: ConditionFacts, said: str
) -> None:
    assert ending(ConditionKey(ConditionKind(kind), X), given, RULES) == said


# what is told, and when ----------------------------------------------------------------------------------

STOPPED = Condition(
    ConditionKey(ConditionKind.CREDENTIALS_OR_CREDITS, X),
    minutes(500),
    "The X collector stopped (credits used up)",
    "402",
    "Buy credits.",
)


def known(
    condition: Condition = STOPPED,
    opened: float = 505,
    told: float | None = None,
    ended: float | None = None,
    mail: MailState | None = None,
    number: int = 1,
) -> KnownCondition:
    return KnownCondition(
        number,
        condition,
        minutes(opened),
        None if told is None else minutes(told),
        None if told is None else number,
        mail or (None if told is None else MailState.SENT),
        None if ended is None else minutes(ended),
        "" if ended is None else "The X collector works again",
    )


def told_of(
    begun: Sequence[KnownCondition] = (),
    lasting: Sequence[KnownCondition] = (),
    over: Sequence[KnownCondition] = (),
) -> OperatorNews:
    return OperatorNews(
        tuple(begun), tuple(lasting), tuple(over), frozenset(k.condition.key for k in (*begun, *lasting))
    )


def test_of_very_many_troubles_a_mail_describes_some_and_counts_the_rest() -> None:
    hosts = [
        replace(HELD, platform=MASTODON, place=f"{n:02}.example", detail=f"detail {n:02}") for n in range(20)
    ]
    found = checks(facts(*hosts, coverage=[replace(READ, platform=MASTODON)]), RULES)
    draft = operator_mail(told_of([known(c) for c in found]), "ops@example.org", RULES, HEAD)
    assert draft.subject == "Blockline: 20 issues"
    for body in (draft.text_body, draft.html_body):
        assert body.count("are quarantined, because") == SHOWN
        assert f"… and {20 - SHOWN} more" in body


HEARD = NOW - 2 * SECOND
READS = Worker(UUID(int=1), "amber 4711", "", ("x",), minutes(0), HEARD, timedelta(0))
OTHER = replace(READS, name="birch 812")
REFUSED = SourcePause(NOW + MINUTE, "auth", "401")
NOTHING = facts()
NONE_WAITS = QueueBacklog("x", 0, 0, 0, None, None)
UNTAKEN = Queue("amber 4711", QueueBacklog("x", 12, 0, 0, minutes(590), minutes(590)), None, HEARD)
UNHEARD = Queue("amber 4711", NONE_WAITS, NOW - 61 * SECOND, NOW - 61 * SECOND)


def off(worker: Worker, seconds: float) -> Worker:
    """Its clock is so far ahead, and it was heard of at the same time."""
    ahead = timedelta(seconds=seconds)
    return replace(worker, clock_off=ahead, seen_at=worker.seen_at + ahead)


def paused(worker: Worker, reason: str, detail: str = "401") -> Worker:
    return replace(worker, paused={"x": replace(REFUSED, reason=reason, detail=detail)})


def given(
    *there: Worker, queues: tuple[Queue, ...] = (), held: int = 0, said: str = FAULT, blind: bool = False
) -> ConditionFacts:
    if held:
        queues = (Queue(None, replace(NONE_WAITS, held=held)),)
    jobs = (FailedJob(1, "7 slot 0", "x", minutes(300), said),) if held else ()
    known = facts(coverage=[BLIND]) if blind else NOTHING
    return replace(known, machines=WorkersReport(there, queues, jobs))


def found(known: ConditionFacts) -> list[Condition]:
    return checks(known, RULES)


@pytest.mark.parametrize(
    ("known", "since", "sentence", "detail", "to_do"),
    [
        pytest.param(
            given(off(READS, 3.2)),
            HEARD,
            "The clock of amber 4711 is wrong, so it reads nothing",
            "compared with the database: amber 4711 3.2 s ahead",
            "with NTP",
            id="a clock that is off",
        ),
        pytest.param(
            given(off(READS, 3.2), off(replace(OTHER, seen_at=minutes(598)), -4)),
            minutes(598),
            "The clocks of 2 workers are wrong, so they read nothing",
            "compared with the database: amber 4711 3.2 s ahead, birch 812 4.0 s behind",
            "with NTP",
            id="two are one trouble",
        ),
        pytest.param(
            given(paused(OTHER, "auth"), paused(replace(READS, name="cedar 3022"), "credits")),
            HEARD,
            "X refuses birch 812, cedar 3022 but answers other workers (key refused; credits used up)",
            "401",
            "and restart the command “blockline run”. Buy credits in the developer console",
            id="two tokens that are refused, for two reasons",
        ),
        pytest.param(
            given(queues=(UNHEARD, replace(UNHEARD, line=replace(NONE_WAITS, source="x from tr")))),
            NOW - 61 * SECOND,
            "amber 4711 is the leader for X and has not reported for more than 60 s",
            "",
            "end it (kill -9",
            id="a process that plans and hangs, told once for all vantages",
        ),
        pytest.param(
            given(paused(OTHER, "other_address", "it asks a")),
            HEARD,
            "birch 812 uses another address for X than the leader",
            "it asks a",
            "Set x_base_url to the same value on all hosts",
            id="a machine that is set otherwise than the process that plans",
        ),
        pytest.param(
            given(held=1),
            minutes(300),
            "1 request is parked because of a fault in Blockline",
            FAULT,
            "command “blockline workers drop” removes them",
            id="a request that is held",
        ),
        pytest.param(
            given(held=3, said=""),
            minutes(300),
            "3 requests are parked because of a fault in Blockline",
            "",
            "Report the error",
            id="three, of which nothing is on record",
        ),
        pytest.param(
            given(READS, queues=(UNTAKEN,)),
            minutes(590),
            "12 requests to X wait, and no worker takes them",
            "",
            "the command “blockline run --role collect”",
            id="requests that nobody takes",
        ),
        pytest.param(
            given(queues=(replace(UNTAKEN, line=replace(UNTAKEN.line, source="x from tr", waiting=1)),)),
            minutes(590),
            "1 request to X from tr waits, and no worker takes it",
            "",
            "which workers are OK",
            id="one from elsewhere, where nobody reads",
        ),
    ],
)
def test_a_trouble_says_what_was_seen_and_what_to_do(
    known: ConditionFacts, since: datetime, sentence: str, detail: str, to_do: str
) -> None:
    (one,) = found(known)
    assert (one.since, one.sentence, one.detail) == (since, sentence, detail)
    assert to_do in one.to_do


PUT_OFF = replace(UNTAKEN, line=replace(UNTAKEN.line, free_since=minutes(595)))


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(given(paused(OTHER, "rate_limited")), id="a pause that passes by itself"),
        pytest.param(
            given(replace(OTHER, paused={"x": replace(REFUSED, until=NOW - MINUTE)})),
            id="a pause that ended a minute ago",
        ),
        pytest.param(
            given(replace(OTHER, paused={"threads": REFUSED})), id="of a platform that is not known here"
        ),
        pytest.param(given(queues=(replace(UNTAKEN, planner=None),)), id="nobody plans, so nobody waits"),
        pytest.param(given(READS, queues=(PUT_OFF,)), id="they wait for no more than five minutes"),
        pytest.param(
            given(paused(READS, "rate_limited"), queues=(UNTAKEN,)),
            id="all who read it pause, which is told as what it is",
        ),
        pytest.param(
            given(queues=(Queue("amber 4711", NONE_WAITS, None, NOW - 60 * SECOND),)),
            id="whoever plans was heard of a minute ago",
        ),
        pytest.param(
            given(queues=(Queue("amber 4711", NONE_WAITS),)),
            id="of one that plans and never reported itself nothing is known",
        ),
    ],
)
def test_what_waits_for_a_reason_or_not_for_long_is_no_trouble(known: ConditionFacts) -> None:
    assert found(known) == []


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        pytest.param(given(queues=(UNHEARD,), blind=True), ConditionKind.PLANNER_UNHEARD, id="it hangs"),
        pytest.param(
            given(READS, queues=(UNTAKEN,), blind=True), ConditionKind.QUEUE_STUCK, id="the queue is stuck"
        ),
    ],
)
def test_what_follows_from_a_trouble_is_not_told_as_well(known: ConditionFacts, cause: ConditionKind) -> None:
    assert [c.key.kind for c in unexplained(found(known))] == [cause]


STUCK = ConditionKey(ConditionKind.QUEUE_STUCK, X)
HANGS = ConditionKey(ConditionKind.PLANNER_UNHEARD, X)


@pytest.mark.parametrize(
    ("key", "known", "words"),
    [
        pytest.param(
            ConditionKey(ConditionKind.REFUSED_ALONE, X, "", "tr"),
            NOTHING,
            "No worker reports any more that X from tr refuses only its requests",
            id="refused alone",
        ),
        pytest.param(
            ConditionKey(ConditionKind.OTHER_ADDRESS, X),
            NOTHING,
            "No worker reports any more that it uses another address for X",
            id="set as the others, or not heard of",
        ),
        pytest.param(
            ConditionKey(ConditionKind.CLOCK_OFF),
            NOTHING,
            "No worker with a wrong clock has reported recently",
            id="it may be right, or nobody heard of it: both are so",
        ),
        pytest.param(
            ConditionKey(ConditionKind.REQUESTS_HELD), NOTHING, "No request is parked any more", id="held"
        ),
        pytest.param(HANGS, NOTHING, "No leader plans the readings of X now", id="it ended"),
        pytest.param(
            HANGS,
            given(queues=(Queue("birch 812", NONE_WAITS, None, HEARD),)),
            "birch 812 plans the readings of X, and it has reported",
            id="another one took over",
        ),
        pytest.param(
            HANGS,
            given(queues=(Queue("amber 4711", NONE_WAITS),)),
            "amber 4711 plans the readings of X, and it has not reported yet",
            id="nobody knows how it is",
        ),
        pytest.param(
            STUCK, NOTHING, "No request to X waits longer than 5 min any more", id="they were taken"
        ),
        pytest.param(
            STUCK,
            given(queues=(replace(UNTAKEN, planner=None),)),
            "No leader plans the readings of X any more; 12 requests to X wait",
            id="they wait still, and nobody plans",
        ),
        pytest.param(
            STUCK,
            given(paused(READS, "auth"), queues=(UNTAKEN,)),
            "All workers for X are paused now; 12 requests to X wait",
            id="they wait still, and all pause",
        ),
    ],
)
def test_an_end_claims_no_more_than_was_seen(key: ConditionKey, known: ConditionFacts, words: str) -> None:
    assert ending(key, known, RULES) == words


# from the database ---------------------------------------------------------------------------------------

"""What is wrong with the monitor itself: nothing is called so that was not seen, and mails are few."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.selfmonitoring.operator_mail import SHOWN, OperatorNews, operator_mail
from storage.health.checks import checks, ending
from storage.health.collectors_report import CollectorReport
from storage.health.condition_facts import (
    ConditionFacts,
    MailFacts,
    PlatformCoverage,
    RetiredControls,
    Thresholds,
    UndeliveredMails,
)
from storage.health.workers_report import WorkersReport
from storage.model.alerts.alerts import MailState
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind, KnownCondition
from tests.support.samples.readings import MINUTE, T0, WORKING, minutes

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

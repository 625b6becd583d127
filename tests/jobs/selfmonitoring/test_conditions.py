"""What is wrong with the monitor itself: nothing is called so that was not seen, and mails are few."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.selfmonitoring.operator_mail import SHOWN, OperatorNews, news, operator_mail
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
from storage.health.workers_report import WorkersReport
from storage.model.alerts.alerts import MailState
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind, KnownCondition
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
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
    ("given", "since", "sentence", "detail", "to_do"),
    [
        pytest.param(
            facts(NO_CREDITS),
            minutes(500),
            "The X collector stopped (credits used up)",
            "402",
            "Buy credits in the developer console of X",
            id="no credits",
        ),
        pytest.param(
            facts(replace(NO_CREDITS, reason="auth")),
            minutes(500),
            "The X collector stopped (key refused)",
            "402",
            "Renew the bearer token",
            id="a token that is refused",
        ),
        pytest.param(
            facts(replace(NO_CREDITS, reason="usage_capped", detail="")),
            minutes(500),
            "The X collector stopped (usage cap reached)",
            "",
            "Raise the spending or usage cap",
            id="a cap, of which nothing was said",
        ),
        pytest.param(
            facts(
                replace(NO_CREDITS, platform=BLUESKY, reason="access"),
                coverage=[replace(READ, platform=BLUESKY)],
            ),
            minutes(500),
            "The Bluesky collector stopped (access refused)",
            "402",
            "Ask its administrators",
            id="no access",
        ),
        pytest.param(
            facts(HELD),
            minutes(530),
            "Answers from X are quarantined, because its control accounts look wrong",
            "@steady looked wrong",
            "Replace one that is named in the setting x_canaries.",
            id="control accounts that look wrong for more than an hour",
        ),
        pytest.param(
            facts(
                replace(HELD, platform=MASTODON, place="one.example", detail="no answer"),
                coverage=[replace(READ, platform=MASTODON)],
            ),
            minutes(530),
            "Answers from Mastodon at one.example are quarantined, because its control accounts look wrong",
            "no answer",
            "Replace one that is named in the setting mastodon_canaries.",
            id="one server whose control accounts look wrong",
        ),
        pytest.param(
            facts(replace(WELL, healthy=False, reason="held", since=minutes(530))),
            minutes(530),
            "Answers from X are quarantined, because its control accounts look wrong",
            "",
            "the Health page shows which",
            id="held as it is on record",
        ),
        pytest.param(
            facts(retired=(RetiredControls(X, "", ("steady",), minutes(540)),)),
            minutes(540),
            "Control account @steady on X no longer has the expected status and is not read any more",
            "",
            "Replace them in the setting x_canaries",
            id="a control account of the settings that really changed",
        ),
        pytest.param(
            facts(coverage=[BLIND]),
            minutes(550),
            "No account on X is read, though 100 accounts are watched there",
            "",
            "Check that the command “blockline run” is running",
            id="no answer for more than two sweeps and no trouble on record",
        ),
        pytest.param(
            facts(
                replace(WELL, healthy=False, reason="network", detail="no route", since=minutes(555)),
                coverage=[BLIND],
            ),
            minutes(550),
            "No account on X is read, though 100 accounts are watched there",
            "connection failed: no route",
            "Blockline retries by itself",
            id="no answer, and why is on record",
        ),
        pytest.param(
            facts(coverage=[replace(BLIND, watched=1, due=1, last_answer_at=None)]),
            T0,
            "No account on X was read yet, though 1 account is watched there",
            "",
            "Check that the command “blockline run” is running",
            id="never read since it was added",
        ),
        pytest.param(
            facts(coverage=[replace(READ, heard=94, due_heard=94)]),
            NOW,
            "On X 6 of 100 accounts (6.0%) were not read in the last 30 min",
            "",
            "stop watching accounts whose server no longer exists",
            id="more than 5 % are late",
        ),
        pytest.param(
            facts(coverage=[replace(READ, heard=94, due_heard=94, due_posts=30)]),
            NOW,
            "On X 6 of 100 accounts and posts (30 posts) (6.0%) were not read in the last 30 min",
            "",
            "stop watching accounts whose server no longer exists",
            id="posts among them",
        ),
        pytest.param(
            facts(coverage=[replace(BLIND, watched=3, due=3, due_posts=2, last_answer_at=None)]),
            T0,
            "No account or post on X was read yet, though 1 account and 2 posts are watched there",
            "",
            "Check that the command “blockline run” is running",
            id="nothing was read, posts among it",
        ),
        pytest.param(
            facts(
                untold=UndeliveredMails(1, minutes(570)),
                untried=UndeliveredMails(1, minutes(580), "no mail server"),
            ),
            minutes(570),
            "1 change waits for an alert, and no email is written; "
            "1 email waits, and no process tries to send it",
            "no mail server",
            "see its log for the error. Check that the command “blockline run” is running with the role "
            "notify, and",
            id="changes of which no mail is written",
        ),
        pytest.param(
            facts(untried=UndeliveredMails(2, minutes(580), "no mail server")),
            minutes(580),
            "2 emails wait, and no process tries to send them",
            "no mail server",
            "that smtp_host is set",
            id="mails that nobody tries to send",
        ),
        pytest.param(
            facts(
                untried=UndeliveredMails(1, minutes(580)),
                refused=UndeliveredMails(1, minutes(500), "451 later"),
            ),
            minutes(500),
            "1 email waits, and no process tries to send it; "
            "1 email written more than 1 h ago was not accepted",
            "451 later",
            "Check that the command “blockline run” is running with the role notify, and that smtp_host is "
            "set. "
            "The command “blockline doctor” tests the mail server",
            id="one that nobody tries and one that no server takes are one trouble",
        ),
        pytest.param(
            facts(given_up=UndeliveredMails(3, minutes(100), "550 unknown")),
            minutes(100),
            "3 emails failed permanently in the last 24 h",
            "550 unknown",
            "Correct the address or the mail server",
            id="dead letters",
        ),
    ],
)
def test_a_trouble_is_told_with_its_beginning_what_was_said_and_what_to_do(
    given: ConditionFacts, since: datetime, sentence: str, detail: str, to_do: str
) -> None:
    (one,) = unexplained(checks(given, RULES))
    assert (one.since, one.sentence, one.detail) == (since, sentence, detail)
    assert to_do in one.to_do


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(facts(WELL), id="all is well"),
        pytest.param(
            facts(replace(WELL, healthy=False, reason="network", since=T0)), id="it waits by itself"
        ),
        pytest.param(
            facts(replace(NO_CREDITS, platform=MASTODON, place="one.example")),
            id="one server of many refuses",
        ),
        pytest.param(facts(replace(NO_CREDITS, vantage="tr")), id="a vantage never decides a status"),
        pytest.param(facts(NO_CREDITS, coverage=[]), id="nobody is read there any more"),
        pytest.param(
            facts(replace(HELD, held_since=NOW - RULES.quarantined_for)), id="held for an hour sharp"
        ),
        pytest.param(
            facts(replace(HELD, healthy=False, reason="network", since=NOW)),
            id="held before it was not reached",
        ),
        pytest.param(
            facts(coverage=[replace(BLIND, due=0, first_due_at=None, last_answer_at=None)]),
            id="added too lately to have been read",
        ),
        pytest.param(facts(coverage=[replace(BLIND, due=0, watched=0)]), id="nobody is watched"),
        pytest.param(facts(coverage=[replace(READ, heard=95, due_heard=95)]), id="5 % sharp are late"),
    ],
)
def test_what_is_no_trouble_or_none_yet_is_not_told(given: ConditionFacts) -> None:
    assert checks(given, RULES) == []


def test_a_newcomer_that_answers_shows_that_the_collector_is_not_blind() -> None:
    (one,) = checks(facts(coverage=[replace(READ, heard=1, due_heard=0)]), RULES)
    assert one.key == ConditionKey(ConditionKind.COVERAGE_LATE, X)


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        pytest.param(facts(NO_CREDITS, coverage=[BLIND]), ["credentials_or_credits"], id="no credits"),
        pytest.param(facts(HELD, coverage=[BLIND]), ["control_accounts_held"], id="nothing is believed"),
        pytest.param(facts(coverage=[BLIND]), ["collector_blind"], id="nothing is heard"),
        pytest.param(
            facts(
                replace(HELD, platform=MASTODON, place="one.example"),
                coverage=[replace(READ, platform=MASTODON, heard=80, due_heard=80)],
            ),
            ["control_accounts_held", "coverage_late"],
            id="one server does not explain a platform",
        ),
        pytest.param(
            facts(NO_CREDITS, coverage=[BLIND, replace(BLIND, platform=BLUESKY)]),
            ["credentials_or_credits", "collector_blind"],
            id="one platform does not explain another",
        ),
    ],
)
def test_what_follows_from_a_trouble_is_no_second_one(given: ConditionFacts, kinds: list[str]) -> None:
    assert [c.key.kind for c in unexplained(checks(given, RULES))] == kinds


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
STUCK = Condition(ConditionKey(ConditionKind.OUTBOX_STUCK), minutes(590), "1 mail waits", "", "See to it.")


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


DAY = 24 * 60


@pytest.mark.parametrize(
    ("on_record", "last", "at", "begun", "lasting", "over"),
    [
        pytest.param([known()], None, 506.9, 0, 0, 0, id="it may be over in two minutes"),
        pytest.param([known()], None, 507, 1, 0, 0, id="it lasts"),
        pytest.param([known()], 480, 509, 0, 0, 0, id="a mail went out half an hour ago or less"),
        pytest.param([known(), known(STUCK, 506)], 480, 510, 2, 0, 0, id="what came meanwhile is gathered"),
        pytest.param([known(told=507)], 507, 506 + DAY, 0, 0, 0, id="told not quite a day ago"),
        pytest.param([known(told=507)], 507, 507 + DAY, 0, 1, 0, id="it lasts a day"),
        pytest.param(
            [known(told=507, mail=MailState.QUEUED)], 507, 507 + DAY, 0, 0, 0, id="the last mail waits still"
        ),
        pytest.param([known(told=507, mail=MailState.DEAD)], 507, 507 + DAY, 0, 1, 0, id="nobody got it"),
        pytest.param([known(told=507, ended=520)], 507, 537, 0, 0, 1, id="it is over"),
        pytest.param(
            [known(told=507, ended=520), known(opened=536, number=2)], 507, 537, 0, 0, 0, id="it may be back"
        ),
        pytest.param(
            [known(told=507, ended=520), known(opened=535, number=2)], 507, 537, 1, 0, 1, id="it is back"
        ),
    ],
)
def test_mails_are_few_and_say_what_lasts(
    on_record: list[KnownCondition], last: float | None, at: float, begun: int, lasting: int, over: int
) -> None:
    told = news(on_record, None if last is None else minutes(last), minutes(at), RULES)
    counts = (0, 0, 0) if told is None else (len(told.begun), len(told.lasting), len(told.over))
    assert counts == (begun, lasting, over)


def told_of(
    begun: Sequence[KnownCondition] = (),
    lasting: Sequence[KnownCondition] = (),
    over: Sequence[KnownCondition] = (),
) -> OperatorNews:
    return OperatorNews(
        tuple(begun), tuple(lasting), tuple(over), frozenset(k.condition.key for k in (*begun, *lasting))
    )


@pytest.mark.parametrize(
    ("told", "subject", "lines"),
    [
        pytest.param(
            told_of([known()]),
            "Blockline: The X collector stopped (credits used up)",
            ["Since: 1 Feb 2021, 08:20 UTC", "Detail: 402", "What to do: Buy credits.", "keep their status"],
            id="one",
        ),
        pytest.param(
            told_of([], [known(told=507)]),
            "Blockline: Ongoing: The X collector stopped (credits used up)",
            ["Last reported: 1 Feb 2021, 08:27 UTC"],
            id="one that lasts",
        ),
        pytest.param(
            told_of([], [], [known(told=507, ended=520)]),
            "Blockline: The X collector works again",
            [
                "Issue: The X collector stopped (credits used up)",
                "End noticed: 1 Feb 2021, 08:40 UTC",
                "stay “not checked”",
            ],
            id="one that is over",
        ),
        pytest.param(
            told_of([known(STUCK)], [known(told=507)], [known(told=500, ended=520, number=3)]),
            "Blockline: 1 issue, 1 ongoing, 1 resolved",
            [
                "1 mail waits",
                "What to do: See to it.",
                "In between: The X collector works again",
                "do not depend on email",
            ],
            id="several",
        ),
    ],
)
def test_a_mail_says_which_troubles_since_when_and_what_to_do(
    told: OperatorNews, subject: str, lines: list[str]
) -> None:
    draft = operator_mail(told, "ops@example.org", RULES, HEAD)
    assert (draft.subject, draft.recipient) == (subject, "ops@example.org")
    for line in lines:
        assert line in draft.text_body
        assert line.rpartition(": ")[2] in draft.html_body
    for body in (draft.text_body, draft.html_body):
        assert "https://blockline.example.org/health" in body


@pytest.mark.parametrize("reason", MissedReason)
def test_no_mail_to_operators_hints_at_a_block(reason: MissedReason) -> None:
    for platform in Platform:
        source = replace(NO_CREDITS, platform=platform, reason=reason.value)
        found = checks(facts(source, coverage=[replace(BLIND, platform=platform)]), RULES)
        assert found
        told = told_of([known(c, number=i) for i, c in enumerate(found)])
        text = operator_mail(told, "ops@example.org", RULES, HEAD).text_body
        assert "keep their status: none is reported as blocked or restored" in text
        said = text.replace("as blocked", "").lower().replace("blockline", "")
        assert "block" not in said


def test_the_same_news_is_the_same_mail_and_no_other_news_is() -> None:
    at_home = known()
    elsewhere = known(replace(STOPPED, key=replace(STOPPED.key, platform=BLUESKY)))
    later = known(replace(STOPPED, since=minutes(501)))
    each = [
        (told_of([at_home]), "a@example.org"),
        (told_of([at_home]), "b@example.org"),
        (told_of([elsewhere]), "a@example.org"),
        (told_of([later]), "a@example.org"),
        (told_of([], [known(told=507)]), "a@example.org"),
        (told_of([], [known(told=507 + DAY)]), "a@example.org"),
        (told_of([], [], [known(told=507, ended=520)]), "a@example.org"),
        (told_of([at_home, elsewhere]), "a@example.org"),
    ]
    ids = [operator_mail(told, to, RULES, HEAD).message_id for told, to in each]
    assert len(set(ids)) == len(ids)
    assert [operator_mail(told, to, RULES, HEAD).message_id for told, to in each] == ids


def test_what_a_platform_says_cannot_break_the_mail() -> None:
    hostile = replace(
        NO_CREDITS, detail='<script>x</script>\r\nBcc: a@b.c\r\n\r\n"', since=NOW - timedelta(1)
    )
    found = checks(facts(hostile), RULES)
    draft = operator_mail(told_of([known(c) for c in found]), "ops@example.org", RULES, HEAD)
    assert "<script>" not in draft.html_body
    assert "\r" not in draft.text_body
    assert "Bcc" not in draft.subject


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


def test_an_invented_scenario_is_called_one_to_operators_too() -> None:
    draft = operator_mail(told_of([known()]), "ops@example.org", RULES, Letterhead(synthetic=True))
    assert draft.subject.startswith("Synthetic scenario: ")
    assert "Synthetic scenario" in draft.html_body
    assert "/health" not in draft.text_body

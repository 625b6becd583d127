"""Invented emails of every kind, full and minimal, for trying templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from jobs.alerting.policy import AlertGroup, DigestDue, Flap
from jobs.messages.compose import Letterhead, Picture, ReplyThread, compose
from jobs.messages.digest_compose import compose as compose_summary
from jobs.messages.digest_facts import (
    DigestContent,
    DigestCoverage,
    DigestPlatform,
    QuietCohorts,
    StateNow,
    parts_of,
)
from jobs.messages.notice import SHOWN as ITEMS_SHOWN
from jobs.messages.notice import NoticeContent, NoticeItem, notice_draft
from jobs.messages.wave_content import ACCOUNTS_LISTED
from jobs.notify.reminders import Reminder, drafts
from jobs.selfmonitoring.operator_mail import OperatorNews, operator_mail
from storage.alerts.reminders import LastMail, Outstanding
from storage.health.condition_facts import Thresholds
from storage.model.alerts.alerts import (
    AlertChange,
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    ListStatus,
    MailKind,
    OrderRef,
    PastAlert,
    SentWave,
)
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind, KnownCondition
from storage.model.alerts.digest_period import PastCondition, PlatformSilence, UnsentChanges
from storage.model.alerts.rules import AlertRule, Digest, EscalationStep, RuleId, StoredRule
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.availability import State, Status, Strength, kind_of
from storage.model.platforms.registry import USUAL_PLATFORM

_AT = datetime(2021, 2, 1, 8, tzinfo=UTC)
_TO = "desk@example.org"
_ORDER = Cohort(ListId(1), "Example order", OrderRef("EX-1", "IN", _AT - timedelta(hours=2), 120))
_LIST = Cohort(ListId(2), "Example list", None)
_OPEN, _WITHHELD = State(Status.AVAILABLE), State(Status.WITHHELD, ("IN",))
_SUSPENDED, _GONE = State(Status.SUSPENDED), State(Status.NOT_FOUND)

Contents = dict[str, list[Mapping[str, object]]]
"""By template name, the contents that it is rendered with."""


@dataclass(frozen=True, slots=True)
class _Recorder(Letterhead):
    """A letterhead that records the contents of its templates."""

    contents: Contents = field(default_factory=dict[str, list[Mapping[str, object]]])

    def render(self, name: str, content: Mapping[str, object]) -> str:
        self.contents.setdefault(name, []).append(content)
        return Letterhead.render(self, name, content)


def contents() -> Contents:
    """Return the contents of all emails, in their fullest and their most minimal form."""
    full = _Recorder("https://blockline.example", synthetic=True, link_key=b"sample")
    bare = _Recorder(contents=full.contents)
    compose(
        _full(), _STANDING, full, _TO, ReplyThread(("<1@example.org>",)), Picture(b"", "A sample picture")
    )
    compose(_apart(), _STANDING, full, _TO)
    compose(_bare(), None, bare, _TO)
    for head in (full, bare):
        for content in digests(_full(), _STANDING):
            compose_summary(content, head, _TO, Picture(b"", "A sample picture") if content.parts else None)
        for kind in (MailKind.REMINDER, MailKind.ESCALATION):
            drafts(Reminder(kind, _OUTSTANDING, _RULE, _AT + timedelta(hours=1)), [_LAST], head)
        items = (_ITEM,) * (1 if head is bare else ITEMS_SHOWN + 1)
        for kind in (MailKind.ENGAGEMENT, MailKind.LABELS, MailKind.NETWORKS):
            notice = NoticeContent(kind, "An example", items, "That it happened.", _AT, ["example"], "/")
            notice_draft(notice, _RULE, _TO, head, None if head is bare else "https://blockline.example/end")
        for news in _news():
            operator_mail(news, _TO, Thresholds(timedelta(minutes=15)), head)
    return full.contents


def _alert(
    n: int, new: State, old: State | None = _OPEN, stage: AlertStage = AlertStage.CONFIRMED
) -> AlertRow:
    change = AlertChange(
        change_key=f"{n:064x}",
        account_id=AccountId(n),
        platform=USUAL_PLATFORM,
        handle=f"example_{n}",
        old=old,
        new=new,
        kind=kind_of(old, new),
        strength=Strength.STRONG,
        last_seen_old=_AT - timedelta(minutes=15) if n % 2 else None,
        first_seen_new=_AT,
        readings=2,
    )
    return AlertRow(n, _AT + n * timedelta(seconds=1), change, (_ORDER, _LIST), stage)


_RULE = AlertRule(
    (_TO,), name="Example rule", zone="Asia/Kolkata", escalation=(EscalationStep(timedelta(hours=1), (_TO,)),)
)
_STORED = StoredRule(RuleId(1), _RULE, enabled=True, from_settings=False, active_since=_AT, digested_to=_AT)
_STANDING = ListStatus(110, ((USUAL_PLATFORM, _WITHHELD, 70), (USUAL_PLATFORM, _OPEN, 30)))
_STORY = AlertThread("sample", 1, ListId(1), (_TO,), (SentWave(_AT - timedelta(hours=1), _AT, {"block": 3}),))
_OUTSTANDING = Outstanding(1, "sample", 1, 1, (_TO,), 1, _AT, 0, None, escalated_steps=0)
_ITEM = NoticeItem("Example happened", ("1 Feb 2021, 08:00 UTC", "A second line"))
_LAST = LastMail(_TO, 1, "<1@example.org>", "An example")


def _full() -> AlertGroup:
    """Return more accounts than one email lists, in every stage, and some that are flapping."""
    alerts = [_alert(n, _WITHHELD) for n in range(1, 61)]
    alerts += [
        _alert(61, _OPEN, _WITHHELD),
        _alert(62, _GONE),
        _alert(63, _SUSPENDED, stage=AlertStage.PROVISIONAL),
    ]
    alerts.append(_alert(64, _SUSPENDED, stage=AlertStage.WITHDRAWN))
    flapping = [_alert(n, _SUSPENDED) for n in range(65, 77)]
    flaps = tuple(Flap(a, tuple(PastAlert(a.created_at, a.change) for _ in range(4))) for a in flapping)
    return AlertGroup(_STORED, (_TO,), _ORDER, (*alerts, *flapping), flaps, _AT + timedelta(hours=1), _STORY)


def _apart() -> AlertGroup:
    """Return changes at more times than one email shows."""
    changes = [(_alert(n, _WITHHELD), _AT + n * timedelta(minutes=1)) for n in range(1, 2 + ACCOUNTS_LISTED)]
    alerts = tuple(replace(a, change=replace(a.change, first_seen_new=at)) for a, at in changes)
    return AlertGroup(_STORED, (_TO,), _ORDER, alerts, (), _AT + timedelta(hours=1), None)


def _bare() -> AlertGroup:
    """Return one account without a list, whose first state was a block."""
    alert = _alert(2, _WITHHELD, None)
    return AlertGroup(_STORED, (_TO,), None, (alert,), (), alert.created_at, None)


def _news() -> list[OperatorNews]:
    conditions = [_known_condition(n, kind) for n, kind in enumerate(ConditionKind)]
    many = tuple(_known_condition(n, ConditionKind.COVERAGE_LATE) for n in range(20))
    over = tuple(_known_condition(n, ConditionKind.COLLECTOR_BLIND, is_over=True) for n in range(20))
    again = frozenset({over[0].condition.key})
    return [
        OperatorNews((conditions[0],), (), (), frozenset()),
        OperatorNews(many, (), (), frozenset()),
        OperatorNews((), (), (over[0],), frozenset()),
        OperatorNews(
            (conditions[0],), (_known_condition(9, ConditionKind.OUTBOX_STUCK, is_told=True),), over, again
        ),
    ]


def _known_condition(
    n: int, kind: ConditionKind, *, is_told: bool = False, is_over: bool = False
) -> KnownCondition:
    key = ConditionKey(kind, USUAL_PLATFORM, f"server-{n}.example")
    return KnownCondition(
        condition_id=n,
        condition=Condition(key, _AT, "An example issue", "" if n else "what was said", "Do nothing"),
        opened_at=_AT,
        told_at=_AT if is_told else None,
        mail_id=None,
        mail_state=None,
        ended_at=_AT + timedelta(hours=1) if is_over else None,
        end_sentence="An example issue is over" if is_over else "",
    )


_COHORTS = 20
"""More than one email shows in full."""


def digests(wave: AlertGroup, status: ListStatus) -> list[DigestContent]:
    """Return digests of a busy day and of a quiet day, and a catch-up digest."""
    until = wave.closed_at
    since = until - timedelta(days=1)
    stored = replace(wave.stored, rule=replace(wave.rule, digest=Digest.DAILY))
    due = DigestDue(stored, wave.recipients, since, until, (*wave.alerts, *_elsewhere(wave.alerts[0])))
    parts = tuple(replace(part, standing=status) for part in parts_of(due, wave.recipients[0]))
    quiet = QuietCohorts(((Cohort(ListId(99), "Quiet list", None), status),), 3)
    round_up = replace(due, stored=wave.stored, parts=(wave,))
    bare = DigestCoverage(since, until, timedelta(minutes=45))
    full = DigestCoverage(
        since,
        until,
        timedelta(minutes=45),
        (DigestPlatform(USUAL_PLATFORM, 110, 100, 7),),
        (
            StateNow("withheld in India (IN)", 70, is_blocked=True),
            StateNow("available", 30, is_blocked=False),
        ),
        blocked_late=3,
        asked=9000,
        answered=8500,
        silences=(PlatformSilence(USUAL_PLATFORM, since, until),),
        troubles=(
            PastCondition("An example issue", since, None),
            PastCondition("Another", since, until),
        ),
        provisional=2,
        untold=(UnsentChanges(AlertDecision.MUTED, 4),),
    )
    return [
        DigestContent(due, parts, full, quiet),
        DigestContent(replace(due, alerts=()), (), bare),
        DigestContent(round_up, parts_of(round_up, wave.recipients[0]), bare),
    ]


def _elsewhere(alert: AlertRow) -> Sequence[AlertRow]:
    """Return the same change for accounts on other lists."""
    return [
        replace(alert, alert_id=1000 + n, cohorts=(Cohort(ListId(100 + n), f"List {n}", None),))
        for n in range(_COHORTS)
    ]

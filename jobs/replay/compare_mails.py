"""Pure: what would have been told: alerts as other rules or thresholds bear them, beside what was told."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.alerting.rules_file import FileRule
from jobs.replay.compare_changes import ChangeComparison
from jobs.replay.simulate_notifier import Notifier, NotifierStart
from storage.model.alerts.alerts import AlertChange, AlertDecision, AlertRow, AlertStage, MailKind
from storage.model.alerts.rules import RuleId, StoredRule
from storage.model.bitemporal.alert_inputs import (
    AccountFacts,
    Decisions,
    Fact,
    Overtaken,
    PastMail,
    RulesSince,
    StoredAlerts,
)
from storage.model.bitemporal.corrections import RecomputedChange
from storage.model.bitemporal.reading_columns import Course
from storage.model.bitemporal.reevaluation import MailCause
from storage.model.core.accounts import AccountId
from storage.model.core.availability import ChangeKind, Reason, change_key
from storage.model.core.packed_columns import instant, microseconds
from storage.model.platforms.registry import DECLARED


@dataclass(frozen=True, slots=True)
class MailDifference:
    mail: PastMail
    was_sent: bool
    """It was told, and would not have been; else it would have been, and was not."""
    cause: MailCause


@dataclass(frozen=True, slots=True)
class MailComparison:
    same: int
    """Mails that tell the same to the same recipient."""
    differences: tuple[MailDifference, ...]
    decisions_same: int
    decisions_otherwise: int
    """Last words of a rule about an alert that are other ones, of alerts that are in both."""

    @property
    def causes(self) -> dict[MailCause, int]:
        found = Counter(d.cause for d in self.differences)
        return {cause: found[cause] for cause in MailCause}

    @property
    def unexplained(self) -> int:
        return sum(d.cause is MailCause.UNEXPLAINED for d in self.differences)

    def by_rule(self, *, was_sent: bool) -> dict[tuple[str, str], int]:
        """How many, by rule and recipient."""
        found = Counter(
            (d.mail.rule or "", d.mail.recipient) for d in self.differences if d.was_sent is was_sent
        )
        return dict(sorted(found.items()))


def reevaluate_mails(
    stored: StoredAlerts,
    courses: Sequence[Course],
    recomputed: Mapping[AccountId, Sequence[RecomputedChange]],
    compared: ChangeComparison,
    facts: Mapping[AccountId, AccountFacts],
    other: Sequence[FileRule] | None,
    since: datetime,
    until: datetime,
    about: Collection[AccountId] | None = None,
    read_until: datetime | None = None,
) -> MailComparison:
    """Let the alerts of a time be decided again and hold that against what was told.

    `read_until`: a digest from then on that says that nothing changed does not count, because nothing was
    read; None: all count.

    `other`: the alert rules to decide by, as if they had always been there; None for those of each moment.
    `about`: count only mails and decisions that are about one of these accounts; None: all.
    """
    rules = stored.rules if other is None else _as_if_always(other, stored.rules, since)
    changed = {d.account.account_id for d in compared.differences}
    births = [r for r in stored.rows if _stands(r, changed, other)]
    overtaken = [*stored.overtaken]
    wants_provisional = any(s.enabled and s.rule.match.provisional for r in rules for s in r.rules)
    number = 0
    for course in courses:
        account_id = course.account.account_id
        if account_id not in facts or (account_id not in changed and other is None):
            continue
        for t in recomputed[account_id]:
            if t.kind is ChangeKind.BASELINE or t.pending.first_seen_new < since:
                continue
            rows, ends = _born(t, course, facts[account_id], number, until)
            births += [
                row
                for row in rows
                if (account_id in changed or row.stage is not AlertStage.CONFIRMED)
                and (wants_provisional or row.stage is AlertStage.CONFIRMED)
            ]
            overtaken += ends
            number += 3
    ground = NotifierStart(
        rules,
        stored.mutes,
        stored.stories,
        stored.past,
        stored.before,
        stored.told_before,
        stored.forgotten,
        {**stored.cohorts, **{account_id: f.cohorts for account_id, f in facts.items()}},
        stored.unreachable,
    )
    notifier = Notifier(ground, since)
    notifier.run(births, overtaken, until)
    was, now = (
        _MailOutcome([m for m in mails if m.facts or read_until is None or m.at < read_until], said)
        for mails, said in ((stored.mails, stored.decisions), (notifier.mails, notifier.decisions))
    )
    if about is not None:
        alerts = [r for r in (*stored.rows, *births) if r.change.account_id in about]
        was, now = was.of(alerts), now.of(alerts)
    return _compared(was, now, stored, until, is_in_force=other is None and not changed)


@dataclass(frozen=True, slots=True)
class _MailOutcome:
    mails: Sequence[PastMail]
    decisions: Decisions

    def of(self, alerts: Sequence[AlertRow]) -> "_MailOutcome":
        """What of it is about these alerts. A digest without changes is about none."""
        keys, ids = {a.change.change_key for a in alerts}, {a.alert_id for a in alerts}
        return _MailOutcome(
            [m for m in self.mails if any(key in keys for key, _ in m.facts)],
            {k: said for k, said in self.decisions.items() if k[0] in ids},
        )


def _stands(row: AlertRow, changed: set[AccountId], other: Sequence[FileRule] | None) -> bool:
    """Whether a stored alert is born again as it was; else it is told from the changes."""
    if row.change.account_id in changed:
        return False
    return other is None or row.stage is AlertStage.CONFIRMED


def _as_if_always(
    other: Sequence[FileRule], stored: Sequence[RulesSince], since: datetime
) -> list[RulesSince]:
    """The rules of a file. Where one has the name of a stored one, it goes on with that one's stories."""
    known = {s.rule.name: s for state in stored for s in state.rules}
    free = max((s.rule_id for s in known.values()), default=0) + 1
    rules: list[StoredRule] = []
    for n, row in enumerate(other):
        was = known.get(row.rule.name)
        rules.append(
            StoredRule(
                RuleId(free + n) if was is None else was.rule_id,
                row.rule,
                row.enabled,
                from_settings=False,
                active_since=datetime.min.replace(tzinfo=since.tzinfo),
                digested_to=datetime.min.replace(tzinfo=since.tzinfo),
                refused=frozenset() if was is None else was.refused,
            )
        )
    return [RulesSince(datetime.min.replace(tzinfo=since.tzinfo), tuple(rules))]


def _born(
    t: RecomputedChange, course: Course, facts: AccountFacts, number: int, until: datetime
) -> tuple[list[AlertRow], list[Overtaken]]:
    """The alerts of one change: when it is seen, when it is confirmed, or when it turns out not to be so."""
    p, account = t.pending, course.account
    change = AlertChange(
        change_key(account.platform, account.native_id, p.state, p.first_seen_new),
        account.account_id,
        account.platform,
        facts.handle,
        t.old,
        p.state,
        t.kind,
        p.strength,
        p.last_seen_old,
        p.first_seen_new,
        p.agreeing,
        p.flags,
        DECLARED[account.platform].is_post(account.native_id),
    )
    seen = AlertRow(
        -1 - number,
        p.first_seen_new,
        change,
        (),
        AlertStage.PROVISIONAL,
        facts.tags,
        facts.followers,
        facts.is_executive,
    )
    if t.closed is None:
        return [seen], []
    if t.is_confirmed:
        at, decision, stage = p.last_agreeing_at, AlertDecision.SUPERSEDED, AlertStage.CONFIRMED
    elif t.closed.reason is Reason.NO_LONGER_WATCHED:
        at, decision, stage = _let_go(t, course, until), AlertDecision.UNWATCHED, AlertStage.UNRESOLVED
    else:
        at, decision, stage = _ended(t, course, until), AlertDecision.CORRECTED, AlertStage.WITHDRAWN
    end = replace(seen, alert_id=-2 - number, stage=stage, created_at=at)
    return [seen, end], [Overtaken(at, seen.alert_id, decision)]


def _ended(t: RecomputedChange, course: Course, until: datetime) -> datetime:
    """When a change was refuted: by the reading after the last one that agreed with it."""
    last = microseconds(t.pending.last_agreeing_at)
    return next((instant(at) for at in course.columns.at if at > last), until)


def _let_go(t: RecomputedChange, course: Course, until: datetime) -> datetime:
    """When the account left the watch before the change was decided."""
    return next((at for at in course.let_go_at if at >= t.pending.last_agreeing_at), until)


def _compared(
    was: _MailOutcome, now: _MailOutcome, stored: StoredAlerts, until: datetime, *, is_in_force: bool
) -> MailComparison:
    before, anew = Counter(map(_key, was.mails)), Counter(map(_key, now.mails))
    gone, more = before - anew, anew - before
    found: list[MailDifference] = []
    for mails, counted, was_sent in ((was.mails, gone, True), (now.mails, more, False)):
        left = Counter(counted)
        for mail in mails:
            if left[_key(mail)] > 0:
                left[_key(mail)] -= 1
                cause = _cause(mail, stored) if is_in_force else MailCause.RULES
                found.append(MailDifference(mail, was_sent, cause))
    found.sort(key=lambda d: (d.mail.at, d.mail.recipient, d.was_sent))
    late: dict[str, datetime] = {}
    for d in found:
        if d.cause is MailCause.LATE:
            late.setdefault(d.mail.recipient, d.mail.at)
    found = [
        replace(d, cause=MailCause.LATE)
        if d.cause is MailCause.UNEXPLAINED and late.get(d.mail.recipient, until) <= d.mail.at
        else d
        for d in found
    ]
    both = [k for k in was.decisions if k in now.decisions]
    same = sum(was.decisions[k] is now.decisions[k] for k in both)
    return MailComparison(sum((before & anew).values()), tuple(found), same, len(both) - same)


def _key(mail: PastMail) -> tuple[str, MailKind, frozenset[Fact]]:
    return mail.recipient, mail.kind, mail.facts


def _cause(mail: PastMail, stored: StoredAlerts) -> MailCause:
    if any(key in stored.late for key, _ in mail.facts):
        return MailCause.LATE
    return MailCause.NOTIFIER if mail.kind is MailKind.DIGEST else MailCause.UNEXPLAINED


def accounts_of(courses: Iterable[Course], compared: ChangeComparison, *, everybody: bool) -> list[AccountId]:
    """Of whom it has to be known what rules may match: those whose alerts are told from their changes."""
    if everybody:
        return [c.account.account_id for c in courses if len(c.stored) > 0]
    return sorted({d.account.account_id for d in compared.differences})

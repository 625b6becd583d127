"""Pure: what a notifier that looks whenever something is due makes of alerts: the decisions, and the mails.

Only what tells changes: waves, digests and round-ups. Where a wave ends depends on the times in its rows
alone, so that this notifier tells what any other told, whenever that one looked.
"""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jobs.alerting.matching import cohort_of
from jobs.alerting.policy import (
    AlertGroup,
    DigestDue,
    NotificationHistory,
    NotificationPlan,
    after,
    decide,
)
from jobs.alerting.replies import Reply
from jobs.alerting.waves import ORDER_LASTS
from jobs.messages.compose import Letterhead, as_wave, headline_of, story_key, subject_of
from jobs.messages.digest_facts import parts_of
from jobs.messages.digest_words import title
from jobs.messages.wave_content import count_of
from storage.model.alerts.alerts import (
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    LastWord,
    MailKind,
    PastAlert,
)
from storage.model.alerts.rules import StoredRule, digest_after, digest_before
from storage.model.bitemporal.alert_inputs import (
    DatedCohort,
    MadeMute,
    Overtaken,
    PastMail,
    RulesSince,
    as_of,
)
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.reachability import UnreachablePeriod

_HEAD = Letterhead()
_MOMENT = timedelta.resolution
_IDLE = timedelta(hours=1)
"""Where no rule waits at all, what nobody is told is looked at so long after it came."""


@dataclass(frozen=True, slots=True)
class NotifierStart:
    """What had been told and decided when a time began."""

    rules: Sequence[RulesSince]
    mutes: Sequence[MadeMute]
    stories: Sequence[AlertThread]
    past: Mapping[AccountId, Sequence[PastAlert]]
    decisions: Mapping[tuple[int, int | None], AlertDecision]
    told: Mapping[str, Mapping[str, LastWord]]
    """By the key of a change and by recipient, what was told last of it."""
    forgotten: Mapping[int, datetime]
    """From when on alerts do not count for flapping any more."""
    cohorts: Mapping[AccountId, Sequence[DatedCohort]]
    unreachable: Sequence[UnreachablePeriod] = ()


@dataclass(slots=True)
class Notifier:
    """Decides alerts as they are born. Whatever it told is in `mails`, every last word in `decisions`."""

    ground: NotifierStart
    now: datetime
    patience: timedelta = timedelta(0)
    """How long something that is due may wait, so that more is decided in one look: that is faster, and what
    is told is the same. Less than a day, so that no digest is left out.
    """
    only_stirred: bool = False
    """Whether a look decides only what is due, and what a new alert can alter: the alerts of its account and
    of its incidents. That is much faster where many alerts wait for a digest.
    """
    mails: list[PastMail] = field(default_factory=list[PastMail])
    decisions: dict[tuple[int, int | None], AlertDecision] = field(
        default_factory=dict[tuple[int, int | None], AlertDecision]
    )
    _open: dict[int, AlertRow] = field(default_factory=dict[int, AlertRow])
    _done: dict[int, set[int]] = field(default_factory=dict[int, set[int]])
    _held: dict[int, set[int]] = field(default_factory=dict[int, set[int]])
    _born: dict[AccountId, list[AlertRow]] = field(default_factory=dict[AccountId, list[AlertRow]])
    _stories: dict[str, AlertThread] = field(default_factory=dict[str, AlertThread])
    _sent: dict[str, dict[str, LastWord]] = field(default_factory=dict[str, dict[str, LastWord]])
    _digested: dict[int, datetime] = field(default_factory=dict[int, datetime])
    _rules_made: dict[tuple[int, datetime], StoredRule] = field(
        default_factory=dict[tuple[int, datetime], StoredRule]
    )
    """Rules with up to when their digests were told, by the identity of the rule in the start."""
    _next: datetime | None = None
    _until: dict[int, datetime] = field(default_factory=dict[int, datetime])
    """When each open alert is due that was looked at."""
    _list_of: dict[int, ListId | None] = field(default_factory=dict[int, ListId | None])
    """Under which list each open alert was looked at last."""
    _stirred: set[int] = field(default_factory=set[int])
    """The alerts that were born since the last look."""
    _looks_at_all: bool = False
    """Whether something happened since the last look that can alter any alert."""
    _fresh: datetime | None = None
    """When the first alert is to be looked at that was born since the last look."""

    def __post_init__(self) -> None:
        self._stories = {s.story_key: s for s in self.ground.stories}
        self._sent = {key: dict(words) for key, words in self.ground.told.items()}
        for alert_id, rule_id in self.ground.decisions:
            if rule_id is not None:
                self._done.setdefault(alert_id, set()).add(rule_id)
        for stored in self._rules(self.now):
            begun = digest_before(self.now, stored.rule)
            self._digested[stored.rule_id] = max(stored.digested_to, begun)

    def run(self, births: Iterable[AlertRow], overtaken: Iterable[Overtaken], until: datetime) -> None:
        """Let everything happen until before `until`. An answer is born only to what was told."""
        events: list[tuple[datetime, int, AlertRow | Overtaken | None]] = [
            *((r.at, 0, None) for r in self.ground.rules if self.now < r.at < until),
            *((o.at, 1, o) for o in overtaken),
            *((max(row.created_at, self.now), 2, row) for row in births),
        ]
        for at, _, event in sorted(events, key=lambda e: e[:2]):
            self._catch_up(at, must_look=self._must_look_before(event))
            match event:
                case AlertRow():
                    self._bear(event)
                case Overtaken():
                    self._overtake(event)
                case None:
                    self._fresh, self._looks_at_all = at, True
        self._catch_up(until, must_look=True)

    def _must_look_before(self, event: AlertRow | Overtaken | None) -> bool:
        """Whether it depends on what was told until then: an answer is born only to that, and what was not
        told is overtaken.
        """
        match event:
            case AlertRow():
                return event.stage.is_answer
            case Overtaken():
                return event.alert_id in self._open
            case None:
                return True

    def _catch_up(self, until: datetime, *, must_look: bool) -> None:
        """Decide what is due before a time. Unless it must, a look waits until patience is over, so that the
        next one decides more.
        """
        patience = timedelta(0) if must_look else self.patience
        while (due := self._due()) is not None and due + patience < until:
            self.now = max(min(due + self.patience, until - _MOMENT), self.now + _MOMENT)
            if not (self.only_stirred and not self._looks_at_all and self._look_at_stirred()):
                self._look()

    def _due(self) -> datetime | None:
        times = [self._next, self._fresh, self._digest_due()]
        return min((t for t in times if t is not None), default=None)

    def _digest_due(self) -> datetime | None:
        """When the next digest of a rule is due; None if no rule has digests."""
        times: list[datetime] = []
        for stored in self._rules(self.now):
            if stored.sends_empty_digests:
                due = digest_before(self.now, stored.rule)
                times.append(due if stored.digested_to < due else digest_after(self.now, stored.rule))
        return min(times, default=None)

    def _bear(self, row: AlertRow) -> None:
        if row.stage.is_answer and not self._owed(row):
            return
        self._open[row.alert_id] = row
        self._stirred.add(row.alert_id)
        if row.stage is AlertStage.CONFIRMED:
            insort(self._born.setdefault(row.change.account_id, []), row, key=lambda r: r.created_at)
        waits = [s.rule.settle for s in self._rules(row.created_at) if s.enabled]
        soon = max(row.created_at, self.now) + min(waits, default=_IDLE)
        self._fresh = soon if self._fresh is None else min(self._fresh, soon)

    def _overtake(self, event: Overtaken) -> None:
        row = self._open.pop(event.alert_id, None)
        if row is None:
            return
        self._until.pop(event.alert_id, None)
        self._stirred.discard(event.alert_id)
        for rule_id in self._held.pop(event.alert_id, ()):
            self._decide(event.alert_id, rule_id, event.decision)
        if event.decision is AlertDecision.CORRECTED:
            self._born[row.change.account_id] = [
                r for r in self._born.get(row.change.account_id, ()) if r.alert_id != row.alert_id
            ]

    def _rules(self, at: datetime) -> list[StoredRule]:
        """Those in force at a time, each with up to when its digests were told."""
        found: tuple[StoredRule, ...] = ()
        for since in self.ground.rules:
            if since.at > at:
                break
            found = since.rules
        return [self._with_digests(s) for s in found]

    def _with_digests(self, stored: StoredRule) -> StoredRule:
        told = self._digested.get(stored.rule_id, stored.digested_to)
        if told <= stored.digested_to:
            return stored
        made = self._rules_made.get((id(stored), told))
        if made is None:
            made = self._rules_made[id(stored), told] = replace(stored, digested_to=told)
        return made

    def _look(self) -> None:
        """What a notifier does in one turn."""
        rows = [self._as_seen(row) for row in self._open.values()]
        for row in rows if self.only_stirred else ():
            self._note_list(row)
        self._carry_out(rows, self._planned(rows))

    def _look_at_stirred(self) -> bool:
        """The same for what is due, and for what the new alerts can alter. False if that is not enough, since
        a digest is due: it holds what waits in all incidents.
        """
        digest = self._digest_due()
        if digest is not None and digest <= self.now:
            return False
        rows: dict[int, AlertRow] = {}
        due = {i for i, until in self._until.items() if until <= self.now}
        new = (self._stirred | due) & self._open.keys()
        while new:
            rows |= {i: self._as_seen(self._open[i]) for i in new}
            for i in new:
                self._note_list(rows[i])
            accounts = {row.change.account_id for row in rows.values()}
            lists = {self._list_of[i] for i in rows}
            new = {
                i
                for i, row in self._open.items()
                if i not in rows and (row.change.account_id in accounts or self._list_of.get(i) in lists)
            }
        plan = self._planned(list(rows.values()))
        if plan.digests:
            return False
        self._carry_out(list(rows.values()), plan)
        return True

    def _note_list(self, row: AlertRow) -> None:
        cohort = cohort_of(row.cohorts, row.change.first_seen_new)
        self._list_of[row.alert_id] = None if cohort is None else cohort.list_id

    def _planned(self, rows: Sequence[AlertRow]) -> NotificationPlan:
        now, rules = self.now, self._rules(self.now)
        mutes = [m.mute for m in self.ground.mutes if m.made_at <= now and m.mute.since <= now]
        return decide(rows, rules, mutes, self._past(rows, rules), now, self.ground.unreachable)

    def _carry_out(self, rows: Sequence[AlertRow], plan: NotificationPlan) -> None:
        """Send and decide what is planned for these alerts. The others stay as they are."""
        self._fresh, self._looks_at_all = None, False
        self._stirred.clear()
        for key, silence in plan.silent.items():
            self._decide(*key, silence.decision)
        for item in plan.in_order:
            match item:
                case AlertGroup():
                    self._send_wave(item)
                case DigestDue():
                    self._send_digest(item)
                case Reply():
                    self._send_reply(item)
        kept: dict[int, set[int]] = {}
        until: dict[int, datetime] = {}
        for (alert_id, rule_id), later in plan.kept.items():
            kept.setdefault(alert_id, set())
            until[alert_id] = min(later.until, until.get(alert_id, later.until))
            if rule_id is not None:
                kept[alert_id].add(rule_id)
        for alert_id in (row.alert_id for row in rows):
            self._held.pop(alert_id, None)
            self._until.pop(alert_id, None)
            if alert_id in kept:
                self._held[alert_id], self._until[alert_id] = kept[alert_id], until[alert_id]
            else:
                self._open.pop(alert_id, None)
                self._list_of.pop(alert_id, None)
        self._next = min(self._until.values(), default=None)

    def _as_seen(self, row: AlertRow) -> AlertRow:
        i = row.alert_id
        words = self._sent.get(row.change.change_key, {})
        return replace(
            row,
            cohorts=as_of(self.ground.cohorts.get(row.change.account_id, ()), self.now),
            done=frozenset(self._done.get(i, ())),
            held=frozenset(self._held.get(i, ())),
            owed=self._owed(row),
            heard=frozenset(r for r, word in words.items() if word.stage is row.stage),
        )

    def _owed(self, row: AlertRow) -> dict[str, LastWord]:
        words = self._sent.get(row.change.change_key, {})
        return {r: word for r, word in words.items() if word.asks_for(row.stage)}

    def _past(self, rows: Sequence[AlertRow], rules: Sequence[StoredRule]) -> NotificationHistory:
        oldest = min((r.created_at for r in rows), default=self.now)
        since = oldest - max((s.rule.lookback for s in rules), default=timedelta(0))
        alerts: list[PastAlert] = []
        for account in {r.change.account_id for r in rows}:
            alerts += [p for p in self.ground.past.get(account, ()) if p.created_at > since]
            alerts += [
                PastAlert(r.created_at, r.change, self._said(r.alert_id, rules))
                for r in self._born.get(account, ())
                if r.created_at > since and self.ground.forgotten.get(r.alert_id, self.now + _IDLE) > self.now
            ]
        lately = [s for s in self._stories.values() if s.waves[-1].closed_at > oldest - ORDER_LASTS]
        return NotificationHistory(alerts, lately)

    def _said(self, alert_id: int, rules: Sequence[StoredRule]) -> dict[int, AlertDecision]:
        found: dict[int, AlertDecision] = {}
        for stored in rules:
            key = alert_id, stored.rule_id
            said = self.decisions.get(key, self.ground.decisions.get(key))
            if said is not None:
                found[stored.rule_id] = said
        return found

    def _send_wave(self, wave: AlertGroup) -> None:
        self._continue(wave)
        headline = subject_of(wave, headline_of(wave, None), _HEAD)
        for recipient in wave.recipients:
            self._mail(wave.stored, recipient, MailKind.WAVE, wave.closed_at, wave.alerts, headline)
        self._say(wave.stored, wave.alerts)

    def _send_reply(self, reply: Reply) -> None:
        wave = as_wave(reply)
        headline = subject_of(wave, headline_of(wave, None), _HEAD, MailKind.REPLY)
        for recipient in reply.recipients:
            self._mail(reply.stored, recipient, MailKind.REPLY, reply.due, reply.alerts, headline)
        for alert_id in reply.undecided:
            self._decide(alert_id, reply.stored.rule_id, AlertDecision.ANSWERED)

    def _send_digest(self, due: DigestDue) -> None:
        if not due.is_round_up:
            self._digested[due.stored.rule_id] = due.until
        groups: dict[tuple[bool, ...], list[AlertRow]] = {}
        for recipient in due.recipients:
            alike = tuple(recipient in part.recipients for part in due.parts)
            if alike not in groups:
                groups[alike] = [a for part in parts_of(due, recipient) for a in part.whole.alerts]
            alerts = groups[alike]
            what = count_of(alerts).words()
            headline = f"{title(due)}: {what}" if alerts else f"{title(due)}: nothing changed"
            self._mail(due.stored, recipient, MailKind.DIGEST, due.until, alerts, headline)
        heard: set[int] = set()
        for alerts in groups.values():
            self._say(due.stored, alerts)
            heard |= {a.alert_id for a in alerts}
        for alert in due.alerts:
            if alert.alert_id not in heard:
                self._decide(alert.alert_id, due.stored.rule_id, AlertDecision.UNSUBSCRIBED)
        for part in due.parts:
            if part.story is not None:
                self._continue(part)

    def _continue(self, wave: AlertGroup) -> None:
        key, story = story_key(wave), after(wave)
        before = self._stories.get(key)
        recipients = tuple(dict.fromkeys((*(before.recipients if before else ()), *wave.recipients)))
        list_id = wave.cohort.list_id if wave.cohort else None
        self._stories[key] = AlertThread(key, wave.stored.rule_id, list_id, recipients, story.waves)

    def _say(self, stored: StoredRule, alerts: Sequence[AlertRow]) -> None:
        decision = AlertDecision.MAILED if len(alerts) == 1 else AlertDecision.GROUPED
        for alert in alerts:
            self._decide(alert.alert_id, stored.rule_id, decision)

    def _decide(self, alert_id: int, rule_id: int | None, decision: AlertDecision) -> None:
        self.decisions[alert_id, rule_id] = decision
        if rule_id is not None:
            self._done.setdefault(alert_id, set()).add(rule_id)

    def _mail(
        self,
        stored: StoredRule,
        recipient: str,
        kind: MailKind,
        at: datetime,
        alerts: Sequence[AlertRow],
        headline: str,
    ) -> None:
        for alert in alerts:
            words, rule_id = self._sent.setdefault(alert.change.change_key, {}), stored.rule_id
            word = LastWord(alert.stage, rule_id, frozenset({rule_id}), kind is MailKind.DIGEST)
            words[recipient] = words[recipient].then(word) if recipient in words else word
        facts = frozenset((a.change.change_key, a.stage) for a in alerts)
        self.mails.append(PastMail(stored.rule.name, recipient, kind, at, facts, headline))

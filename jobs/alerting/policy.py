"""What every rule does with every alert, and why: send it, add it to a digest, keep it, or stay silent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeAlias

from jobs.alerting.flapping import Changes, flapping
from jobs.alerting.matching import RuleMatch, cohort_of, match_rules
from jobs.alerting.replies import Owed, Reply, due_at, owed, replies
from jobs.alerting.waves import DAY, Cut, Waves, continued, known_at, opening_key
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage, AlertThread, Cohort, PastAlert
from storage.model.alerts.rules import AlertRule, Digest, Mute, StoredRule, digest_after, digest_before
from storage.model.core.accounts import ListId
from storage.model.core.reachability import UnreachablePeriod


@dataclass(frozen=True, slots=True)
class Flap:
    """A flapping account, with its changes within the flapping period, oldest first."""

    alert: AlertRow
    """The account's newest change."""
    changes: tuple[PastAlert, ...]


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """A group of changes of one cohort. Each recipient is sent the whole group in one email."""

    stored: StoredRule
    recipients: tuple[str, ...]
    cohort: Cohort | None
    alerts: tuple[AlertRow, ...]
    """The alerts of the group, oldest first. Those of flapping accounts are included."""
    flaps: tuple[Flap, ...]
    closed_at: datetime
    """When the group was complete. The email may be sent later."""
    story: AlertThread | None
    """The incident, with the groups sent before this one. None if the group continues no incident."""
    retold: frozenset[int] = frozenset()
    """The ids of those `alerts` that replace an earlier alert about the same change. The email does not
    contain the earlier alert.
    """

    @property
    def as_of(self) -> datetime:
        """The time as of which the email's counts are known (see `waves.known_at`)."""
        return known_at(self.alerts, self.story)

    @property
    def rule(self) -> AlertRule:
        return self.stored.rule


@dataclass(frozen=True, slots=True)
class DigestDue:
    """A digest that is due. If the rule has no daily or weekly digest, this is a catch-up digest."""

    stored: StoredRule
    recipients: tuple[str, ...]
    """Empty if all recipients unsubscribed. The digest is then recorded, but not sent."""
    since: datetime
    until: datetime
    alerts: tuple[AlertRow, ...]
    """The changes that the digest reports, oldest first."""
    parts: tuple[AlertGroup, ...] = ()
    """The same changes, one part per incident. Empty for a daily or weekly digest. A part whose `story` is
    None belongs to no incident and does not start one.
    """

    @property
    def is_round_up(self) -> bool:
        """Whether this is a catch-up digest."""
        return self.stored.rule.digest is Digest.NONE


@dataclass(frozen=True, slots=True)
class DeferredAlert:
    """An alert that a rule sends later. New alerts or edited rules may change the plan before `until`."""

    decision: AlertDecision
    until: datetime


Key: TypeAlias = tuple[int, int | None]
"""The id of an alert and the id of a rule. The rule's id is None if no rule matches the alert. For a reply
that waits, the rule's id is also None if the rule sends the alert itself or has already decided about it.
"""


@dataclass(frozen=True, slots=True)
class SilencedAlert:
    decision: AlertDecision
    mute_id: int | None = None


@dataclass(frozen=True, slots=True)
class NotificationPlan:
    """What to do with every open alert under every rule.

    Each pair of alert and rule is in one field only. Exception: `replies` may contain a pair that another
    field contains too, but for other recipients.
    """

    waves: tuple[AlertGroup, ...] = ()
    digests: tuple[DigestDue, ...] = ()
    replies: tuple[Reply, ...] = ()
    silent: Mapping[Key, SilencedAlert] = field(default_factory=dict[Key, SilencedAlert])
    kept: Mapping[Key, DeferredAlert] = field(default_factory=dict[Key, DeferredAlert])

    @property
    def in_order(self) -> list[AlertGroup | DigestDue | Reply]:
        """All groups, digests and replies to send, sorted by the time at which each became due. So the emails
        of an incident are in order.
        """
        due: list[tuple[datetime, int, int, AlertGroup | DigestDue | Reply]] = [
            *((w.closed_at, 0, n, w) for n, w in enumerate(self.waves)),
            *((d.until, 1, n, d) for n, d in enumerate(self.digests)),
            *((r.due, 2, n, r) for n, r in enumerate(self.replies)),
        ]
        return [one for *_, one in sorted(due, key=lambda d: d[:3])]

    @property
    def next_at(self) -> datetime | None:
        """When the first of the kept alerts is due; None if none is kept."""
        return min((k.until for k in self.kept.values()), default=None)


@dataclass(frozen=True, slots=True)
class NotificationHistory:
    """What was sent before, as far as `decide` needs to know."""

    alerts: Collection[PastAlert] = ()
    """All recorded alerts of the accounts with open alerts, as far back as the longest `AlertRule.lookback`.
    Accounts with too few changes to be flapping under any rule may be left out.
    """
    stories: Collection[AlertThread] = ()


_ASK_AGAIN = timedelta(hours=1)

_Thread: TypeAlias = tuple[int, ListId | None]
"""The ids of a rule and a list. Together they identify an incident."""


def decide(
    alerts: Collection[AlertRow],
    rules: Sequence[StoredRule],
    mutes: Collection[Mute],
    past: NotificationHistory,
    now: datetime,
    unreachable: Collection[UnreachablePeriod] = (),
) -> NotificationPlan:
    """Decide what to do with each open alert under each rule: send, add to a digest, keep for later, or stay
    silent.

    `rules` are tried in the order given. The order of the other rows does not matter.
    """
    in_order = sorted(alerts, key=lambda a: (a.created_at, a.change.change_key, a.stage))
    claimed = [(alert, match_rules(alert, rules, mutes, unreachable)) for alert in in_order]
    judged = {s.rule_id: flapping(past.alerts, s, _to_tell(claimed, s)) for s in rules}
    silent: dict[Key, SilencedAlert] = {}
    kept: dict[Key, DeferredAlert] = {}
    gathered: dict[int, list[AlertRow]] = {}
    folds = {s.rule_id: Waves[_Thread](s.rule) for s in rules}
    where: dict[_Thread, Cohort | None] = {}
    left: dict[Key, tuple[str, ...]] = {}
    stories = {(s.rule_id, s.list_id): s for s in sorted(past.stories, key=_last_told)}
    by_id: dict[int, StoredRule] = {s.rule_id: s for s in rules}
    spoken: set[Key] = set()
    unreached: dict[_Thread, list[Owed]] = {}
    for alert, found in claimed:
        cohort = cohort_of(alert.cohorts, alert.change.first_seen_new)
        list_id = cohort.list_id if cohort else None
        reached, silences = set(alert.heard), dict[int, AlertDecision]()
        for claim in found:
            rule_id, key = claim.stored.rule_id, (alert.alert_id, claim.stored.rule_id)
            if rule_id in alert.done:
                continue
            if (reason := _silence(alert, claim, judged[rule_id][1])) is not None:
                silent[key], silences[rule_id] = reason, reason.decision
                continue
            spoken.add(key)
            reached |= claim.reached(alert)
            if alert.created_at > now:  # The clock of another worker is ahead.
                kept[key] = DeferredAlert(AlertDecision.WAITING, alert.created_at)
            elif claim.stored.rule.digest is not Digest.NONE:
                gathered.setdefault(rule_id, []).append(alert)
            else:
                where[rule_id, list_id] = cohort
                left[key] = claim.recipients
                at_once = claim.is_refused(alert)
                folds[rule_id].add(
                    (rule_id, list_id), cohort, stories.get((rule_id, list_id)), alert, at_once=at_once
                )
        still = owed(alert, reached, silences, by_id)
        for rule_id, one in still.items():
            where[rule_id, list_id] = cohort
            unreached.setdefault((rule_id, list_id), []).append(one)
        if not found and not alert.done and not still:
            silent[alert.alert_id, None] = SilencedAlert(AlertDecision.NO_RULE)
    waves: list[AlertGroup] = []
    digests: list[DigestDue] = []
    for stored in rules:
        fold = folds[stored.rule_id]
        fold.run(now)
        flaps = judged[stored.rule_id][0]
        parts = list(_named([_wave(stored, where[key], part, flaps, left) for key, part in fold.told]))
        waves += [wave for wave, is_round_up in parts if not is_round_up]
        digests += _round_ups([wave for wave, is_round_up in parts if is_round_up])
        for _, part in fold.growing():
            kept |= {(a.alert_id, stored.rule_id): DeferredAlert(part.why, part.close) for a in part.members}
    digests += _digests(rules, gathered, now, kept)
    digests.sort(key=lambda d: (d.until, d.stored.rule_id))
    waves.sort(key=lambda w: (w.closed_at, w.stored.rule_id, w.alerts[0].change.change_key, w.recipients))
    for key in {(one.alert.alert_id, rule_id) for (rule_id, _), those in unreached.items() for one in those}:
        silent.pop(key, None)
    answers = _replies(unreached, by_id, where, spoken, now, kept)
    return NotificationPlan(tuple(waves), tuple(digests), tuple(answers), silent, kept)


def _to_tell(claimed: Iterable[tuple[AlertRow, Sequence[RuleMatch]]], stored: StoredRule) -> set[str]:
    """Return the keys of the confirmed changes that the rule would send if no account were flapping."""
    return {
        alert.change.change_key
        for alert, found in claimed
        if alert.stage is AlertStage.CONFIRMED and stored.rule_id not in alert.done
        for claim in found
        if claim.stored.rule_id == stored.rule_id and claim.silence is None
    }


def unsettled(plan: NotificationPlan, now: datetime) -> NotificationPlan:
    """Return the plan to use if some rule could not be read. Alerts that no readable rule matches are kept
    for later, because the unreadable rule may match them.
    """
    no_rule = [key for key, silence in plan.silent.items() if silence.decision is AlertDecision.NO_RULE]
    return replace(
        plan,
        silent={key: silence for key, silence in plan.silent.items() if key not in no_rule},
        kept={
            **plan.kept,
            **{key: DeferredAlert(AlertDecision.WAITING, now + _ASK_AGAIN) for key in no_rule},
        },
    )


def after(wave: AlertGroup) -> AlertThread:
    """Return the incident with this group added."""
    return continued(Cut(wave.alerts, wave.story, wave.closed_at, AlertDecision.WAITING))


def _last_told(story: AlertThread) -> datetime:
    return story.waves[-1].closed_at


def _wave(
    stored: StoredRule,
    cohort: Cohort | None,
    part: Cut,
    opening: Changes,
    left: Mapping[Key, Sequence[str]],
) -> tuple[AlertGroup, bool]:
    """Return a complete group of changes, and whether a catch-up digest reports the group.

    Each recipient of any of the changes gets the whole group, so that all emails have the same counts. A
    change that an earlier rule sent to the recipient is repeated.
    """
    owed_to = {r for a in part.members for r in left[a.alert_id, stored.rule_id]}
    recipients = tuple(dict.fromkeys(r for r in stored.rule.recipients if r in owed_to))
    keys = [(a, a.change.change_key) for a in part.members if a.stage is AlertStage.CONFIRMED]
    flaps = tuple(Flap(a, opening[change]) for a, change in keys if change in opening)
    wave = AlertGroup(stored, recipients, cohort, part.members, flaps, part.close, part.story)
    return wave, part.why is AlertDecision.DIGEST


def _named(parts: Iterable[tuple[AlertGroup, bool]]) -> Iterable[tuple[AlertGroup, bool]]:
    """Yield the same groups. If a group continues an incident that an earlier one of these groups starts,
    fill in the incident's key.
    """
    opened: dict[ListId | None, str] = {}
    for wave, is_round_up in parts:
        thread = wave.cohort.list_id if wave.cohort else None
        if wave.story is None and not is_round_up:
            opened[thread] = opening_key(wave.rule.name, wave.recipients, wave.alerts)
        if wave.story is not None and not wave.story.story_key and thread in opened:
            yield replace(wave, story=replace(wave.story, story_key=opened[thread])), is_round_up
        else:
            yield wave, is_round_up


def _silence(alert: AlertRow, claim: RuleMatch, flapping: Collection[str]) -> SilencedAlert | None:
    if claim.silence is not None:
        return SilencedAlert(claim.silence, claim.mute_id)
    if alert.stage is AlertStage.CONFIRMED and alert.change.change_key in flapping:
        return SilencedAlert(AlertDecision.FLAPPING)
    return None


def _round_ups(parts: Iterable[AlertGroup]) -> list[DigestDue]:
    """Join parts of one rule into catch-up digests. Parts that were complete at the same time form one
    digest.
    """
    found: list[DigestDue] = []
    for until, group in groupby(sorted(parts, key=lambda w: w.closed_at), key=lambda w: w.closed_at):
        same_rule = tuple(group)
        recipients = same_rule[0].stored.readers(r for part in same_rule for r in part.recipients)
        alerts = sorted(
            (a for p in same_rule for a in p.alerts), key=lambda a: (a.created_at, a.change.change_key)
        )
        found.append(DigestDue(same_rule[0].stored, recipients, until - DAY, until, tuple(alerts), same_rule))
    return found


def _replies(
    unreached: Mapping[_Thread, Sequence[Owed]],
    rules: Mapping[int, StoredRule],
    where: Mapping[_Thread, Cohort | None],
    spoken: Collection[Key],
    now: datetime,
    kept: dict[Key, DeferredAlert],
) -> list[Reply]:
    """Return the replies that are due. Add to `kept` the alerts whose reply is due later. `spoken` holds the
    pairs of alert and rule for which the rule itself sends the alert.
    """
    found: list[Reply] = []
    for thread, members in unreached.items():
        rule_id, _ = thread
        due, why = due_at(rules[rule_id], members)
        if due <= now:
            undecided = {m.alert.alert_id for m in members if (m.alert.alert_id, rule_id) not in spoken}
            found += replies(rules[rule_id], where[thread], members, due, undecided)
            continue
        for alert in (m.alert for m in members):
            is_open = (alert.alert_id, rule_id) not in spoken and rule_id not in alert.done
            key = alert.alert_id, rule_id if is_open else None
            later = DeferredAlert(why, due)
            kept[key] = min(later, kept.get(key, later), key=lambda k: k.until)
    return sorted(found, key=lambda r: (r.due, r.stored.rule_id, r.alerts[0].change.change_key, r.recipients))


def _digests(
    rules: Sequence[StoredRule],
    gathered: Mapping[int, Sequence[AlertRow]],
    now: datetime,
    kept: dict[Key, DeferredAlert],
) -> list[DigestDue]:
    """Return the digests that are due. Add to `kept` the alerts for a later digest."""
    due: list[DigestDue] = []
    for stored in rules:
        rows = gathered.get(stored.rule_id, ())
        if not stored.sends_digests or not (rows or stored.sends_empty_digests):
            continue
        until = digest_before(now, stored.rule)
        ready: tuple[AlertRow, ...] = ()
        if stored.digested_to < until:
            recipients = stored.readers(stored.rule.recipients)
            ready = tuple(a for a in rows if a.created_at <= until)
            due.append(DigestDue(stored, recipients, stored.digested_to, until, ready))
        later = DeferredAlert(AlertDecision.DIGEST, digest_after(now, stored.rule))
        ready_ids = {a.alert_id for a in ready}
        kept |= {(a.alert_id, stored.rule_id): later for a in rows if a.alert_id not in ready_ids}
    return due

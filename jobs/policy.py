"""Which confirmed changes become one mail, and why the others do not.

A wave is what was confirmed of one cohort without a pause of `settle`: one mail, not 257. Where a
wave ends depends on the times in the rows alone, never on when somebody looked. So a notifier that
was away for an hour makes the same mails as one that looked every second.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeAlias
from zoneinfo import ZoneInfo

from storage.model.alerts import AlertDecision, AlertRow, Cohort, CohortMail, PastAlert
from storage.model.availability import ChangeKind

DAY = timedelta(days=1)
_ADDRESS = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]+@[A-Za-z0-9.-]+")
"""Bare ASCII addresses only: nothing that could be read as two, or as more than an address."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Who is told of what, and how patiently changes are gathered."""

    recipients: tuple[str, ...]
    zone: str = "UTC"
    """IANA name of the zone that the recipients live in."""
    kinds: frozenset[ChangeKind] = frozenset(
        {
            ChangeKind.BLOCK,
            ChangeKind.RESTORATION,
            ChangeKind.PARTIAL,
            ChangeKind.GONE,
            ChangeKind.RETURN,
        }
    )
    settle: timedelta = timedelta(minutes=2)
    """A wave ends when nothing joined it for so long."""
    growth_limit: int = 10
    """A wave that keeps growing ends after so many times `settle`."""
    spacing_limit: int = 30
    """The more mails a cohort had in the last 24 hours, the longer the next wave gathers: `settle`
    doubled for each of them, up to so many times `settle` (an hour by default)."""
    flapping_changes: int = 4
    flapping_period: timedelta = timedelta(days=7)
    """An account with so many changes within the period goes back and forth: one mail says so."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{self.zone!r} is not a time zone; write it like Asia/Kolkata") from error
        for recipient in self.recipients:
            if not _ADDRESS.fullmatch(recipient):
                raise ValueError(f"{recipient!r} is not a plain mail address such as desk@example.org")
        if self.settle < timedelta(0) or self.growth_limit < 1 or self.spacing_limit < 1:
            raise ValueError("settle must not be negative and its two limits are at least 1")
        if self.flapping_changes < 2 or self.flapping_period <= timedelta(0):
            raise ValueError("flapping needs at least 2 changes and a period longer than zero")

    @property
    def lookback(self) -> timedelta:
        """How much history before the oldest open alert `decide` has to see to judge flapping."""
        return 2 * self.flapping_period


@dataclass(frozen=True, slots=True)
class Flap:
    """An account that goes back and forth, with its changes of the period, oldest first."""

    alert: AlertRow
    """Its newest change."""
    changes: tuple[PastAlert, ...]


@dataclass(frozen=True, slots=True)
class Wave:
    """The content of one mail."""

    cohort: Cohort | None
    alerts: tuple[AlertRow, ...]
    """All changes in this mail in a fixed order, those of flapping accounts included."""
    flaps: tuple[Flap, ...]
    as_of: datetime
    """When its newest change was confirmed: the counts in the mail are those known at this time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with every open alert. Each is in exactly one of the three."""

    waves: tuple[Wave, ...]
    """To be mailed now; their alerts get AlertDecision.MAILED."""
    silent: Mapping[int, AlertDecision]
    """Alerts that end without a mail, by alert_id, with the reason."""
    waiting: tuple[int, ...]
    """Alerts whose wave may still grow."""
    next_at: datetime | None
    """When the first of the waiting waves will be ready."""


def decide(
    alerts: Collection[AlertRow],
    recent: Collection[PastAlert],
    mails: Collection[CohortMail],
    rule: AlertRule,
    now: datetime,
) -> Plan:
    """Sort the open alerts into mails, silence and waiting. The order of the arguments' rows is irrelevant.

    `recent` holds all alerts, decided or open, of the same accounts since `rule.lookback` before the
    oldest open alert; `mails` those of the cohorts within 24 hours before it.
    """
    flapping, held = _judge_flapping(recent, rule)
    silent: dict[int, AlertDecision] = {}
    loud: list[AlertRow] = []
    for alert in alerts:
        reason = _silence(alert, held, rule)
        if reason is None:
            loud.append(alert)
        else:
            silent[alert.alert_id] = reason
    waves: list[Wave] = []
    waiting: list[int] = []
    closes: list[datetime] = []
    for cohort, rows in _by_cohort(loud):
        told = [m.as_of for m in mails if cohort_of(m.cohorts, m.first_seen_new) == cohort]
        for members, close in _split(rows, told, rule):
            if close <= now:
                keys = [(a, a.change.change_key) for a in members]
                flaps = tuple(Flap(a, flapping[key]) for a, key in keys if key in flapping)
                waves.append(Wave(cohort, members, flaps, members[-1].created_at))
            else:
                waiting += [a.alert_id for a in members]
                closes.append(close)
    waves.sort(key=lambda w: (w.as_of, w.alerts[0].change.change_key))
    return Plan(tuple(waves), silent, tuple(sorted(waiting)), min(closes, default=None))


def _silence(alert: AlertRow, held: Collection[str], rule: AlertRule) -> AlertDecision | None:
    if alert.change.kind not in rule.kinds:
        return AlertDecision.KIND_NOT_MAILED
    if not rule.recipients:
        return AlertDecision.NO_RECIPIENT
    if alert.change.change_key in held:
        return AlertDecision.FLAPPING
    return None


_Changes: TypeAlias = dict[str, tuple[PastAlert, ...]]


def _judge_flapping(recent: Iterable[PastAlert], rule: AlertRule) -> tuple[_Changes, set[str]]:
    """Keys of changes that open a flapping story, with the changes it tells, and keys of those held by one.

    A change opens a story when it is the `flapping_changes`-th within the period before it and no
    story was opened within that period.
    """
    opening: _Changes = {}
    held: set[str] = set()
    counted = sorted(
        (p for p in recent if p.change.kind in rule.kinds),
        key=lambda p: (p.change.account_id, p.created_at, p.change.change_key),
    )
    for _, group in groupby(counted, key=lambda p: p.change.account_id):
        history = tuple(group)
        told_at: datetime | None = None
        for i, past in enumerate(history):
            since = past.created_at - rule.flapping_period
            changes = tuple(p for p in history[: i + 1] if p.created_at > since)
            if len(changes) < rule.flapping_changes:
                continue
            if told_at is not None and told_at > since:
                held.add(past.change.change_key)
            elif past.decision in {None, AlertDecision.WAITING, AlertDecision.MAILED}:
                opening[past.change.change_key] = changes
                told_at = past.created_at
    return opening, held


def _by_cohort(alerts: Iterable[AlertRow]) -> list[tuple[Cohort | None, list[AlertRow]]]:
    """Alerts by the cohort they are told under, each list in order of time."""
    groups: dict[Cohort | None, list[AlertRow]] = {}
    for alert in sorted(alerts, key=lambda a: (a.created_at, a.change.change_key)):
        cohort = cohort_of(alert.cohorts, alert.change.first_seen_new)
        groups.setdefault(cohort, []).append(alert)
    return list(groups.items())


def cohort_of(cohorts: Iterable[Cohort], first_seen_new: datetime) -> Cohort | None:
    """The one cohort under which a change is told, though its account may be on several lists.

    An order comes before a list: the newest one issued before the new state was first seen, else the
    oldest. Among lists the first by name.
    """
    lists = sorted(cohorts, key=lambda c: c.name)
    by_issue = sorted(
        ((c.order.issued_at, c.order.reference, c) for c in lists if c.order), key=lambda o: o[:2]
    )
    if not by_issue:
        return lists[0] if lists else None
    before = [o for o in by_issue if o[0] <= first_seen_new]
    return (before[-1] if before else by_issue[0])[2]


def _split(
    rows: Sequence[AlertRow], told: Iterable[datetime], rule: AlertRule
) -> list[tuple[tuple[AlertRow, ...], datetime]]:
    """Cut the alerts of one cohort, in order of time, into waves, each with the time when it is complete."""
    told = list(told)
    waves: list[tuple[tuple[AlertRow, ...], datetime]] = []
    members: list[AlertRow] = []
    for row in rows:
        if members and row.created_at >= (close := _close(members, told, rule)):
            waves.append((tuple(members), close))
            told.append(members[-1].created_at)
            members = []
        members.append(row)
    if members:
        waves.append((tuple(members), _close(members, told, rule)))
    return waves


def _close(members: Sequence[AlertRow], told: Iterable[datetime], rule: AlertRule) -> datetime:
    first, last = members[0].created_at, members[-1].created_at
    lately = sum(first - DAY < at <= first for at in told)
    patience = rule.settle * min(2**lately, rule.spacing_limit)
    return max(first + patience, min(last + rule.settle, first + rule.settle * rule.growth_limit))

"""When a group of changes is complete. Urgent news is sent at once, but each incident should need few emails.
Pure.

The first group of an incident is sent as soon as no further change joins it. A later group is sent at once if
it contains a kind of change that the incident has not reported lately. A later group that doubles the number
of accounts reported lately is sent after a pause. The pause grows with each update. All other changes wait
for a catch-up digest in the morning: one email for all incidents of a rule.

The content of a group depends only on the times in the rows. The time at which the code runs does not matter.
A notifier that was down for an hour writes the same emails as one that ran every second.
"""

import hashlib
import math
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Generic, TypeVar

from storage.model.alerts.alerts import (
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    OrderRef,
    SentWave,
)
from storage.model.alerts.quiet_hours import quiet_until
from storage.model.alerts.rules import AlertRule, Severity, digest_after
from storage.model.core.accounts import AccountId, TargetKind
from storage.model.core.availability import ChangeKind

DAY = timedelta(days=1)
ORDER_LASTS = 14 * DAY
"""The longest time between the last group of an incident about an order and a new change. After a longer
time, the change starts a new incident.
"""
LIST_LASTS = DAY
"""The same time for an incident about a list without an order. Shorter, because the accounts of such a list
have less in common.
"""
REMEMBERED = 3 * DAY
"""A kind of change is new for an incident if no group of the incident reported the kind for this long."""
BURST = timedelta(hours=1)
BURST_SHARE = 1 / 20
"""The share of an order's accounts, or of its posts, that must change in the same way within `BURST`. Fewer
changes are not news in an incident that was already reported. `_Growing._ready_by` names the exceptions.
"""
MUCH_SHARE = 1 / 10
"""If at least this share of an order's accounts, or of its posts, changed since the incident's last group,
the next morning's catch-up digest reports the changes. Otherwise, the changes wait for the first morning on
which the oldest of them is at least a day old. Changes in `FAINT` may wait longer.
"""
PAUSES = 2
"""After this many updates about a kind of change within a day, further changes of the kind wait for a
catch-up digest. The pause before the second update is `SLOWER` times as long as the first pause.
"""
SLOWER = 4
FAINT = frozenset({ChangeKind.GONE, ChangeKind.RETURN})
"""Kinds of change for which the platform gives no reason: accounts that vanished or returned. These changes
wait for a catch-up digest, at most a week.
"""
FAINT_WAITS = 6 * DAY

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Cut:
    """One group of changes, complete or still growing."""

    members: tuple[AlertRow, ...]
    story: AlertThread | None
    """The incident, with the groups sent before this one. None if the group continues no incident."""
    close: datetime
    why: AlertDecision
    """Why the group waits until `close`. DIGEST means that a catch-up digest reports the group."""


class _Growing:
    """A group that is still growing: the changes of an incident since its last group."""

    def __init__(
        self, rule: AlertRule, order: OrderRef | None, story: AlertThread | None, first: datetime
    ) -> None:
        lasts = ORDER_LASTS if order is not None else LIST_LASTS
        self.story = None if story is not None and story.waves[-1].closed_at + lasts < first else story
        self.members: list[AlertRow] = []
        self.close = first
        """When the group is complete, if no further change joins it."""
        self.why = AlertDecision.WAITING
        self._rule = rule
        self._first = first
        self._grows = rule.settle * rule.growth_limit
        """The longest time for which the group may grow."""
        self._enough = {target: _share(order, BURST_SHARE, target) for target in TargetKind}
        self._much = {target: _share(order, MUCH_SHARE, target) for target in TargetKind}
        self._lately: Counter[str] = Counter()
        """The number of accounts, or of posts, that the incident reported within `REMEMBERED`, by kind of
        change.
        """
        self._tellings: Counter[str] = Counter()
        """By kind of change: how many groups of the incident reported the kind within a day. Each kind is
        counted alone, so that emails about blocks do not delay emails about restorations.
        """
        for wave in self.story.waves if self.story is not None else ():
            if wave.closed_at > first - REMEMBERED:
                self._lately.update(wave.told)
            if wave.closed_at > first - DAY:
                self._tellings.update(wave.told.keys())
        self._changed: dict[TargetKind, set[AccountId]] = {target: set() for target in TargetKind}
        self._loud_since: datetime | None = None
        self._hour: dict[str, OrderedDict[AccountId, datetime]] = {}
        """The accounts, or posts, that changed within the last hour, oldest first, by kind of change."""
        self._at_once = False
        """Whether the group must not wait for a catch-up digest, because a digest would not reach some
        recipient.
        """
        self._ready: datetime | None = None
        """The earliest time at which the group may be sent. None while the group contains no news."""
        self._round_up = first
        """The morning on which a catch-up digest is due because of this group. If a digest is due earlier
        because of another incident, that digest includes the group.
        """

    def add(self, row: AlertRow, *, at_once: bool) -> None:
        self.members.append(row)
        self._at_once |= at_once
        was = self._is_much, self._loud_since
        self._changed[row.change.target].add(row.change.account_id)
        if at_once or not _is_faint(row):
            self._loud_since = self._loud_since or row.created_at
            # What was once news stays news until it is sent: a late straggler must not delay a burst until
            # the morning.
            if (ready := self._ready_by(row, at_once=at_once)) is not None:
                self._ready = min(self._ready or ready, ready)
        if len(self.members) == 1 or was != (self._is_much, self._loud_since):
            self._round_up = self._morning(row.created_at)
        self.close, self.why = self._end(row.created_at)

    def _ready_by(self, row: AlertRow, *, at_once: bool) -> datetime | None:
        """Return the earliest time at which a group may be sent because of this change. None if the change is
        not news.

        A change in the first group is always news. So is a correction, an unresolved change, or a change
        added with `at_once`.
        """
        if self.story is None:
            return row.created_at
        told_at = self.story.waves[-1].closed_at
        now, kind = max(row.created_at, told_at), _kind(row)
        if at_once or row.stage.is_answer:
            return now
        enough = self._enough[row.change.target]
        burst = self._burst(row.change.account_id, kind, row.created_at)
        if burst >= enough and self._is_late(row.created_at):
            return told_at + self._grows
        if burst < max(enough, self._lately[kind]):
            return None
        if self._lately[kind] == 0:
            return now
        if (updates := max(0, self._tellings[kind] - 1)) >= PAUSES:
            return None
        return max(now, told_at + self._rule.update_after * SLOWER**updates)

    def _is_late(self, at: datetime) -> bool:
        """Whether a change just missed the last group: it was recorded in time, but committed only after that
        group was sent.

        If the last two groups are close together, return False. Otherwise each late commit would be sent in
        an email of its own.
        """
        last_two = self.story.waves[-2:] if self.story is not None else ()
        closed = [wave.closed_at for wave in last_two]
        if not closed or not closed[-1] - self._grows <= at < closed[-1]:
            return False
        return len(closed) == 1 or closed[0] < closed[1] - 2 * self._grows

    def _burst(self, account: AccountId, kind: str, now: datetime) -> int:
        """Add an account, and return the number of accounts with this kind of change within the hour before
        `now`.
        """
        hour = self._hour.setdefault(kind, OrderedDict())
        hour[account] = now
        hour.move_to_end(account)
        while next(iter(hour.values())) <= now - BURST:
            hour.popitem(last=False)
        return len(hour)

    def _morning(self, now: datetime) -> datetime:
        morning = digest_after(self._first, self._rule)
        while morning < now or not self._is_due(morning):  # Mornings that have passed reported nothing.
            morning = digest_after(morning, self._rule)
        return morning

    @property
    def _is_much(self) -> bool:
        return any(len(self._changed[target]) >= self._much[target] for target in TargetKind)

    def _is_due(self, morning: datetime) -> bool:
        loud = self._loud_since
        if loud is not None and (self._is_much or loud <= morning - DAY):
            return True
        return self._first <= morning - FAINT_WAITS

    def _end(self, last: datetime) -> tuple[datetime, AlertDecision]:
        if self._ready is None:
            return self._round_up, AlertDecision.DIGEST
        rule, due, why = self._rule, last + self._rule.settle, AlertDecision.WAITING
        if self._ready > due:
            due, why = self._ready, AlertDecision.SPACED
        due = min(due, self._ready + self._grows)
        if (
            rule.severity is not Severity.CRITICAL
            and (awake := quiet_until(due, rule.quiet, rule.zone)) > due
        ):
            due, why = awake, AlertDecision.QUIET
        is_wave = self._at_once or due < self._round_up
        return (due, why) if is_wave else (self._round_up, AlertDecision.DIGEST)

    def cut(self) -> Cut:
        return Cut(tuple(self.members), self.story, self.close, self.why)


@dataclass(slots=True)
class _Thread(Generic[K]):
    """An incident: the groups sent so far (`story`) and the group that is growing (`wave`)."""

    key: K
    order: OrderRef | None
    story: AlertThread | None
    wave: _Growing | None = None

    @property
    def close(self) -> datetime | None:
        return self.wave.close if self.wave is not None else None

    @property
    def is_for_round_up(self) -> bool:
        return self.wave is not None and self.wave.why is AlertDecision.DIGEST


class Waves(Generic[K]):
    """Sorts the alerts of one rule into groups and catch-up digests. Alerts must be added in order of time.

    `told` holds the complete groups, earliest first. A catch-up digest is one `Cut` per incident.
    """

    def __init__(self, rule: AlertRule) -> None:
        self._rule = rule
        self._threads: list[_Thread[K]] = []
        self._places: dict[K, int] = {}
        """For each key, the index of its incident in `_threads`."""
        self._closes: list[tuple[datetime, int]] = []
        """A heap of completion times, each with the index of an incident in `_threads`. An entry is out of
        date if the incident's `close` is now a different time.
        """
        self._now: datetime | None = None
        self.told: list[tuple[K, Cut]] = []

    def add(
        self,
        key: K,
        cohort: Cohort | None,
        story: AlertThread | None,
        row: AlertRow,
        *,
        at_once: bool = False,
    ) -> None:
        """Add the next alert to the incident under `key`.

        `story` holds the groups sent in the incident before; None if there are none. If `at_once` is true,
        the alert is news and never waits for a catch-up digest.
        """
        if row.created_at != self._now:  # Alerts of the same time are not separated.
            self.run(row.created_at)
        self._now = row.created_at
        if (place := self._places.get(key)) is None:
            place = self._places[key] = len(self._threads)
            self._threads.append(_Thread(key, cohort.order if cohort is not None else None, story))
        thread = self._threads[place]
        was = thread.close
        if thread.wave is None:
            thread.wave = _Growing(self._rule, thread.order, thread.story, row.created_at)
        thread.wave.add(row, at_once=at_once)
        if (close := thread.wave.close) != was:
            heappush(self._closes, (close, place))

    def run(self, now: datetime) -> None:
        """Close all groups that are complete at `now`."""
        while self._closes and (at := self._closes[0][0]) <= now:
            places: set[int] = set()
            while self._closes and self._closes[0][0] == at:
                places.add(heappop(self._closes)[1])
            due = [t for t in map(self._threads.__getitem__, sorted(places)) if t.close == at]
            if any(t.is_for_round_up for t in due):
                # A catch-up digest includes what would otherwise wait for a later one.
                due = [t for t in self._threads if t.close == at or t.is_for_round_up]
            for thread in due:
                self._complete(thread, at)

    def growing(self) -> Iterable[tuple[K, Cut]]:
        """The groups that are still growing, with their content so far."""
        return ((t.key, t.wave.cut()) for t in self._threads if t.wave is not None)

    def _complete(self, thread: _Thread[K], at: datetime) -> None:
        if thread.wave is None:
            return
        part = replace(thread.wave.cut(), close=at)
        self.told.append((thread.key, part))
        if part.why is not AlertDecision.DIGEST or part.story is not None:
            thread.story = continued(part)
        thread.wave = None


def continued(part: Cut) -> AlertThread:
    """Return the incident with this group added. If the group starts the incident, the incident's key and the
    other unknown fields are empty.
    """
    was = part.story or AlertThread("", 0, None, (), ())
    wave = SentWave(part.close, known_at(part.members, part.story), count_by_kind(part.members))
    return replace(was, waves=(*was.waves, wave))


def known_at(members: Sequence[AlertRow], story: AlertThread | None) -> datetime:
    """Return the time as of which a group's content is known. This is the later of two times: when the
    group's newest alert was recorded, and the `as_of` of the incident's previous group.
    """
    newest = members[-1].created_at
    return newest if story is None else max(newest, story.waves[-1].as_of)


def opening_key(rule_name: str, recipients: Iterable[str], members: Iterable[AlertRow]) -> str:
    """Return the key of the incident that a group starts. The key is a hash of the content, so every worker
    computes the same key.
    """
    text = "\n".join((rule_name, *recipients, *facts(members)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def facts(members: Iterable[AlertRow]) -> list[str]:
    """Return one line per alert: its stage, its change and the time it was recorded. A change may be reported
    again after a correction. The time distinguishes the two reports.
    """
    return [f"{a.stage} {a.change.change_key} {a.created_at.isoformat()}" for a in members]


def count_by_kind(members: Iterable[AlertRow]) -> Counter[str]:
    """Count the accounts that a group reports, by kind of change. Provisional, corrected and unresolved
    changes count as kinds of their own, and so do those of posts: posts are never added to accounts.
    """
    return Counter(kind for _, kind in {(a.change.account_id, _kind(a)) for a in members})


def _kind(alert: AlertRow) -> str:
    kind = alert.change.kind.value
    staged = kind if alert.stage is AlertStage.CONFIRMED else f"{alert.stage.value} {kind}"
    return staged if alert.change.target is TargetKind.ACCOUNTS else f"{staged} of posts"


def _is_faint(alert: AlertRow) -> bool:
    """Whether the alert can wait for a catch-up digest. True for a confirmed change of a kind in `FAINT`,
    unless a recipient was sent an earlier alert about the change.
    """
    return alert.change.kind in FAINT and alert.stage is AlertStage.CONFIRMED and not alert.owed


def _share(order: OrderRef | None, share: float, target: TargetKind) -> int:
    """Convert a share of an order's accounts, or of its posts, to a number, at least 1. Without an order,
    return 1.
    """
    if order is None:
        return 1
    whole = order.listed_posts if target is TargetKind.POSTS else order.named_count
    return max(1, math.ceil(whole * share))

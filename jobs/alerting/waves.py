"""When a group of changes is complete. An incident should need few emails, but its news should be sent at
once. Pure.

The first group of an incident is sent as soon as no further change joins it. Later groups are sent in two
cases. A group with a kind of change that the incident has not reported lately is sent at once. A group that
doubles the number of accounts reported lately is sent after a pause, which grows with each update. Everything
else waits for a catch-up digest in the morning, one email for all incidents of a rule. So 257 changes are one
email, 1,178 changes over several days are a limited number of emails, and a large restoration is sent at
once.

Which changes a group contains depends only on the times in the rows, never on when the code runs. A notifier
that was down for an hour writes the same emails as one that ran every second.
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
from storage.model.core.accounts import AccountId
from storage.model.core.availability import ChangeKind

DAY = timedelta(days=1)
ORDER_LASTS = 14 * DAY
"""A new change continues an incident about an order if the incident's last email is at most this old. All
emails of an incident form one thread.
"""
LIST_LASTS = DAY
"""The same limit for an incident about a list without an order. It is shorter, because the accounts of such a
list have less in common.
"""
REMEMBERED = 3 * DAY
"""For this long after an incident reported a kind of change, that kind does not count as new for the
incident.
"""
BURST = timedelta(hours=1)
BURST_SHARE = 1 / 20
"""If at least this share of the accounts that an order names changes within `BURST`, these changes are news
even in an incident that was already reported.
"""
MUCH_SHARE = 1 / 10
"""If at least this share of the accounts that an order names changed since the last email, the next catch-up
digest reports the changes. Fewer changes wait for the second morning.
"""
PAUSES = 2
"""After this many updates about a kind of change within a day, further changes of that kind wait for a
catch-up digest. Each pause between updates is `SLOWER` times as long as the pause before it.
"""
SLOWER = 4
FAINT = frozenset({ChangeKind.GONE, ChangeKind.RETURN})
"""Kinds of change for which the platform gives no reason: accounts that vanished or returned. Such changes
wait for a catch-up digest, at most a week.
"""
FAINT_WAITS = 6 * DAY

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Cut:
    """One group of changes, complete or still growing."""

    members: tuple[AlertRow, ...]
    story: AlertThread | None
    """The incident and the groups sent in it before; None if the group starts an incident."""
    close: datetime
    why: AlertDecision
    """Why the group is kept until `close`. DIGEST means that a catch-up digest reports the group."""


class _Growing:
    """A group that is still growing. It holds the changes of an incident since the incident's last group.
    Each change is examined only when it is added.
    """

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
        self._enough = _share(order, BURST_SHARE)
        self._much = _share(order, MUCH_SHARE)
        self._lately: Counter[str] = Counter()
        """For each kind of change, the number of accounts that the incident reported within `REMEMBERED`."""
        self._tellings: Counter[str] = Counter()
        """For each kind of change, the number of groups within a day that reported it. Each kind has its own
        count. So the pauses after the first restoration do not depend on the emails about the blocks before.
        """
        for wave in self.story.waves if self.story is not None else ():
            if wave.closed_at > first - REMEMBERED:
                self._lately.update(wave.told)
            if wave.closed_at > first - DAY:
                self._tellings.update(wave.told.keys())
        self._accounts: set[AccountId] = set()
        self._loud_since: datetime | None = None
        self._hour: dict[str, OrderedDict[AccountId, datetime]] = {}
        """For each kind of change, the accounts that changed within the last hour, oldest change first."""
        self._at_once = False
        """Whether the group contains a change for a recipient whom a catch-up digest would not reach."""
        self._ready: datetime | None = None
        """The earliest time at which the group may be sent, if no further change joins it. None while the
        group contains no news.
        """
        self._round_up = first
        """The morning on which a catch-up digest reports the group, unless an earlier catch-up digest already
        includes the group.
        """

    def add(self, row: AlertRow, *, at_once: bool) -> None:
        self.members.append(row)
        self._at_once |= at_once
        was = len(self._accounts) >= self._much, self._loud_since
        self._accounts.add(row.change.account_id)
        if at_once or not _is_faint(row):
            self._loud_since = self._loud_since or row.created_at
            # What was once news stays news until it is sent: a late straggler must not delay a burst until
            # the morning.
            if (ready := self._ready_by(row, at_once=at_once)) is not None:
                self._ready = min(self._ready or ready, ready)
        if len(self.members) == 1 or was != (len(self._accounts) >= self._much, self._loud_since):
            self._round_up = self._morning(row.created_at)
        self.close, self.why = self._end(row.created_at)

    def _ready_by(self, row: AlertRow, *, at_once: bool) -> datetime | None:
        """Return the earliest time at which the incident may send a group because of this change. None if the
        change is not news.
        """
        if self.story is None:
            return row.created_at
        told_at = self.story.waves[-1].closed_at
        now, kind = max(row.created_at, told_at), _kind(row)
        if at_once or row.stage.is_answer:
            return now
        burst = self._burst(row.change.account_id, kind, row.created_at)
        if burst >= self._enough and self._is_late(row.created_at):
            return told_at + self._grows
        if burst < max(self._enough, self._lately[kind]):
            return None
        if self._lately[kind] == 0:
            return now
        if (updates := max(0, self._tellings[kind] - 1)) >= PAUSES:
            return None
        return max(now, told_at + self._rule.update_after * SLOWER**updates)

    def _is_late(self, at: datetime) -> bool:
        """Whether a change belongs to the last group but was committed after that group was sent.

        True at most once per group, because otherwise a series of late commits would be sent email by email.
        """
        last_two = self.story.waves[-2:] if self.story is not None else ()
        closed = [wave.closed_at for wave in last_two]
        if not closed or not closed[-1] - self._grows <= at < closed[-1]:
            return False
        return len(closed) == 1 or closed[0] < closed[1] - 2 * self._grows

    def _burst(self, account: AccountId, kind: str, now: datetime) -> int:
        """The number of accounts with this kind of change within the hour before `now`, including this
        account.
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

    def _is_due(self, morning: datetime) -> bool:
        is_much, loud = len(self._accounts) >= self._much, self._loud_since
        if loud is not None and (is_much or loud <= morning - DAY):
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
    """An incident while its groups are formed: what was sent, and what arrived since."""

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
    """Sorts the alerts of one rule, in order of time, into groups and catch-up digests.

    `told` holds the complete groups in the order in which they became complete. For a catch-up digest, it
    holds one `Cut` per incident.
    """

    def __init__(self, rule: AlertRule) -> None:
        self._rule = rule
        self._threads: list[_Thread[K]] = []
        self._places: dict[K, int] = {}
        """For each key, the index of its incident in `_threads`."""
        self._closes: list[tuple[datetime, int]] = []
        """A heap of the times at which groups are complete, each with an index in `_threads`. An entry is out
        of date if its group was postponed or sent since.
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
        """Add the next alert to the incident under `key`. `story` holds the groups sent in the incident
        before; None if there are none.

        If `at_once` is true, the alert counts as news and is never left for a catch-up digest.
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
        """The groups that are not complete, as they would be sent if no further change joined them."""
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
    """Return the incident as it is after this group was sent. If the group starts the incident, its key and
    the other fields that are not known yet are empty.
    """
    was = part.story or AlertThread("", 0, None, (), ())
    wave = SentWave(part.close, known_at(part.members, part.story), count_by_kind(part.members))
    return replace(was, waves=(*was.waves, wave))


def known_at(members: Sequence[AlertRow], story: AlertThread | None) -> datetime:
    """Return the time as of which a group's content is known. This is when its newest alert was recorded, or
    the `as_of` of the incident's previous group, whichever is later.
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
    """Return one line per alert, with what the alert reports and when it was recorded. The time distinguishes
    the first report of a change from a report after a correction.
    """
    return [f"{a.stage} {a.change.change_key} {a.created_at.isoformat()}" for a in members]


def count_by_kind(members: Iterable[AlertRow]) -> Counter[str]:
    """Count the accounts that a group reports, for each kind of change. Provisional, corrected and unresolved
    changes have kinds of their own.
    """
    return Counter(kind for _, kind in {(a.change.account_id, _kind(a)) for a in members})


def _kind(alert: AlertRow) -> str:
    kind = alert.change.kind.value
    return kind if alert.stage is AlertStage.CONFIRMED else f"{alert.stage.value} {kind}"


def _is_faint(alert: AlertRow) -> bool:
    """Whether the alert can wait for a catch-up digest. It can if it is a confirmed change of a kind in
    `FAINT` and no recipient is owed its outcome.
    """
    return alert.change.kind in FAINT and alert.stage is AlertStage.CONFIRMED and not alert.owed


def _share(order: OrderRef | None, share: float) -> int:
    """Convert a share of the accounts that an order names to a number of accounts, at least 1. Return 1 if
    there is no order.
    """
    return max(1, math.ceil(order.named_count * share)) if order is not None else 1

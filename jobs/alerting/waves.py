"""Where a wave ends: a story of one cohort is told in few mails, its news at once. Pure.

The first wave of a story is told as soon as nothing joins it any more. After that a burst is told: at once
when the story turns (a kind of change that it did not tell lately), after growing pauses when it doubles.
All else waits for the round-up of a morning, one mail for all stories of a rule. So 257 changes are one mail,
1,178 over days are a bounded series, and a restoration of many waits for nobody.

Where a wave ends depends on the times in the rows alone, never on when somebody looked: a notifier that was
away for an hour makes the same mails as one that looked every second.
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
"""A story about an order goes on as long as its last mail is not older than this: one thread."""
LIST_LASTS = DAY
"""Accounts of a mere list have less to do with each other."""
REMEMBERED = 3 * DAY
"""A kind of change that a story told within this time is no turn of it."""
BURST = timedelta(hours=1)
BURST_SHARE = 1 / 20
"""Of the accounts that an order names: so many within `BURST` are news of a story that was told before."""
MUCH_SHARE = 1 / 10
"""So many since the last mail are enough for a round-up. Less waits for a second morning."""
PAUSES = 2
"""After so many updates within a day, each four times later than the last, a story is told in round-ups."""
SLOWER = 4
FAINT = frozenset({ChangeKind.GONE, ChangeKind.RETURN})
"""Nobody said why such an account vanished or came back: it waits for a round-up, a week at most."""
FAINT_WAITS = 6 * DAY

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Cut:
    """One wave, complete or growing."""

    members: tuple[AlertRow, ...]
    story: AlertThread | None
    """What was told before it; None when it opens a story."""
    close: datetime
    why: AlertDecision
    """Why it was or is kept until `close`; DIGEST when a round-up tells it."""


class _Growing:
    """The wave that grows in a story: what came since the last one. Each change is looked at once."""

    def __init__(
        self, rule: AlertRule, order: OrderRef | None, story: AlertThread | None, first: datetime
    ) -> None:
        lasts = ORDER_LASTS if order is not None else LIST_LASTS
        self.story = None if story is not None and story.waves[-1].closed_at + lasts < first else story
        self.members: list[AlertRow] = []
        self.close = first
        """When it is complete, if nothing joins it."""
        self.why = AlertDecision.WAITING
        self._rule = rule
        self._first = first
        self._grows = rule.settle * rule.growth_limit
        """So long at most."""
        self._enough = _share(order, BURST_SHARE)
        self._much = _share(order, MUCH_SHARE)
        self._lately: Counter[str] = Counter()
        """How many accounts were told of lately, by kind."""
        self._tellings: Counter[str] = Counter()
        """How many waves of a day told of a kind. What turned counts anew: the pauses after the first
        restoration are not those of the blocks before it."""
        for wave in self.story.waves if self.story is not None else ():
            if wave.closed_at > first - REMEMBERED:
                self._lately.update(wave.told)
            if wave.closed_at > first - DAY:
                self._tellings.update(wave.told.keys())
        self._accounts: set[AccountId] = set()
        self._loud_since: datetime | None = None
        self._hour: dict[str, OrderedDict[AccountId, datetime]] = {}
        """By kind the accounts that changed within an hour, oldest first."""
        self._at_once = False
        """It holds what a round-up would not bring to everybody who has to be told."""
        self._ready: datetime | None = None
        """From when on it may be told, once it settles; None while it is no news."""
        self._round_up = first
        """The morning at which a round-up tells it, if none takes it along before."""

    def add(self, row: AlertRow, *, at_once: bool) -> None:
        self.members.append(row)
        self._at_once |= at_once
        was = len(self._accounts) >= self._much, self._loud_since
        self._accounts.add(row.change.account_id)
        if at_once or not _is_faint(row):
            self._loud_since = self._loud_since or row.created_at
            # What was news once stays it until it is told: a straggler does not send a burst to the morning.
            if (ready := self._ready_by(row, at_once=at_once)) is not None:
                self._ready = min(self._ready or ready, ready)
        if len(self.members) == 1 or was != (len(self._accounts) >= self._much, self._loud_since):
            self._round_up = self._morning(row.created_at)
        self.close, self.why = self._end(row.created_at)

    def _ready_by(self, row: AlertRow, *, at_once: bool) -> datetime | None:
        """From when on this change lets the story be told again, with those like it. None: it is no news."""
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
        """Whether a change belongs to the last wave, and was committed when that was told already.

        Once a wave: where all is committed late, it must not be told mail by mail.
        """
        last_two = self.story.waves[-2:] if self.story is not None else ()
        closed = [wave.closed_at for wave in last_two]
        if not closed or not closed[-1] - self._grows <= at < closed[-1]:
            return False
        return len(closed) == 1 or closed[0] < closed[1] - 2 * self._grows

    def _burst(self, account: AccountId, kind: str, now: datetime) -> int:
        """How many accounts changed so within the hour, this one included."""
        hour = self._hour.setdefault(kind, OrderedDict())
        hour[account] = now
        hour.move_to_end(account)
        while next(iter(hour.values())) <= now - BURST:
            hour.popitem(last=False)
        return len(hour)

    def _morning(self, now: datetime) -> datetime:
        morning = digest_after(self._first, self._rule)
        while morning < now or not self._is_due(morning):  # those that went by told nothing
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
    """A story as the fold has it: what was told, and what came since."""

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
    """The alerts of one rule, in order of time, on their way into waves and round-ups.

    `told` are the complete ones, in the order in which they are complete; round-ups as one `Cut` a story.
    """

    def __init__(self, rule: AlertRule) -> None:
        self._rule = rule
        self._threads: list[_Thread[K]] = []
        self._places: dict[K, int] = {}
        """Where in `_threads` a story is."""
        self._closes: list[tuple[datetime, int]] = []
        """A heap: when the wave of a thread is complete. It may have been put off or told since."""
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
        """Take in the next alert, of the story under `key`; `story` is what was told of it before.

        `at_once`: a wave tells it, whether it is news or not, and no round-up.
        """
        if row.created_at != self._now:  # what comes together is not parted
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
        """Complete whatever is complete at `now`."""
        while self._closes and (at := self._closes[0][0]) <= now:
            places: set[int] = set()
            while self._closes and self._closes[0][0] == at:
                places.add(heappop(self._closes)[1])
            due = [t for t in map(self._threads.__getitem__, sorted(places)) if t.close == at]
            if any(t.is_for_round_up for t in due):
                # A round-up takes along what would wait for a later one.
                due = [t for t in self._threads if t.close == at or t.is_for_round_up]
            for thread in due:
                self._complete(thread, at)

    def growing(self) -> Iterable[tuple[K, Cut]]:
        """What is not complete, as it would be told if nothing joined it."""
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
    """The story with this wave told. What is unknown of a new one is left empty."""
    was = part.story or AlertThread("", 0, None, (), ())
    wave = SentWave(part.close, known_at(part.members, part.story), count_by_kind(part.members))
    return replace(was, waves=(*was.waves, wave))


def known_at(members: Sequence[AlertRow], story: AlertThread | None) -> datetime:
    """When what a wave tells was known. What was stored late never takes a story back in time."""
    newest = members[-1].created_at
    return newest if story is None else max(newest, story.waves[-1].as_of)


def opening_key(rule_name: str, recipients: Iterable[str], members: Iterable[AlertRow]) -> str:
    """The name of the story that a wave opens: it comes from what is told, the same on every machine."""
    told = "\n".join((rule_name, *recipients, *facts(members)))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def facts(members: Iterable[AlertRow]) -> list[str]:
    """What is told, and when it became known: a fact that was taken back may be told again."""
    return [f"{a.stage} {a.change.change_key} {a.created_at.isoformat()}" for a in members]


def count_by_kind(members: Iterable[AlertRow]) -> Counter[str]:
    """How many accounts a wave tells of, by kind; what is not confirmed has kinds of its own."""
    return Counter(kind for _, kind in {(a.change.account_id, _kind(a)) for a in members})


def _kind(alert: AlertRow) -> str:
    kind = alert.change.kind.value
    return kind if alert.stage is AlertStage.CONFIRMED else f"{alert.stage.value} {kind}"


def _is_faint(alert: AlertRow) -> bool:
    """Nobody waits for it: whoever was told that it was seen does."""
    return alert.change.kind in FAINT and alert.stage is AlertStage.CONFIRMED and not alert.owed


def _share(order: OrderRef | None, share: float) -> int:
    """How many accounts are a share of those that an order names; of a mere list each counts."""
    return max(1, math.ceil(order.named_count * share)) if order is not None else 1

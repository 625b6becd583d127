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
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from storage.model.alerts import AlertDecision, AlertRow, AlertStage, Cohort, OrderRef, Story, ToldWave
from storage.model.availability import ChangeKind
from storage.model.rules import AlertRule, Severity, digest_after, quiet_until

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
    story: Story | None
    """What was told before it; None when it opens a story."""
    close: datetime
    why: AlertDecision
    """Why it was or is kept until `close`; DIGEST when a round-up tells it."""


@dataclass(slots=True)
class _Thread:
    """A story as the fold has it: what was told, and what came since."""

    cohort: Cohort | None
    story: Story | None
    members: list[AlertRow] = field(default_factory=list[AlertRow])
    news_since: datetime | None = None
    """When they became news, if they are."""
    next: Cut | None = None
    """The wave that `members` make; None when they have to be looked at again."""

    @property
    def order(self) -> OrderRef | None:
        return self.cohort.order if self.cohort is not None else None


class Waves(Generic[K]):
    """The alerts of one rule, in order of time, on their way into waves and round-ups.

    `told` are the complete ones, in the order in which they are complete; round-ups as one `Cut` a story.
    """

    def __init__(self, rule: AlertRule) -> None:
        self._rule = rule
        self._threads: dict[K, _Thread] = {}
        self._now: datetime | None = None
        self.told: list[tuple[K, Cut]] = []

    def add(self, key: K, cohort: Cohort | None, story: Story | None, row: AlertRow) -> None:
        """Take in the next alert, of the story under `key`; `story` is what was told of it before."""
        if row.created_at != self._now:  # what comes together is not parted
            self.run(row.created_at)
        self._now = row.created_at
        thread = self._threads.setdefault(key, _Thread(cohort, story))
        thread.members.append(row)
        thread.next = None

    def run(self, now: datetime) -> None:
        """Complete whatever is complete at `now`."""
        while (first := min((c.close for _, c in self.growing()), default=None)) is not None and first <= now:
            parts = list(self.growing())
            is_round_up = any(c.close == first and c.why is AlertDecision.DIGEST for _, c in parts)
            for key, part in parts:
                # A round-up takes along what would wait for a later one.
                if part.close == first or (part.why is AlertDecision.DIGEST and is_round_up):
                    self._complete(key, replace(part, close=first))

    def growing(self) -> Iterable[tuple[K, Cut]]:
        """What is not complete, as it would be told if nothing joined it."""
        for key, thread in self._threads.items():
            if thread.members:
                if thread.next is None:
                    thread.next = _cut(thread, self._rule)
                yield key, thread.next

    def _complete(self, key: K, part: Cut) -> None:
        thread = self._threads[key]
        self.told.append((key, part))
        if part.why is not AlertDecision.DIGEST or part.story is not None:
            thread.story = continued(part)
        thread.members, thread.news_since, thread.next = [], None, None


def continued(part: Cut) -> Story:
    """The story with this wave told. What is unknown of a new one is left empty."""
    was = part.story or Story("", 0, None, (), ())
    wave = ToldWave(part.close, part.members[-1].created_at, told(part.members))
    return replace(was, waves=(*was.waves, wave))


def opening_key(rule_name: str, recipients: Iterable[str], members: Iterable[AlertRow]) -> str:
    """The name of the story that a wave opens: it comes from what is told, the same on every machine."""
    told = "\n".join((rule_name, *recipients, *facts(members)))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def facts(members: Iterable[AlertRow]) -> list[str]:
    """What is told, and when it became known: a fact that was taken back may be told again."""
    return [f"{a.stage} {a.change.change_key} {a.created_at.isoformat()}" for a in members]


def told(members: Iterable[AlertRow]) -> Counter[str]:
    """How many accounts a wave tells of, by kind; what is not confirmed has kinds of its own."""
    return Counter(kind for _, kind in {(a.change.account_id, _kind(a)) for a in members})


def _kind(alert: AlertRow) -> str:
    kind = alert.change.kind.value
    return kind if alert.stage is AlertStage.CONFIRMED else f"{alert.stage.value} {kind}"


def _is_faint(alert: AlertRow) -> bool:
    return alert.change.kind in FAINT and alert.stage is AlertStage.CONFIRMED


def _cut(thread: _Thread, rule: AlertRule) -> Cut:
    members, story = tuple(thread.members), thread.story
    first, last = members[0].created_at, members[-1].created_at
    lasts = ORDER_LASTS if thread.order else LIST_LASTS
    if story is not None and story.waves[-1].closed_at + lasts < first:
        story = None
    round_up = Cut(members, story, _round_up(members, thread.order, rule), AlertDecision.DIGEST)
    pause = _pause(members, story, thread.order, rule)
    if pause is None:
        return round_up
    thread.news_since = thread.news_since or last
    due = min(last + rule.settle, thread.news_since + rule.settle * rule.growth_limit)
    why = AlertDecision.WAITING
    if story is not None and (update := story.waves[-1].closed_at + pause) > due:
        due, why = update, AlertDecision.SPACED
    if rule.severity is not Severity.CRITICAL and (awake := quiet_until(due, rule.quiet, rule.zone)) > due:
        due, why = awake, AlertDecision.QUIET
    return round_up if due >= round_up.close else Cut(members, story, due, why)


def _pause(
    members: Sequence[AlertRow], story: Story | None, order: OrderRef | None, rule: AlertRule
) -> timedelta | None:
    """How long after its last mail a story may be told again for the sake of these changes.

    None: they are no news, and wait for the round-up.
    """
    loud = [a for a in members if not _is_faint(a)]
    if story is None:
        return timedelta(0) if loud else None
    if any(a.stage is AlertStage.WITHDRAWN for a in loud):
        return timedelta(0)
    lately: Counter[str] = Counter()
    for wave in story.waves:
        if wave.closed_at > members[0].created_at - REMEMBERED:
            lately.update(wave.told)
    burst = told(a for a in loud if a.created_at > members[-1].created_at - BURST)
    news = {kind for kind, n in burst.items() if n >= max(_share(order, BURST_SHARE), lately[kind])}
    if any(lately[kind] == 0 for kind in news):
        return timedelta(0)
    # What turned counts anew: the pauses after the first restoration are not those of the blocks before it.
    within = [w for w in story.waves if w.closed_at > members[0].created_at - DAY and news & w.told.keys()]
    updates = max(0, len(within) - 1)
    return rule.update_after * SLOWER**updates if news and updates < PAUSES else None


def _round_up(members: Sequence[AlertRow], order: OrderRef | None, rule: AlertRule) -> datetime:
    """The morning at which a round-up tells these, if none takes them along before."""
    morning = digest_after(members[0].created_at, rule)
    while True:
        there = [a for a in members if a.created_at <= morning]
        loud = [a.created_at for a in there if not _is_faint(a)]
        is_much = len({a.change.account_id for a in there}) >= _share(order, MUCH_SHARE)
        if (loud and (is_much or loud[0] <= morning - DAY)) or there[0].created_at <= morning - FAINT_WAITS:
            return morning
        morning = digest_after(morning, rule)


def _share(order: OrderRef | None, share: float) -> int:
    """How many accounts are a share of those that an order names; of a mere list each counts."""
    return max(1, math.ceil(order.named_count * share)) if order is not None else 1

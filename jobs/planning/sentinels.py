"""Pure: which accounts watch for their lists under a ceiling of account-days, and what they set off.

A few accounts of every list are paid for each day and read again and again: its sentinels. They stay the
same, so that what is seen among them happened between two of their readings, and they stand in rosters of
many lists: what fails with one request then looks like the block of no list, and their rosters, which stay
as well, take a byte a reading to store. The rosters of the sweep that were paid for today are read
beside them and watch as well: they are others every day.

When a sentinel shows a change, a small part of its list is paid for and read; when that, or another sentinel,
shows one more, the rest of the list is. A single suspension so costs little, and a wave is followed at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from math import exp, sqrt

import numpy as np

from jobs.planning.change_rates import NEVER, Bools, Expectations, Floats, Positions
from jobs.planning.daily_bill import DailyBill, Refusal, next_day
from jobs.planning.roster_priority import Ahead, Pick, PlannerRule, RosterPriority
from storage.model.core.coverage import WhyRead
from storage.model.limits.daily_cost_shares import PER_LIST, divide, most_sentinels

_FADING_S = 1.5 * 3600
"""What was seen in a list counts e times less after this time, as in `jobs.planning.change_rates`."""


def choose_sentinels(lists: Sequence[Positions], order: Positions, most: int) -> Positions:
    """The sentinels of all lists, `most` together: first one for every list, large ones first, then more.

    `order` is the place of every account in the order in which they are chosen.
    """
    by_size = sorted((members[np.argsort(order[members])] for members in lists), key=lambda m: -len(m))
    chosen: dict[int, None] = {}
    for depth in range(PER_LIST):
        for members in by_size:
            if len(chosen) >= most:
                break
            if depth < len(members):
                chosen.setdefault(int(members[depth]))
    return np.array(list(chosen), np.intp)


def packed(accounts: Positions, size: int) -> list[Positions]:
    """As few rosters as hold them."""
    return [part for part in np.array_split(accounts, -(-len(accounts) // size) or 1) if len(part)]


def parts_of_lists(lists: Sequence[Positions], every_s: Sequence[float], size: int) -> list[Ahead]:
    """Each list alone, so that nobody else is paid for with it, in parts of half a roster at most."""
    return [
        Ahead(part, (position,), every_s[position])
        for position, members in enumerate(lists)
        for part in packed(members, max(1, size // 2))
    ]


@dataclass(slots=True)
class _Signs:
    """What was seen in one list lately, as of `at`."""

    at: float = 0.0
    changes: float = 0.0
    expected: float = 0.0
    """Changes that would have been seen anyway: of accounts long unread some are otherwise."""

    def fade(self, now: float) -> None:
        left = exp(min(0.0, self.at - now) / _FADING_S)
        self.changes, self.expected, self.at = self.changes * left, self.expected * left, max(self.at, now)

    @property
    def beyond(self) -> float:
        """Changes beyond those that chance explains."""
        return self.changes - self.expected - 2 * sqrt(self.expected)


class DailyCostFilter:
    """Which rosters of one place may be read today: asks the ceiling, and tells the planner who waits."""

    def __init__(
        self,
        days: DailyBill,
        planner: RosterPriority,
        ahead: Sequence[Ahead],
        first_part: int,
        native_ids: list[str],
        sizes: Sequence[int],
        lists: Sequence[Positions],
        sentinels: Positions,
        controls: Sequence[str],
        kept: int,
    ) -> None:
        """`sizes` are those of the rosters of the sweep. In the planner those of the sentinels come after
        them, and last the parts of lists, `ahead`: once paid for they are read again as all others are.
        `kept` is the part of the daily cost limit, in accounts, that is reserved for posts.
        """
        self._days = days
        self._planner = planner
        self._ahead = ahead
        self._ids = native_ids
        self._turns = len(sizes)
        self._first_part = first_part
        self._controls = controls
        self._sentinels = [native_ids[int(p)] for p in sentinels.tolist()]
        self._shares = divide(days.most, sizes, len(controls) + kept, len(sentinels))
        self._parts: list[list[int]] = [[] for _ in lists]
        for position, part in enumerate(ahead):
            self._parts[part.lists[0]].append(position)
        self._lists_of: dict[int, list[int]] = {}
        for number, members in enumerate(lists):
            for member in members:
                self._lists_of.setdefault(int(member), []).append(number)
        self._signs = [_Signs() for _ in lists]
        self._day: date | None = None

    def begin(self, now: datetime) -> bool:
        """Whether anything can be read now. On a new day only sentinels and turns can be, until a list
        shows a change.
        """
        if not self._days.begin(now):
            return False
        if self._days.day != self._day:
            self._day = self._days.day
            self._days.share_out(self._shares, self._sentinels)
            self._days.pay(self._controls, None)
            until = next_day(now).timestamp()
            for position, part in enumerate(self._ahead):
                self._wait(Pick(WhyRead.TURN, self._first_part + position), until)
                if not np.isfinite(part.every_s):  # what is promised is read anyway
                    self._wait(Pick(WhyRead.AHEAD, position), until)
            for number in range(len(self._parts)):
                self._open(number, now)
        return True

    def admit(self, pick: Pick, now: datetime) -> WhyRead | Refusal:
        """Why it is read now, once it is paid for; or why it waits for another day."""
        why = pick.why
        ids = self._of(pick)
        if not self._days.unpaid(ids):
            why = WhyRead.SENTINEL if why is WhyRead.TURN else why
        elif why is WhyRead.TURN and pick.roster >= self._turns:
            why = WhyRead.AHEAD if pick.roster >= self._first_part else WhyRead.SENTINEL
        refusal = self._days.pay(ids, why)
        if refusal is None:
            return why
        until = next_day(now).timestamp()
        self._planner.wait(pick, until)
        if why is WhyRead.TURN:  # who would be refused as well is not picked first
            for other in (Pick(WhyRead.TURN, n) for n in range(self._turns)):
                if len(self._days.unpaid(self._of(other))) > self._days.room(WhyRead.TURN):
                    self._wait(other, until)
        return refusal

    def saw(self, who: Positions, changed: Bools, expected: Floats, now: datetime) -> None:
        """Accounts were read. `expected`: how many changes each would have had without a list."""
        touched: set[int] = set()
        for account, is_changed, by_chance in zip(
            who.tolist(), changed.tolist(), expected.tolist(), strict=True
        ):
            for number in self._lists_of.get(account, ()):
                signs = self._signs[number]
                signs.fade(now.timestamp())
                signs.changes += is_changed
                signs.expected += min(1.0, by_chance)
                if is_changed:
                    touched.add(number)
        for number in touched:
            self._open(number, now)

    def withdrew(self, account: int, seen_at: float) -> None:
        """A change that was seen then was not confirmed."""
        for number in self._lists_of.get(account, ()):
            signs = self._signs[number]
            signs.changes = max(0.0, signs.changes - exp(min(0.0, seen_at - signs.at) / _FADING_S))

    def _open(self, number: int, now: datetime) -> None:
        """Let the planner read what is paid for of a list, and what its signs are worth paying for."""
        signs, parts = self._signs[number], self._parts[number]
        signs.fade(now.timestamp())
        worth = 0 if signs.beyond <= 0 else 1 if signs.beyond <= 1 else len(parts)
        picks = [Pick(WhyRead.AHEAD, part) for part in parts]
        took = sum(self._days.why(i) is WhyRead.AHEAD for pick in picks for i in self._of(pick))
        for at, (part, pick) in enumerate(zip(parts, picks, strict=True)):
            costs = len(self._days.unpaid(self._of(pick)))
            may = min(self._shares.for_one_list - took, self._days.room(WhyRead.AHEAD))
            if costs == 0 or (at < worth and costs <= may):
                took += costs
                self._wait(pick, NEVER)
                self._wait(Pick(WhyRead.TURN, self._first_part + part), NEVER)

    def _of(self, pick: Pick) -> list[str]:
        return [self._ids[p] for p in self._planner.accounts_of(pick).tolist()]

    def _wait(self, pick: Pick, until: float) -> None:
        """What is under way is left alone."""
        if not self._planner.is_under_way(pick):
            self._planner.wait(pick, until)


def plan_within_cost_limit(
    days: DailyBill,
    rule: PlannerRule,
    expectations: Expectations,
    base: Sequence[Positions],
    lists: Sequence[Positions],
    every_s: Sequence[float],
    native_ids: list[str],
    controls: Sequence[str],
    size: int,
    kept: int = 0,
) -> tuple[DailyCostFilter, RosterPriority]:
    """The planner of a place whose accounts are paid for by the day, and what opens rosters to it."""
    most = most_sentinels(max(0, days.most - kept))
    sentinels = choose_sentinels(lists, _order(days, native_ids, expectations), most)
    ahead = parts_of_lists(lists, every_s, size)
    watching = [*base, *packed(sentinels, size)]
    planner = RosterPriority(rule, expectations, [*watching, *(part.accounts for part in ahead)], ahead)
    sizes = [len(roster) for roster in base]
    open_today = DailyCostFilter(
        days, planner, ahead, len(watching), native_ids, sizes, lists, sentinels, controls, kept
    )
    return open_today, planner


def _order(days: DailyBill, native_ids: Sequence[str], expectations: Expectations) -> Positions:
    """Who becomes a sentinel first: who is one today, so that a restart costs nothing; then who can be
    blocked yet; then by a hash, which does not depend on who was added when, nor is that of the rosters.
    """
    closed = expectations.accounts.closed.tolist()
    keys = [
        (days.why(i) is not WhyRead.SENTINEL, closed[n], sha256(f"sentinel {i}".encode()).digest())
        for n, i in enumerate(native_ids)
    ]
    order = np.empty(len(keys), np.intp)
    order[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return order

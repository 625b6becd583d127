"""Pure: stored readings decided again, by whatever rule, as fast as they can be skipped.

A reading that agrees with what is held, with nothing provisional or in question, moves nothing but the time
of the last reading; and while a change is provisional, one that agrees with it and comes too early to count
moves nothing but the time of the last agreement. So the next reading that means more is looked up in the
columns, and only that one goes through `detect.step`: the result is what stepping through all of them gives.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heapify, heappop, heapreplace
from itertools import islice
from operator import gt

from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from jobs.detect.redetect import ConfirmedOn, Folding
from storage.model.bitemporal.corrections import RecomputedChange
from storage.model.bitemporal.reading_columns import Columns, Course
from storage.model.core.accounts import AccountId, ListId, Platform, lists_at
from storage.model.core.availability import Strength
from storage.model.core.known_state import Known, Pending
from storage.model.core.list_thresholds import NO_LIST_THRESHOLDS, ThresholdHistory
from storage.model.core.packed_columns import instant, microseconds


@dataclass(slots=True)
class _Runner:
    """An account on its way: its first `done` readings are taken in."""

    course: Course
    folding: Folding
    rules: RuleOfLists
    overlaps: Sequence[tuple[int, int]] = ()
    """First and last position of readings that are gone through one by one: see `_overlaps`."""
    done: int = 0
    let_go: int = 0
    """How many of the times are over at which it was let go."""
    has_own_rule: bool = False
    """Whether its lists ever had thresholds of their own. How many readings a change needs can then differ
    from one reading to the next, so each one is gone through while a change is provisional.
    """

    def next_at(self) -> int | None:
        """When something has to be decided next; None: nothing any more."""
        at = self.course.columns.at
        position = self._one_by_one(self._next_position())
        reading = at[position] if position < len(at) else None
        if self.let_go < len(self.course.let_go_at):
            gone = microseconds(self.course.let_go_at[self.let_go])
            return gone if reading is None or gone < reading else reading
        return reading

    def _next_position(self) -> int:
        rule, known, position = self.rules.rule, self.folding.known, self.done
        pending, unsettled = known.pending, known.unsettled
        if pending is None:
            return self._while_shown(known.state, position) if unsettled is None else position
        if self._needs_each(pending, rule) or unsettled is None or unsettled.agreeing < pending.agreeing:
            return position
        end = min(self._while_shown(pending.state, position), self.course.columns.next_silent(position))
        if pending.agreeing < len(rule.offsets):
            due = microseconds(pending.first_seen_new + rule.offsets[pending.agreeing])
            end = min(end, bisect_left(self.course.columns.at, due, position))
        return end

    def _one_by_one(self, position: int) -> int:
        """The next position, or where a run of overlapping answers begins before it."""
        if not self.overlaps:
            return position
        found = bisect_left(self.overlaps, self.done, key=lambda run: run[1])
        return (
            min(position, max(self.done, self.overlaps[found][0])) if found < len(self.overlaps) else position
        )

    def _needs_each(self, pending: Pending, rule: ConfirmationRule) -> bool:
        """Whether any reading may confirm this change: another account's change may, or another rule."""
        return self.has_own_rule or (
            bool(self.course.memberships)
            and pending.strength is Strength.WEAK
            and pending.agreeing >= rule.weak_readings - rule.cohort_discount
        )

    def _while_shown(self, state: object, position: int) -> int:
        """The first reading from a position on that showed another state."""
        at, looks = self.course.columns.at, self.course.looks
        while position < len(at):
            place = looks.place(at[position])
            look = looks.looks[place]
            if look is None or look.state != state:
                return position
            end = looks.end(place)
            position = len(at) if end is None else bisect_left(at, end, position)
        return position

    def skip_to(self, position: int) -> None:
        """Take in the readings before a position, of which nothing has to be decided."""
        if position <= self.done:
            return
        columns, known, last = self.course.columns, self.folding.known, position - 1
        at, asked_at, pending = instant(columns.at[last]), instant(columns.asked[last]), known.pending
        if pending is not None:
            next_read_at = self.rules.rule.next_read_at(pending.agreeing, pending.first_seen_new, at)
            pending = replace(pending, last_agreeing_at=at, next_read_at=next_read_at)
        heard = self._heard(known, last)
        self.folding.known = Known(known.state, at, asked_at, pending, heard, known.unsettled)
        self.done = position

    def _heard(self, before: Known, last: int) -> dict[str, datetime | None]:
        """Of each country that the last reading is silent on, when it was last heard of.

        All readings since show the same.
        """
        heard: dict[str, datetime | None] = {}
        columns = self.course.columns
        is_there = self.course.is_there(last)
        for country in self.course.silent_on(last):
            spoken = columns.last_spoken(country, self.done, last) if is_there else None
            if spoken is None:
                heard[country] = before.heard.get(country, before.last_asked_at)
            else:
                heard[country] = instant(columns.asked[spoken])
        return heard

    def decide(self, now: int, confirmed_on: ConfirmedOn) -> None:
        """Take in everything up to `now`, which `next_at` gave."""
        position = bisect_left(self.course.columns.at, now, self.done)
        self.skip_to(position)
        if position < len(self.course.columns.at) and self.course.columns.at[position] == now:
            asked = self.course.asked(position)
            lists = lists_at(self.course.memberships, asked.reading.at)
            self.folding.take(asked, lists, confirmed_on, self.rules.at(lists, asked.reading.at))
            self.done = position + 1
        gone = bisect_right(self.course.let_go_at, instant(now), self.let_go)
        if gone > self.let_go:
            self.folding.let_go()
            self.let_go = gone

    def end(self) -> tuple[RecomputedChange, ...]:
        self.skip_to(len(self.course.columns.at))
        return self.folding.end()


def redetect_fast(
    courses: Sequence[Course],
    confirmed_before: Mapping[Platform, Mapping[ListId, Iterable[datetime]]],
    rule: ConfirmationRule,
    history: ThresholdHistory = NO_LIST_THRESHOLDS,
) -> dict[AccountId, tuple[RecomputedChange, ...]]:
    """The changes that the readings of these accounts tell by this rule, the accounts side by side in time.

    `history` has the thresholds of lists that are not those of the rule.

    A list counts for each platform by itself, as it does for the monitors.
    """
    rules = RuleOfLists(rule, history)
    recomputed: dict[AccountId, tuple[RecomputedChange, ...]] = {}
    for platform in Platform:
        theirs = [c for c in courses if c.account.platform is platform]
        recomputed |= _retold(theirs, ConfirmedOn(confirmed_before.get(platform, {})), rules)
    return recomputed


def _retold(
    courses: Sequence[Course], confirmed_on: ConfirmedOn, rules: RuleOfLists
) -> dict[AccountId, tuple[RecomputedChange, ...]]:
    shared = {id(c.columns): c.columns for c in courses}  # by many accounts
    overlaps = {key: _overlaps(columns) for key, columns in shared.items()}
    runners = [
        _Runner(
            c,
            Folding(c.known, c.flags),
            rules,
            overlaps[id(c.columns)],
            has_own_rule=rules.history.has_any(m.list_id for m in c.memberships),
        )
        for c in courses
    ]
    queue = [(at, n) for n, r in enumerate(runners) if (at := r.next_at()) is not None]
    heapify(queue)
    while queue:
        now, n = queue[0]
        runners[n].decide(now, confirmed_on)
        following = runners[n].next_at()
        if following is None:
            heappop(queue)
        else:
            heapreplace(queue, (following, n))
    return {r.course.account.account_id: r.end() for r in runners}


def _overlaps(columns: Columns) -> list[tuple[int, int]]:
    """From the last reading before a question up to the answer, where others came in meanwhile: what was held
    then bounds what the answer shows.
    """
    if not any(map(gt, columns.at, islice(columns.asked, 1, None))):
        return []
    runs: list[tuple[int, int]] = []
    for position in range(1, len(columns.at)):
        if columns.asked[position] < columns.at[position - 1]:
            first = max(bisect_right(columns.at, columns.asked[position]) - 1, 0)
            while runs and runs[-1][1] >= first:
                first = min(first, runs.pop()[0])
            runs.append((first, position))
    return runs

"""Detection over all readings of an account, in the order in which they were made. No database, network or
clock.

A late reading is inserted at its time. All later readings are evaluated again with the same rules. If the
recomputed changes differ from the stored ones, the differences are written as new rows.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from jobs.detect.transitions import as_answered, completed, overlaps, step
from storage.model.bitemporal.corrections import (
    CorrectionInput,
    Corrections,
    OwnChange,
    RecomputedChange,
    TimedReading,
)
from storage.model.core.accounts import AccountId, ListId, lists_at
from storage.model.core.availability import ChangeKind, Flag, Outcome, Reason, State, kind_of
from storage.model.core.known_state import Closed, Known, Pending, Unsettled
from storage.model.core.list_thresholds import NO_LIST_THRESHOLDS, ThresholdHistory

_Rank = tuple[datetime, datetime, str]


class ConfirmedOn:
    """Times of confirmed changes, by list. Unlike `RecentConfirmations`, it answers for any time, in any
    order.
    """

    def __init__(self, times: Mapping[ListId, Iterable[datetime]]) -> None:
        self._times = {list_id: sorted(at) for list_id, at in times.items()}

    def add(self, lists: Iterable[ListId], at: datetime) -> None:
        for list_id in lists:
            insort(self._times.setdefault(list_id, []), at)

    def is_active(self, lists: Iterable[ListId], at: datetime, window: timedelta) -> bool:
        """Whether a change was confirmed on any of these lists in the `window` before `at`. A change
        confirmed at `at` itself does not count.
        """
        for list_id in lists:
            times = self._times.get(list_id, [])
            newest = bisect_left(times, at) - 1
            if newest >= 0 and times[newest] >= at - window:
                return True
        return False


@dataclass(slots=True)
class Folding:
    """The state of one account while its readings are applied one by one."""

    known: Known
    flags: frozenset[Flag]
    """Side facts of the known state."""
    changes: list[RecomputedChange] = field(default_factory=list[RecomputedChange])
    _held: list[Known] = field(default_factory=list[Known])
    """What was known after each reading that was applied."""

    def take(
        self,
        asked: TimedReading,
        lists: Collection[ListId],
        confirmed_on: ConfirmedOn,
        rule: ConfirmationRule,
    ) -> None:
        """Apply the next reading. `lists` holds the account's lists at that time, `rule` is that of them."""
        before, at = self.known, asked.reading.at
        reading = completed(before, as_answered(asked.reading))
        if reading is None:
            return
        active = reading.state != before.state and confirmed_on.is_active(lists, at, rule.cohort_window)
        self._held = self._held or [before]
        then = _when_asked(self._held, asked.asked_at)
        s = step(before, reading, asked.asked_at, rule, cohort_active=active, when_asked=then)
        for closed in (s.refuted, s.overtaken):
            if closed is not None:
                self._close(closed, before.state)
        if s.confirmed is not None:
            self._close(s.confirmed, before.state)
            if before.state is not None and Flag.FIRST_SEEN not in s.confirmed.pending.flags:
                confirmed_on.add(lists, at)
        self.known = s.known
        self._held.append(s.known)

    def _close(self, closed: Closed, old: State | None) -> None:
        kind, pending = self._kind(closed.pending, old), closed.pending
        if closed.outcome is Outcome.CONFIRMED:
            self.flags = pending.flags
            before = pending.first_seen_new - timedelta.resolution
            self.changes = [replace(t, until=before) if t.until is None else t for t in self.changes]
            self.changes.append(RecomputedChange(old, pending, closed, kind))
        else:
            self.changes.append(RecomputedChange(old, pending, closed, kind, until=pending.last_agreeing_at))

    def let_go(self) -> None:
        """End a provisional change, because the account is no longer watched."""
        if (pending := self.known.pending) is not None:
            self._close(Closed(pending, Outcome.NOT_CONFIRMED, Reason.NO_LONGER_WATCHED), self.known.state)
            self.known = replace(self.known, pending=None)

    def end(self) -> tuple[RecomputedChange, ...]:
        """The recomputed changes. A change that still waits for readings comes last."""
        if (pending := self.known.pending) is not None:
            self.changes.append(
                RecomputedChange(self.known.state, pending, None, self._kind(pending, self.known.state))
            )
        return tuple(self.changes)

    def _kind(self, pending: Pending, old: State | None) -> ChangeKind:
        return kind_of(old, pending.state, pending.flags, self.flags)


def unsettled_after(ground: CorrectionInput, rules: RuleOfLists) -> Unsettled | None:
    """What is unsettled about an account after its stored readings (see `Unsettled`); None if nothing is.
    Each reading is evaluated with what was known at its own time.
    """
    by_cohort = {c.last_agreeing_at for c in ground.stored if c.reason is Reason.COHORT_ACTIVE}
    known, course = ground.known, [ground.known]
    for _, asked in sorted(_events(ground, None), key=lambda e: e[0]):
        if asked is None:
            known = replace(known, pending=None)
        elif (reading := completed(known, as_answered(asked.reading))) is not None:
            active, then = reading.at in by_cohort, _when_asked(course, asked.asked_at)
            rule = rules.at(lists_at(ground.memberships, reading.at), reading.at)
            s = step(known, reading, asked.asked_at, rule, cohort_active=active, when_asked=then)
            known = s.known
            course.append(known)
    return known.unsettled


def _when_asked(course: Sequence[Known], asked_at: datetime) -> Known | None:
    """What was known when a reading was requested. None if no answer arrived after that request."""
    if not overlaps(course[-1], asked_at):
        return None
    earlier = bisect_right(course, asked_at, lo=1, key=lambda k: k.last_read_at or asked_at)
    return course[earlier - 1]


def redetect(
    grounds: Sequence[CorrectionInput],
    late: Mapping[AccountId, TimedReading],
    confirmed_on: ConfirmedOn,
    rule: ConfirmationRule,
    history: ThresholdHistory = NO_LIST_THRESHOLDS,
) -> dict[AccountId, tuple[RecomputedChange, ...]]:
    """Recompute the changes of these accounts from all their readings, including the `late` ones.

    `history` has the thresholds of lists that are not those of `rule`. `confirmed_on` holds the times of
    confirmed changes of other accounts. The changes confirmed here are added to it. Accounts that may confirm
    each other as a cohort must be passed in one call.
    """
    rules = RuleOfLists(rule, history)
    memberships = {g.account.account_id: g.memberships for g in grounds}
    folding = {g.account.account_id: Folding(g.known, g.flags) for g in grounds}
    events = [
        (rank, g.account.account_id, asked)
        for g in grounds
        for rank, asked in _events(g, late.get(g.account.account_id))
    ]
    for _, account_id, asked in sorted(events, key=lambda e: e[:2]):
        f = folding[account_id]
        if asked is None:
            f.let_go()
        else:
            lists = lists_at(memberships[account_id], asked.reading.at)
            f.take(asked, lists, confirmed_on, rules.at(lists, asked.reading.at))
    for g in grounds:
        if not g.is_watched:
            folding[g.account.account_id].let_go()
    return {account_id: f.end() for account_id, f in folding.items()}


def _events(
    ground: CorrectionInput, late: TimedReading | None
) -> Iterator[tuple[_Rank, TimedReading | None]]:
    """Yield each reading of an account with its sort key. For each removal of the account from the watch,
    yield None with a sort key.
    """
    for asked in ground.readings:
        yield _rank(asked), asked
    if late is not None:
        yield _rank(late), late
    for at in ground.let_go_at:
        yield (at, at, "~"), None


def _rank(asked: TimedReading) -> _Rank:
    """The sort key of a reading. Simultaneous answers with different states have different keys, so the order
    of arrival makes no difference.
    """
    state = asked.reading.state
    return asked.reading.at, asked.asked_at, " ".join((state.status.value, *state.withheld_in))


def corrections(stored: Sequence[OwnChange], recomputed: Sequence[RecomputedChange]) -> Corrections:
    """What must be written so that the stored changes match the recomputed ones."""
    pairs = paired(stored, recomputed)
    taken = {s.change_id for s in pairs.values()}
    new: list[tuple[RecomputedChange, OwnChange | None]] = []
    settled: list[tuple[RecomputedChange, OwnChange]] = []
    for i, t in enumerate(recomputed):
        s = pairs.get(i)
        if s is None or s.is_annulled or not t.is_same_change(s):
            new.append((t, s))
        elif not t.is_same_outcome(s):
            if s.outcome is None:
                settled.append((t, s))
            else:
                new.append((t, s))
    gone = tuple(s for s in stored if not s.is_annulled and s.change_id not in taken)
    return Corrections(tuple(new), tuple(settled), gone)


def paired(stored: Sequence[OwnChange], recomputed: Sequence[RecomputedChange]) -> dict[int, OwnChange]:
    """Find the stored row of each recomputed change. Return the rows by the index of the change. Changes
    without a row are left out.

    The row of a change has the same new state and began with the same reading. If there is no such row,
    another row with the same new state is taken. That row must have begun later, while the readings still
    showed this state.
    """
    pairs: dict[int, OwnChange] = {}
    for s in sorted(stored, key=lambda s: (s.is_annulled, s.change_id)):
        for i, t in enumerate(recomputed):
            if i not in pairs and (t.pending.state, t.pending.first_seen_new) == (s.new, s.first_seen_new):
                pairs[i] = s
    taken = {s.change_id for s in pairs.values()}
    for s in stored:
        if s.is_annulled or s.change_id in taken:
            continue
        for i, t in enumerate(recomputed):
            if i not in pairs and t.pending.state == s.new and t.holds(s.first_seen_new):
                pairs[i] = s
                break
    return pairs

"""Pure: compare the changes of a re-evaluation with the stored ones."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.detect.redetect import paired
from storage.model.bitemporal.corrections import OwnChange, RecomputedChange
from storage.model.bitemporal.reading_columns import Course
from storage.model.bitemporal.reevaluation import DifferenceCause, Effect
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import Outcome, Reason
from storage.model.core.packed_columns import microseconds


@dataclass(frozen=True, slots=True)
class ChangeDifference:
    """A change that differs between the re-evaluation and what is stored."""

    account: Account
    effect: Effect
    cause: DifferenceCause
    stored: OwnChange | None
    """As it was at the end of the period; None if there is none."""
    recomputed: RecomputedChange | None


@dataclass(frozen=True, slots=True)
class ChangeComparison:
    same: int
    """Changes with the same interval, evidence, outcome, reason and deciding readings."""
    differences: tuple[ChangeDifference, ...]

    @property
    def counts(self) -> dict[Effect, int]:
        found = Counter(d.effect for d in self.differences)
        return {effect: found[effect] for effect in Effect if effect is not Effect.SAME}

    @property
    def causes(self) -> dict[DifferenceCause, int]:
        found = Counter(d.cause for d in self.differences)
        return {cause: found[cause] for cause in DifferenceCause}

    @property
    def unexplained(self) -> int:
        return sum(d.cause is DifferenceCause.UNEXPLAINED for d in self.differences)


def compare(
    courses: Iterable[Course],
    recomputed: Mapping[AccountId, Sequence[RecomputedChange]],
    until: datetime,
    *,
    other_thresholds: bool,
) -> ChangeComparison:
    """Compare what the readings before `until` give with the changes stored by then.

    `other_thresholds` says that they were decided by other thresholds than those in force, which explains
    every difference.
    """
    same, differences = 0, list[ChangeDifference]()
    known = DifferenceCause.THRESHOLDS if other_thresholds else None
    for course in courses:
        stored = [_as_of(c, course, until) for c in course.stored]
        again = recomputed[course.account.account_id]
        pairs = paired(stored, again)
        taken = {s.change_id for s in pairs.values()}
        theirs: list[tuple[OwnChange | None, RecomputedChange | None]] = [
            (pairs.get(i), t) for i, t in enumerate(again)
        ]
        theirs += [(s, None) for s in stored if s.change_id not in taken]
        found = [
            ChangeDifference(course.account, _effect(s, t), known or _cause(s, t), s, t) for s, t in theirs
        ]
        same += sum(d.effect is Effect.SAME for d in found)
        differing = sorted((d for d in found if d.effect is not Effect.SAME), key=_seen)
        differences += [
            replace(d, cause=DifferenceCause.FOLLOWS) if n and d.cause is DifferenceCause.UNEXPLAINED else d
            for n, d in enumerate(differing)
        ]
    differences.sort(key=lambda d: (_seen(d), d.account.account_id))
    return ChangeComparison(same, tuple(differences))


def _seen(d: ChangeDifference) -> datetime:
    times = [c.first_seen_new for c in (d.stored, d.recomputed and d.recomputed.pending) if c is not None]
    return min(times)


def _as_of(stored: OwnChange, course: Course, until: datetime) -> OwnChange:
    """The change as the readings before `until` had left it: what decided later had not decided yet."""
    if stored.outcome is None or _is_over(stored, course, until):
        return stored
    return replace(stored, outcome=None, reason=None)


def _is_over(stored: OwnChange, course: Course, until: datetime) -> bool:
    match stored.reason:
        case Reason.WENT_BACK | Reason.MOVED_ON:
            at = course.columns.at
            return bool(at) and at[-1] > microseconds(stored.last_agreeing_at)
        case Reason.NO_LONGER_WATCHED:
            return any(at >= stored.last_agreeing_at for at in course.let_go_at)
        case _:
            return stored.last_agreeing_at < until


def _effect(stored: OwnChange | None, again: RecomputedChange | None) -> Effect:
    was_confirmed = stored is not None and stored.outcome is Outcome.CONFIRMED
    if was_confirmed != (again is not None and again.is_confirmed):
        return Effect.NEVER if was_confirmed else Effect.BESIDES
    if stored is None or again is None:
        return Effect.OTHERWISE
    if was_confirmed and again.pending.last_agreeing_at != stored.last_agreeing_at:
        is_earlier = again.pending.last_agreeing_at < stored.last_agreeing_at
        return Effect.EARLIER if is_earlier else Effect.LATER
    if stored.outcome is None:  # how far it had come by then is not compared: it may have gone on
        is_same = again.closed is None and again.is_same_change(stored)
    else:
        is_same = again.is_same_change(stored) and again.is_same_outcome(stored)
    return Effect.SAME if is_same else Effect.OTHERWISE


def _cause(stored: OwnChange | None, again: RecomputedChange | None) -> DifferenceCause:
    reasons = {stored and stored.reason, again and again.closed and again.closed.reason}
    return DifferenceCause.COHORT if Reason.COHORT_ACTIVE in reasons else DifferenceCause.UNEXPLAINED

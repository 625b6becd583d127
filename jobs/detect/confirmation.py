"""How many agreeing readings confirm a change, and when the next one is due. The thresholds are data."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.availability import Reason, State, Status, Strength

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ConfirmationRule:
    """When a provisional change is believed.

    The n-th agreeing reading (from 0) counts only when it comes `offsets[n]` or later after the
    first, since errors of a platform last for minutes and two readings a second apart are one.
    """

    offsets: tuple[timedelta, ...] = (timedelta(0), _MINUTE, 15 * _MINUTE, 60 * _MINUTE)
    strong_readings: int = 2
    weak_readings: int = 4
    cohort_window: timedelta = timedelta(hours=6)
    cohort_discount: int = 1
    """Fewer weak readings when a change of the same list was confirmed within `cohort_window`."""
    way_back: timedelta = 15 * _MINUTE
    """How long a state has to show again until what was sighted before it no longer bounds a later change."""

    def __post_init__(self) -> None:
        if not 1 <= self.strong_readings <= self.weak_readings <= len(self.offsets):
            raise ValueError("a rule needs 1 <= strong readings <= weak readings <= number of offsets")
        if list(self.offsets) != sorted(set(self.offsets)) or self.offsets[0]:
            raise ValueError("offsets start at zero and grow")

    def counts(self, agreeing: int, first_seen_new: datetime, at: datetime) -> bool:
        """Whether an agreeing reading at `at` counts as one more beside the `agreeing` counted so far."""
        return agreeing < len(self.offsets) and at >= first_seen_new + self.offsets[agreeing]

    def settles(self, strength: Strength, agreeing: int, lasting: timedelta) -> bool:
        """Whether `agreeing` readings of one state without a break leave no doubt of an earlier sighting."""
        needed = self.strong_readings if strength is Strength.STRONG else self.weak_readings
        return agreeing >= needed and lasting >= self.way_back

    def next_read_at(self, agreeing: int, first_seen_new: datetime, at: datetime) -> datetime:
        """When to look again after an agreeing reading at `at`, `agreeing` being counted by then."""
        offset = self.offsets[min(agreeing, len(self.offsets) - 1)]
        return max(first_seen_new + offset, at + _MINUTE)

    def verdict(
        self, old: State | None, new: State, strength: Strength, agreeing: int, *, cohort_active: bool
    ) -> Reason | None:
        """The reason to believe the change now, or None while readings are still wanting."""
        if old is None and new.status in {Status.AVAILABLE, Status.PROTECTED}:
            return Reason.BASELINE_SEEN
        if strength is Strength.STRONG:
            return Reason.ENOUGH_STRONG if agreeing >= self.strong_readings else None
        if agreeing >= self.weak_readings:
            return Reason.ENOUGH_WEAK
        if cohort_active and agreeing >= self.weak_readings - self.cohort_discount:
            return Reason.COHORT_ACTIVE
        return None

"""The confirmation rule: how many agreeing readings confirm a change, and when the next reading is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.availability import Reason, State, Status, Strength

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ConfirmationRule:
    """The thresholds for confirming a provisional change.

    Agreeing readings are numbered from 0. Reading `n` counts only if it arrives at least `offsets[n]` after
    the first one. Two readings a second apart prove no more than one, because a platform's errors last for
    minutes.
    """

    offsets: tuple[timedelta, ...] = (timedelta(0), _MINUTE, 15 * _MINUTE, 60 * _MINUTE)
    strong_readings: int = 2
    weak_readings: int = 4
    cohort_window: timedelta = timedelta(hours=6)
    cohort_discount: int = 1
    """A recent change on one of the account's lists lowers `weak_readings` by this number. Recent means that
    the change was confirmed within the last `cohort_window`.
    """
    way_back: timedelta = 15 * _MINUTE
    """The shortest time over which a state must be read before it is settled (see
    `storage.model.core.known_state.Unsettled`). Until then, earlier sightings of other states may still widen
    a later change window.
    """

    def __post_init__(self) -> None:
        if not 1 <= self.strong_readings <= self.weak_readings <= len(self.offsets):
            raise ValueError("a rule needs 1 <= strong readings <= weak readings <= number of offsets")
        if list(self.offsets) != sorted(set(self.offsets)) or self.offsets[0]:
            raise ValueError("offsets must start at zero and increase")

    def counts(self, agreeing: int, first_seen_new: datetime, at: datetime) -> bool:
        """Whether an agreeing reading at `at` counts. `agreeing` is the number of readings that counted
        before.
        """
        return agreeing < len(self.offsets) and at >= first_seen_new + self.offsets[agreeing]

    def settles(self, strength: Strength, agreeing: int, lasting: timedelta) -> bool:
        """Whether a state is settled (see `storage.model.core.known_state.Unsettled`) after `agreeing`
        readings in a row. `lasting` is the time from the first to the last of them.
        """
        needed = self.strong_readings if strength is Strength.STRONG else self.weak_readings
        return agreeing >= needed and lasting >= self.way_back

    def next_read_at(self, agreeing: int, first_seen_new: datetime, at: datetime) -> datetime:
        """Return when to read again after an agreeing reading at `at`. `agreeing` includes that reading."""
        offset = self.offsets[min(agreeing, len(self.offsets) - 1)]
        return max(first_seen_new + offset, at + _MINUTE)

    def verdict(
        self, old: State | None, new: State, strength: Strength, agreeing: int, *, cohort_active: bool
    ) -> Reason | None:
        """The reason to confirm the change now; None if it needs more readings."""
        if old is None and new.status in {Status.AVAILABLE, Status.PROTECTED}:
            return Reason.BASELINE_SEEN
        if strength is Strength.STRONG:
            return Reason.ENOUGH_STRONG if agreeing >= self.strong_readings else None
        if agreeing >= self.weak_readings:
            return Reason.ENOUGH_WEAK
        if cohort_active and agreeing >= self.weak_readings - self.cohort_discount:
            return Reason.COHORT_ACTIVE
        return None

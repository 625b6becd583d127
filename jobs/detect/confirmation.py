"""The confirmation rule: how many agreeing readings confirm a change, and when the next reading is due."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from storage.model.core.accounts import ListId
from storage.model.core.availability import Reason, State, Status, Strength
from storage.model.core.list_thresholds import (
    NO_LIST_THRESHOLDS,
    ListThresholds,
    ThresholdHistory,
)

_MINUTE = timedelta(minutes=1)
_FURTHER = 180 * _MINUTE
"""How long after the one before each further reading is due, for a list that asks for more than the rule."""


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
    settling: tuple[int, int] | None = None
    """How many strong and weak readings settle a state. None means as many as confirm a change. Thresholds of
    a list leave it as it is: a list may want to hear of changes earlier, but a platform that answers stale
    is no less stale for that.
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
        strong, weak = self.settling or (self.strong_readings, self.weak_readings)
        return agreeing >= (strong if strength is Strength.STRONG else weak) and lasting >= self.way_back

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

    def for_lists(self, asked: Collection[ListThresholds | None]) -> "ConfirmationRule":
        """The rule of an account that is on lists with these thresholds: the most readings that one of them
        asks for. None stands for a list that asks for what this rule does.
        """
        own = [one for one in asked if one is not None]
        if not own:
            return self
        default = [ListThresholds(self.strong_readings, self.weak_readings)] if None in asked else []
        strong = max(one.strong_readings for one in (*own, *default))
        weak = max(one.weak_readings for one in (*own, *default))
        more = max(weak - len(self.offsets), 0)
        offsets = (*self.offsets, *(self.offsets[-1] + n * _FURTHER for n in range(1, more + 1)))
        settling = self.settling or (self.strong_readings, self.weak_readings)
        return replace(self, offsets=offsets, strong_readings=strong, weak_readings=weak, settling=settling)


@dataclass(slots=True)
class RuleOfLists:
    """Which confirmation rule holds for an account: the strictest of those of its lists at that time."""

    rule: ConfirmationRule
    """Of accounts on no list, and on lists without thresholds of their own."""
    history: ThresholdHistory = NO_LIST_THRESHOLDS
    _made: dict[tuple[ListThresholds | None, ...], ConfirmationRule] = field(
        default_factory=dict[tuple[ListThresholds | None, ...], ConfirmationRule]
    )

    def at(self, lists: Collection[ListId], at: datetime) -> ConfirmationRule:
        """The rule for a reading made at `at`, of an account that was on these lists then."""
        if not self.history.has_any(lists):
            return self.rule
        asked = self.history.of(lists, at)
        made = self._made.get(asked)
        if made is None:
            made = self._made[asked] = self.rule.for_lists(asked)
        return made

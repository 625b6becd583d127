"""Pure: how many agreeing readings the lists of an account ask for before a change is confirmed."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from storage.model.core.accounts import ListId

MOST_READINGS: Final = 6
"""The last of them is due 7 hours after the first contrary reading."""
TAKES_EFFECT_AFTER: Final = timedelta(minutes=1)
"""Every process knows new thresholds by then, so each reading is judged by the ones that are stored for its
time, and a re-evaluation of the same readings gives the same changes.
"""
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ListThresholds:
    """How many agreeing readings a list asks for. Raises ValueError for numbers that no list can have."""

    strong_readings: int
    """For what the platform states itself."""
    weak_readings: int
    """For a mere absence."""

    def __post_init__(self) -> None:
        if not 1 <= self.strong_readings <= self.weak_readings <= MOST_READINGS:
            raise ValueError(
                f"The readings needed must be from 1 to {MOST_READINGS}, and a mere absence must need at "
                "least as many as a statement of the platform."
            )


DEFAULT_THRESHOLDS: Final = ListThresholds(2, 4)
"""Those of every list without thresholds of its own, and of accounts that are on no list."""


@dataclass(frozen=True, slots=True)
class DatedThresholds:
    """From `since` on, a list has these thresholds. None: the default ones again."""

    list_id: ListId
    since: datetime
    thresholds: ListThresholds | None


class ThresholdHistory:
    """The thresholds of each list at any time. A list that is not in it always had the default ones."""

    def __init__(self, rows: Iterable[DatedThresholds] = ()) -> None:
        """`rows` must be in the order of their times."""
        self._of: dict[ListId, list[DatedThresholds]] = {}
        for row in rows:
            self._of.setdefault(row.list_id, []).append(row)

    def has_any(self, lists: Iterable[ListId]) -> bool:
        """Whether one of these lists ever had thresholds of its own."""
        return bool(self._of) and not self._of.keys().isdisjoint(lists)

    def of(self, lists: Iterable[ListId], at: datetime) -> tuple[ListThresholds | None, ...]:
        """The thresholds of each of these lists at a time; None for the default ones."""
        return tuple(self._at(self._of.get(one, ()), at) for one in lists)

    def as_if(self, list_id: ListId, thresholds: ListThresholds | None) -> "ThresholdHistory":
        """The same history, but with these thresholds for one list at all times."""
        others = [row for rows in self._of.values() for row in rows if row.list_id != list_id]
        return ThresholdHistory([DatedThresholds(list_id, _ALWAYS, thresholds), *others])

    def _at(self, rows: Sequence[DatedThresholds], at: datetime) -> ListThresholds | None:
        place = bisect_right(rows, at, key=lambda row: row.since)
        return rows[place - 1].thresholds if place else None


NO_LIST_THRESHOLDS: Final = ThresholdHistory()


def thresholds_sentence(own: ListThresholds | None) -> str:
    """Say in plain words what these thresholds mean. None stands for the default ones."""
    numbers = own or DEFAULT_THRESHOLDS
    strong, weak = numbers.strong_readings, numbers.weak_readings
    said = "by the first reading" if strong == 1 else f"once {strong} readings show it"
    absent = "by the first reading too" if weak == 1 else f"once {weak} readings show it"
    whose = "This list has no thresholds of its own. " if own is None else ""
    return (
        f"{whose}A change that the platform states itself (a country, “suspended”, the account back) is "
        f"confirmed {said}. A mere absence is confirmed {absent}, or one fewer while the list is busy."
    )


STRICTEST_HOLDS: Final = (
    "An account on several lists needs the most readings that any of its lists asks for. A list without "
    f"thresholds of its own asks for {DEFAULT_THRESHOLDS.strong_readings} and "
    f"{DEFAULT_THRESHOLDS.weak_readings}."
)


def thresholds_words(own: ListThresholds | None) -> str:
    """The thresholds of a list as a cell of a table."""
    numbers = own or DEFAULT_THRESHOLDS
    said = f"{numbers.strong_readings} or {numbers.weak_readings} readings"
    return f"{said} (default)" if own is None else said

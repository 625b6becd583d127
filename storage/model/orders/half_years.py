"""Pure: the half-years of platforms' reports, and the coverage of our readings in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class HalfYear:
    """A reporting period, in UTC."""

    year: int
    half: int

    @classmethod
    def of(cls, at: datetime) -> Self:
        """Return the half-year of a moment."""
        at = at.astimezone(UTC)
        return cls(at.year, 1 if at.month < 7 else 2)

    @classmethod
    def named(cls, period: str) -> Self:
        """Return the half-year with a name such as `2018-H1`."""
        return cls(int(period[:4]), int(period[-1]))

    @property
    def name(self) -> str:
        return f"{self.year:04}-H{self.half}"

    @property
    def start(self) -> datetime:
        return datetime(self.year, 1 if self.half == 1 else 7, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        after = (self.year, 7) if self.half == 1 else (self.year + 1, 1)
        return datetime(*after, 1, tzinfo=UTC)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def days_begun(self, now: datetime) -> int:
        """Return the number of its days that have begun at `now`; all if it is over."""
        return max(0, min(self.days, (now - self.start) // DAY + 1))


@dataclass(frozen=True, slots=True)
class HalfYearCoverage:
    """Coverage of one platform in one half-year, by the regular sweep from our own connection."""

    first: datetime
    last: datetime
    days: int
    """Days with any reading."""
    of_days: int
    """Days of the half-year that have begun."""


def looked_by_half(
    days: Sequence[tuple[datetime, datetime, datetime]], now: datetime
) -> dict[HalfYear, HalfYearCoverage]:
    """Return the coverage per half-year. Each of `days`, in order: midnight, first reading, last reading."""
    found: dict[HalfYear, list[tuple[datetime, datetime, datetime]]] = {}
    for day in days:
        found.setdefault(HalfYear.of(day[0]), []).append(day)
    return {
        half: HalfYearCoverage(first=of[0][1], last=of[-1][2], days=len(of), of_days=half.days_begun(now))
        for half, of in found.items()
    }

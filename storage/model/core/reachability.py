"""How platforms were reached from the networks of a country, as OONI publishes it: counts of measurements.

A measurement is one try of a volunteer's device to open one address. It says something about that network at
that moment, and nothing about any account.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MOSTLY = 0.5
"""A day counts as mostly unreachable from this share of its conclusive measurements on."""
FEWEST = 10
"""Conclusive measurements of a day that say enough to be called mostly reachable or unreachable."""

FRESH = timedelta(days=3)
"""A row of days that ended longer ago is not reported any more."""
UNREACHABLE_DAYS = 2
"""So many mostly unreachable days in a row are reported."""


@dataclass(frozen=True, slots=True)
class MeasuredDay:
    """The measurements of one domain from one country on one day (UTC). Each is in exactly one of the four
    counts.
    """

    domain: str
    day: date
    confirmed: int
    """OONI recognises the block, for example by a page that says so."""
    anomaly: int
    """Something differed from the same try elsewhere: a block, or a fault of the network or of the site."""
    failure: int
    """The measurement itself failed, and says nothing."""
    ok: int

    @property
    def conclusive(self) -> int:
        return self.confirmed + self.anomaly + self.ok

    @property
    def measured(self) -> int:
        return self.conclusive + self.failure

    @property
    def irregular(self) -> int:
        """Confirmed blocks and anomalies."""
        return self.confirmed + self.anomaly

    @property
    def is_mostly_unreachable(self) -> bool | None:
        """Whether most devices met a block or an anomaly. None: there were too few measurements to say."""
        if self.conclusive < FEWEST:
            return None
        return self.irregular >= MOSTLY * self.conclusive


def unreachable_days(days: Iterable[MeasuredDay], until: date) -> int:
    """How many days in a row, the last of them `until`, the domain was mostly unreachable.

    A day with too few measurements ends the row: what was not seen is not counted.
    """
    by_day = {one.day: one for one in days}
    count = 0
    while (one := by_day.get(until - timedelta(days=count))) is not None and one.is_mostly_unreachable:
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class ReportedUnreachable:
    """It was reported that a domain is mostly unreachable, up to `day`. `reached_day` is set once it was
    reported that most measurements of that day reached it.
    """

    day: date
    reached_day: date | None


@dataclass(frozen=True, slots=True)
class ReachabilityNews:
    """A domain is mostly unreachable for days, or reached again."""

    domain: str
    days: tuple[MeasuredDay, ...]
    """The days in a row, oldest first; or the one day on which it was reached again."""
    is_reached: bool


def reachability_news(
    days: Sequence[MeasuredDay], reported: Sequence[ReportedUnreachable], since: date, today: date
) -> ReachabilityNews | None:
    """What is to be reported of one domain, of which `reported` has what was reported before; None: nothing.

    Only days before `today` count, since a day that is not over has not all its measurements. Rows of days
    that ended before `since`, or more than `FRESH` ago, are no news. What was reported is reported as reached
    again by the first day that says so, also if later counts of the reported day itself say so.
    """
    over = [one for one in sorted(days, key=lambda one: one.day) if one.day < today]
    standing = next((one for one in reported if one.reached_day is None), None)
    if standing is not None:
        reached = next(
            (one for one in over if one.day >= standing.day and one.is_mostly_unreachable is False), None
        )
        return reached and ReachabilityNews(reached.domain, (reached,), is_reached=True)
    after = max((one.reached_day for one in reported if one.reached_day is not None), default=date.min)
    for newest in reversed(over):
        if newest.day < max(since, today - FRESH) or newest.day <= after:
            return None
        count = unreachable_days(over, newest.day)
        if count >= UNREACHABLE_DAYS:
            first = newest.day - timedelta(days=count - 1)
            row = tuple(one for one in over if first <= one.day <= newest.day)
            return ReachabilityNews(newest.domain, row, is_reached=False)
    return None


def by_domain(days: Sequence[MeasuredDay]) -> dict[str, list[MeasuredDay]]:
    """The days of each domain, oldest first."""
    found: dict[str, list[MeasuredDay]] = {}
    for one in sorted(days, key=lambda one: (one.domain, one.day)):
        found.setdefault(one.domain, []).append(one)
    return found

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


def by_domain(days: Sequence[MeasuredDay]) -> dict[str, list[MeasuredDay]]:
    """The days of each domain, oldest first."""
    found: dict[str, list[MeasuredDay]] = {}
    for one in sorted(days, key=lambda one: (one.domain, one.day)):
        found.setdefault(one.domain, []).append(one)
    return found

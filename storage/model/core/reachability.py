"""How platforms were reached from the networks of a country, as OONI publishes it: counts of measurements.

A measurement is one try of a volunteer's device to open one address. It says something about that network at
that moment, and nothing about any account.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from storage.model.core.accounts import Platform

MOSTLY = 0.5
"""A day counts as mostly unreachable from this share of its conclusive measurements on."""
FEWEST = 10
"""Conclusive measurements of a day that say enough to be called mostly reachable or unreachable."""

FRESH = timedelta(days=3)
"""A row of days that ended longer ago is not reported any more."""
UNREACHABLE_DAYS = 2
"""So many mostly unreachable days in a row are reported."""
JUDGED = FRESH + timedelta(days=UNREACHABLE_DAYS - 1)
"""Earlier days do not decide whether a platform is mostly unreachable."""


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


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """The measurements of one day from one country, as they were known from a time on."""

    country: str
    recorded_at: datetime
    measured: MeasuredDay


@dataclass(frozen=True, slots=True)
class UnreachablePeriod:
    """A time in which a platform was known to be mostly unreachable from a country."""

    platform: Platform
    country: str
    since: datetime
    """When this became known, or the beginning of the time that was asked for."""
    until: datetime | None
    """When this ceased to be known. None: not within the time that was asked for."""

    def covers(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


def is_unreachable(days: Iterable[MeasuredDay], domains: Collection[str], today: date) -> bool:
    """Whether a platform with these domains is mostly unreachable from a country with these days.

    Each domain with conclusive measurements must be: for `UNREACHABLE_DAYS` in a row that ended at most
    `FRESH` ago, without a later day that was mostly reachable. Only days before `today` count. False without
    any conclusive measurement.
    """
    found = by_domain(
        [d for d in days if d.domain in domains and today - JUDGED <= d.day < today and d.conclusive]
    )
    return bool(found) and all(_is_unreachable(some) for some in found.values())


def _is_unreachable(days: Sequence[MeasuredDay]) -> bool:
    """The same for one domain. A row within `JUDGED` ended at most `FRESH` ago."""
    for newest in reversed(days):
        if newest.is_mostly_unreachable is False:
            return False
        if unreachable_days(days, newest.day) >= UNREACHABLE_DAYS:
            return True
    return False


def unreachable_periods(
    recorded: Iterable[RecordedDay],
    domains: Mapping[Platform, Collection[str]],
    since: datetime,
    until: datetime,
) -> list[UnreachablePeriod]:
    """When from `since` to `until` each platform was known to be mostly unreachable, by country.

    At each moment only what was recorded by then counts. `recorded` must hold all that was recorded by
    `until` about days from `JUDGED` before `since` on.
    """
    by_country: dict[str, list[RecordedDay]] = {}
    for one in sorted(recorded, key=lambda one: one.recorded_at):
        by_country.setdefault(one.country, []).append(one)
    found: list[UnreachablePeriod] = []
    for country, rows in by_country.items():
        began: dict[Platform, datetime] = {}
        for at, days in _as_known(rows, since, until):
            for platform, sites in domains.items():
                if is_unreachable(days, sites, at.astimezone(UTC).date()):
                    began.setdefault(platform, at)
                elif platform in began:
                    found.append(UnreachablePeriod(platform, country, began.pop(platform), at))
        found += [UnreachablePeriod(platform, country, at, None) for platform, at in began.items()]
    return found


def _as_known(
    rows: Sequence[RecordedDay], since: datetime, until: datetime
) -> Iterable[tuple[datetime, Collection[MeasuredDay]]]:
    """The days that decide, as known at `since` and at each time after it at which this can change: when
    something was recorded, and when a day was over. `rows` are sorted by time.
    """
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    over = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    times = {since, *(datetime.combine(day, time(), UTC) for day in over)}
    times |= {one.recorded_at for one in rows if since < one.recorded_at <= until}
    known: dict[tuple[str, date], MeasuredDay] = {}
    done = 0
    for at in sorted(times):
        while done < len(rows) and rows[done].recorded_at <= at:
            one = rows[done].measured
            known[one.domain, one.day] = one
            done += 1
        start = at.astimezone(UTC).date() - JUDGED
        known = {key: one for key, one in known.items() if one.day >= start}
        yield at, known.values()

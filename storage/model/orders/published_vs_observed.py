"""Pure: what was published of a country in a half-year, beside what was seen there in it.

The figures of a platform are about all accounts that it got demands about; what was seen is about those that
somebody looked at, and is the least that there can have been. Neither is corrected by the other, and figures
of different sources are never summed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.orders.cohort import Kind
from storage.model.orders.half_years import HalfYear, HalfYearCoverage
from storage.model.orders.transparency_figures import TransparencyReport

RESERVED_CODES = {"UK": "GB", "EL": "GR"}
"""Codes that some sources write instead of the official ones, and that are nobody else's."""


@dataclass(frozen=True, slots=True)
class ConfirmedCountryState:
    """A confirmed state of one account, as it is in the country that is asked about."""

    kind: Kind
    onset_after: datetime | None
    """The last reading that contradicts it; None when there is none."""
    since: datetime
    """The first reading that shows it."""
    source: str
    """Who saw it: a platform's name for our own monitor, `import:<name>` for a published record."""


@dataclass(frozen=True, slots=True)
class CountrySighting:
    """One account was seen to become withheld in the country, or to come back, between two readings."""

    account_id: AccountId
    after: datetime | None
    """None: it was so at the first look, and nobody saw since when."""
    by: datetime
    source: str

    @property
    def is_imported(self) -> bool:
        return self.source.startswith("import:")

    def lies_in(self, half: HalfYear) -> bool:
        """Whether it happened in that half-year, wherever between its two readings it was."""
        return self.after is not None and half.start <= self.after and self.by < half.end

    def may_lie_in(self, half: HalfYear) -> bool:
        """Whether it can have happened then. What was so at the first look counts where it was seen first."""
        if self.after is None:
            return self.is_seen_in(half)
        return self.after < half.end and half.start <= self.by

    def is_seen_in(self, half: HalfYear) -> bool:
        """Whether the reading that shows it first was made in that half-year."""
        return half.start <= self.by < half.end

    def touches(self, half: HalfYear) -> bool:
        """Whether one of its two readings was made in that half-year."""
        return self.is_seen_in(half) or (self.after is not None and half.start <= self.after < half.end)


@dataclass(frozen=True, slots=True)
class HalfYearTally:
    """Accounts, each counted once: to how many it happened in a half-year, as far as readings can tell."""

    low: int
    """To these for certain: both readings around it lie in the half-year."""
    high: int
    """To these at the most: with those where a reading on the other side lies outside, or there is none."""
    first_seen: int
    """Whose first reading that shows it lies in the half-year."""
    at_first_look: int
    """Of `first_seen`, those for whom it was so at the first look: nobody saw since when."""


@dataclass(frozen=True, slots=True)
class ObservedFigures:
    """What our own monitor saw. It is about the watched accounts only."""

    watched: int
    """Accounts that were asked about at any time in the half-year, control accounts left out."""
    named: int
    """Of them, those that orders of the country name which were issued before its end."""
    looked: HalfYearCoverage
    withheld: HalfYearTally
    restored: HalfYearTally


@dataclass(frozen=True, slots=True)
class Recorded:
    """What published records tell of it. How many accounts their makers looked at is not on file."""

    sources: tuple[str, ...]
    """`import:<name>` of each, by name."""
    withheld: HalfYearTally
    restored: HalfYearTally


@dataclass(frozen=True, slots=True)
class Claimed:
    """One platform, one country, one half-year: every source's figures, beside what was seen."""

    platform: Platform
    half: HalfYear
    published: tuple[TransparencyReport, ...]
    """By source. Never to be summed: they may tell the same demands."""
    own: ObservedFigures | None
    """None: nothing was read, which is not that there was nothing."""
    recorded: Recorded | None

    def values(self, figure: Callable[[TransparencyReport], float | None]) -> tuple[float, ...]:
        """The different values that its sources report of one figure, from the least."""
        return tuple(sorted({v for r in self.published if (v := figure(r)) is not None}))


def demands(report: TransparencyReport) -> int | None:
    """All demands of a source: its own total, else court orders and others where it reports both."""
    if report.total_demands is not None:
        return report.total_demands
    if report.court_orders is None or report.other_legal_demands is None:
        return None
    return report.court_orders + report.other_legal_demands


FIGURES: Mapping[str, Callable[[TransparencyReport], float | None]] = {
    "demands": demands,
    "accounts_specified": lambda r: r.accounts_specified,
    "accounts_withheld": lambda r: r.accounts_withheld,
    "tweets_withheld": lambda r: r.tweets_withheld,
    "accounts_tos": lambda r: r.accounts_tos,
    "pct_some_withheld": lambda r: r.pct_some_withheld,
}
"""What sources can disagree on, by name."""


def disagreements(found: Claimed) -> dict[str, tuple[float, ...]]:
    """The figures of which its sources report different values. One that a source leaves out is no other."""
    by_figure = {name: found.values(figure) for name, figure in FIGURES.items()}
    return {name: values for name, values in by_figure.items() if len(values) > 1}


def codes_by_name(reports: Iterable[TransparencyReport], official: Mapping[str, str]) -> dict[str, str]:
    """Country codes by the names that sources use, in small letters, from the lines that have both.

    A name with two codes has none. `official` holds the names of countries by code, for the rest.
    """
    codes_of: dict[str, set[str]] = {}
    for report in reports:
        if report.iso2 is not None:
            code = RESERVED_CODES.get(report.iso2, report.iso2)
            codes_of.setdefault(report.country.casefold(), set()).add(code)
    by_name = {name.casefold(): code for code, name in official.items()}
    for name, codes in codes_of.items():
        by_name.pop(name, None)
        if len(codes) == 1:
            by_name[name] = codes.pop()
    return by_name


def code_of(report: TransparencyReport, by_name: Mapping[str, str]) -> str | None:
    """The country that a line is about; None for a total, and for a name that nobody gives a code."""
    if report.iso2 is not None:
        return RESERVED_CODES.get(report.iso2, report.iso2)
    return by_name.get(report.country.casefold())


def sightings(
    account_id: AccountId, stands: Sequence[ConfirmedCountryState]
) -> tuple[list[CountrySighting], list[CountrySighting]]:
    """When one account became withheld in the country, and when it was back there. `stands` are by time.

    Withheld, then suspended or gone, is not back yet: only available, or withheld elsewhere only, is.
    """
    withheld: list[CountrySighting] = []
    restored: list[CountrySighting] = []
    before: ConfirmedCountryState | None = None
    is_out = False
    for stand in stands:
        after = stand.onset_after or (before.since if before is not None else None)
        here = CountrySighting(account_id, after, stand.since, stand.source)
        if stand.kind is Kind.WITHHELD and (before is None or before.kind is not Kind.WITHHELD):
            withheld.append(here)
            is_out = True
        elif stand.kind.is_back and is_out:
            restored.append(here)
            is_out = False
        before = stand
    return withheld, restored


def tally(seen: Collection[CountrySighting], half: HalfYear) -> HalfYearTally:
    """To how many accounts it happened in that half-year."""
    certain = {s.account_id for s in seen if s.lies_in(half)}
    first = {s.account_id for s in seen if s.is_seen_in(half)}
    unbounded = {s.account_id for s in seen if s.after is None and s.is_seen_in(half)}
    return HalfYearTally(
        low=len(certain),
        high=len({s.account_id for s in seen if s.may_lie_in(half)}),
        first_seen=len(first),
        at_first_look=len(unbounded - certain),
    )


def recorded_in(
    half: HalfYear, withheld: Collection[CountrySighting], restored: Collection[CountrySighting]
) -> Recorded | None:
    """What records tell of a half-year; None where none of their readings that bound a change is in it."""
    sources = {s.source for s in (*withheld, *restored) if s.is_imported and s.touches(half)}
    if not sources:
        return None
    return Recorded(
        sources=tuple(sorted(sources)),
        withheld=tally([s for s in withheld if s.is_imported], half),
        restored=tally([s for s in restored if s.is_imported], half),
    )


def observed_in(
    half: HalfYear,
    watched: tuple[int, int],
    looked: HalfYearCoverage | None,
    withheld: Collection[CountrySighting],
    restored: Collection[CountrySighting],
) -> ObservedFigures | None:
    """What we saw in a half-year, of so many accounts and so many of them named; None without a reading."""
    if looked is None or not watched[0]:
        return None
    return ObservedFigures(
        watched=watched[0],
        named=watched[1],
        looked=looked,
        withheld=tally([s for s in withheld if not s.is_imported], half),
        restored=tally([s for s in restored if not s.is_imported], half),
    )

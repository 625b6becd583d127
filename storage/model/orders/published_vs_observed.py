"""Pure: published figures of a country in a half-year, beside what was observed there.

The figures of a platform are about all accounts in the demands that it received. Observations are about the
accounts that were checked, so they are a lower limit. Neither is corrected by the other, and figures of
different sources are never summed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.orders.cohort import Kind
from storage.model.orders.half_years import HalfYear, HalfYearCoverage
from storage.model.orders.transparency_figures import TransparencyReport

RESERVED_CODES = {"UK": "GB", "EL": "GR"}
"""Codes that some sources use instead of the official ones; no other country has them."""


@dataclass(frozen=True, slots=True)
class ConfirmedCountryState:
    """A confirmed state of one account, for readers in the given country."""

    kind: Kind
    onset_after: datetime | None
    """The last contradicting reading before it; None if there is none."""
    since: datetime
    """The first reading that shows it."""
    source: str
    """Who observed it: a platform's name for our own monitor, `import:<name>` for a published record."""


@dataclass(frozen=True, slots=True)
class CountrySighting:
    """A change of an account or post between two readings: it became withheld in the country or came back."""

    account_id: AccountId
    after: datetime | None
    """None means that the first reading already showed it, so its beginning is not known."""
    by: datetime
    source: str

    @property
    def is_imported(self) -> bool:
        return self.source.startswith("import:")

    def lies_in(self, half: HalfYear) -> bool:
        """Return whether it certainly happened in the half-year: both readings lie in it."""
        return self.after is not None and half.start <= self.after and self.by < half.end

    def may_lie_in(self, half: HalfYear) -> bool:
        """Return whether it may have happened in the half-year. Without `after`, only `by` counts."""
        if self.after is None:
            return self.is_seen_in(half)
        return self.after < half.end and half.start <= self.by

    def is_seen_in(self, half: HalfYear) -> bool:
        """Return whether the first reading that shows it was made in the half-year."""
        return half.start <= self.by < half.end

    def touches(self, half: HalfYear) -> bool:
        """Return whether one of its two readings was made in the half-year."""
        return self.is_seen_in(half) or (self.after is not None and half.start <= self.after < half.end)


@dataclass(frozen=True, slots=True)
class HalfYearTally:
    """The number of accounts, or of posts, with a change in a half-year, as a range. Each counts once."""

    low: int
    """Certain: both readings around the change lie in the half-year."""
    high: int
    """Possible: also changes with one reading outside the half-year, or without an earlier reading."""
    first_seen: int
    """Accounts whose first reading that shows the change lies in the half-year."""
    at_first_look: int
    """Of `first_seen`, those whose first reading already showed it, so the beginning is not known."""


@dataclass(frozen=True, slots=True)
class ObservedFigures:
    """Observations of our own monitor. They are about watched accounts only."""

    watched: int
    """Accounts that were asked for in the half-year, without control accounts."""
    named: int
    """Of `watched`, those named in orders of the country that were issued before the half-year's end."""
    looked: HalfYearCoverage
    withheld: HalfYearTally
    restored: HalfYearTally


@dataclass(frozen=True, slots=True)
class ObservedPosts:
    """What our own monitor saw of watched posts, which no figure of accounts counts."""

    watched: int
    """Posts that were asked for in the half-year, without control posts."""
    withheld: HalfYearTally
    restored: HalfYearTally


@dataclass(frozen=True, slots=True)
class Recorded:
    """Observations in published records. How many accounts their makers checked is not recorded."""

    sources: tuple[str, ...]
    """The `import:<name>` of each, sorted by name."""
    withheld: HalfYearTally
    restored: HalfYearTally


@dataclass(frozen=True, slots=True)
class Claimed:
    """The figures of all sources for one platform, country and half-year, beside what was observed."""

    platform: Platform
    half: HalfYear
    published: tuple[TransparencyReport, ...]
    """Sorted by source. Never sum them, because they may count the same demands."""
    own: ObservedFigures | None
    """None means that no account was read, not that nothing happened."""
    recorded: Recorded | None
    posts: ObservedPosts | None = None
    """None means that no post was read."""

    def values(self, figure: Callable[[TransparencyReport], float | None]) -> tuple[float, ...]:
        """Return the different values that the sources report for one figure, in ascending order."""
        return tuple(sorted({v for r in self.published if (v := figure(r)) is not None}))


def demands(report: TransparencyReport) -> int | None:
    """Return all demands of a source: its own total, else court orders plus others if it has both."""
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
"""The figures on which sources can disagree, by name."""


def disagreements(found: Claimed) -> dict[str, tuple[float, ...]]:
    """Return the figures with different values in different sources. Unreported figures do not count."""
    values_of = {name: found.values(figure) for name, figure in FIGURES.items()}
    return {name: values for name, values in values_of.items() if len(values) > 1}


def codes_by_name(reports: Iterable[TransparencyReport], official: Mapping[str, str]) -> dict[str, str]:
    """Return country codes by the names in sources, in lower case, from the lines that have both.

    A name with two codes gets none. For other names, `official` has the names of countries by code.
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
    """Return the country code of a line; None for a total, and for a name without a code."""
    if report.iso2 is not None:
        return RESERVED_CODES.get(report.iso2, report.iso2)
    return by_name.get(report.country.casefold())


def sightings(
    account_id: AccountId, states: Sequence[ConfirmedCountryState]
) -> tuple[list[CountrySighting], list[CountrySighting]]:
    """Return when an account became withheld in the country, and when it was restored. `states` are by time.

    Withheld and then suspended or gone is not restored. Available, protected or withheld elsewhere is.
    """
    withheld: list[CountrySighting] = []
    restored: list[CountrySighting] = []
    before: ConfirmedCountryState | None = None
    is_out = False
    for state in states:
        after = state.onset_after or (before.since if before is not None else None)
        here = CountrySighting(account_id, after, state.since, state.source)
        if state.kind is Kind.WITHHELD and (before is None or before.kind is not Kind.WITHHELD):
            withheld.append(here)
            is_out = True
        elif state.kind.is_back and is_out:
            restored.append(here)
            is_out = False
        before = state
    return withheld, restored


def tally(seen: Collection[CountrySighting], half: HalfYear) -> HalfYearTally:
    """Count the accounts with a change in the half-year."""
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
    """Return the published records of a half-year; None if no reading around a change lies in it."""
    sources = {s.source for s in (*withheld, *restored) if s.is_imported and s.touches(half)}
    if not sources:
        return None
    return Recorded(
        sources=tuple(sorted(sources)),
        withheld=tally([s for s in withheld if s.is_imported], half),
        restored=tally([s for s in restored if s.is_imported], half),
    )


def posts_in(
    half: HalfYear,
    watched: int,
    withheld: Collection[CountrySighting],
    restored: Collection[CountrySighting],
) -> ObservedPosts | None:
    """Return our own observations of posts in a half-year; None without a reading of one."""
    if not watched:
        return None
    return ObservedPosts(
        watched=watched,
        withheld=tally([s for s in withheld if not s.is_imported], half),
        restored=tally([s for s in restored if not s.is_imported], half),
    )


def observed_in(
    half: HalfYear,
    watched: tuple[int, int],
    looked: HalfYearCoverage | None,
    withheld: Collection[CountrySighting],
    restored: Collection[CountrySighting],
) -> ObservedFigures | None:
    """Return our own observations in a half-year; None without a reading. `watched` is (watched, named)."""
    if looked is None or not watched[0]:
        return None
    return ObservedFigures(
        watched=watched[0],
        named=watched[1],
        looked=looked,
        withheld=tally([s for s in withheld if not s.is_imported], half),
        restored=tally([s for s in restored if not s.is_imported], half),
    )

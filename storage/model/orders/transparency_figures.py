"""Figures that platforms published about the demands they received, as collected by a source."""

from dataclasses import dataclass

from storage.model.core.accounts import Platform

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class TransparencyReport:
    """The figures of one source for one country and half-year. None means that a figure was not reported.

    Sources overlap: two may count the same demands, from the same report or from another version of it.
    Figures of different sources are never summed. The country `(world)` is a total, not a country.
    """

    platform: Platform
    period: str
    """`2018-H1` or `2018-H2`."""
    country: str
    """As the source names it."""
    source: str
    iso2: str | None
    court_orders: int | None
    other_legal_demands: int | None
    total_demands: int | None
    accounts_specified: int | None
    accounts_withheld: int | None
    tweets_withheld: int | None
    accounts_tos: int | None
    """Accounts with something removed for breaking the platform's own rules."""
    pct_some_withheld: float | None
    """Share of the demands after which something was withheld, in percent."""
    source_url: str

    @property
    def key(self) -> Key:
        """Return the key. A source has one report per country and half-year, which never changes."""
        return self.platform.value, self.period, self.country, self.source

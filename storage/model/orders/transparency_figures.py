"""Figures that platforms published of the demands that they got, as somebody gathered them."""

from dataclasses import dataclass

from storage.model.core.accounts import Platform

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class TransparencyReport:
    """What one source says of one country in one half-year. A figure that is None was not reported.

    Sources overlap: two may tell the same demands, from the same report or from another version of it.
    Figures of different sources are never summed. `(world)` as a country is a total, and not one either.
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
        """A source says one thing of a country in a half-year, and does not change it."""
        return self.platform.value, self.period, self.country, self.source

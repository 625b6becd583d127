"""Pure: which countries the answers of a platform could speak of, and since when.

On Bluesky these are the countries whose labelers the settings name. A country that an answer could not speak
of is as silent in it as one whose labeler was not heard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.availability import BY_COUNTRY, Status

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CountryScope:
    """From `since` on, answers could speak of these countries."""

    since: datetime
    countries: frozenset[str]


@dataclass(frozen=True, slots=True)
class CountryScopes:
    """The scopes of one platform in the order of time. Empty: every answer speaks of all countries."""

    scopes: tuple[CountryScope, ...] = ()

    @property
    def countries(self) -> frozenset[str]:
        """All that some answer could speak of."""
        return _NONE.union(*(s.countries for s in self.scopes))

    def unspoken(self, at: datetime, status: Status) -> frozenset[str]:
        """The countries of which an answer of this status at this time said nothing, whoever was heard."""
        return self.lacking(at) if status in BY_COUNTRY else self.countries

    def lacking(self, at: datetime) -> frozenset[str]:
        """The countries that an answer at this time could not speak of, and others could.

        Empty before the first scope: what could be spoken of then is not recorded.
        """
        now = self._at(at)
        if now is None:
            return _NONE
        return self.countries - now.countries

    def gained_since(self, at: datetime) -> frozenset[str]:
        """The countries that answers can speak of today, and an answer at this time could not."""
        then = self._at(at)
        return _NONE if then is None else self.scopes[-1].countries - then.countries

    def before_the_newest(self, at: datetime) -> frozenset[str]:
        """`lacking`, of an answer that came before the scope of today; empty for any later answer."""
        return self.lacking(at) if self.scopes and at < self.scopes[-1].since else _NONE

    def gaps(self, country: str) -> Iterator[tuple[datetime, datetime | None]]:
        """When no answer could speak of a country: from, until before. None: it is so today."""
        for n, scope in enumerate(self.scopes):
            if country not in scope.countries:
                yield scope.since, self.scopes[n + 1].since if n + 1 < len(self.scopes) else None

    def was_in_reach(self, country: str, until: datetime) -> bool:
        """Whether some answer up to a time could speak of a country, as far as is known."""
        if not self.scopes or until < self.scopes[0].since:
            return True
        return any(country in s.countries for s in self.scopes if s.since <= until)

    def _at(self, at: datetime) -> CountryScope | None:
        return next((s for s in reversed(self.scopes) if s.since <= at), None)


EVERY_COUNTRY = CountryScopes()

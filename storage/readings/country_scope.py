"""The countries that a platform's collector can report, with one row per change of the settings."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.model.core.country_scope import EVERY_COUNTRY, CountryScope, CountryScopes
from storage.postgres.pool import Conn


async def load_scopes(conn: Conn, platform: Platform) -> CountryScopes:
    """The countries that a platform's answers could report, over time."""
    return (await load_all_scopes(conn)).get(platform, EVERY_COUNTRY)


async def load_all_scopes(conn: Conn) -> dict[Platform, CountryScopes]:
    """For each platform, the countries that its answers could report, over time. Platforms whose answers
    report all countries are left out.
    """
    rows = await conn.fetch("select platform, since, countries from country_scope order by platform, since")
    found: defaultdict[Platform, list[CountryScope]] = defaultdict(list)
    for r in rows:
        found[Platform(r["platform"])].append(CountryScope(r["since"], frozenset(r["countries"])))
    return {platform: CountryScopes(tuple(scopes)) for platform, scopes in found.items()}


async def record_scope(conn: Conn, platform: Platform, countries: Collection[str], now: datetime) -> None:
    """Store that answers can report these countries from now on. Nothing is stored if the newest row has the
    same countries.
    """
    await conn.execute(
        """
        insert into country_scope (platform, since, countries)
        select $1, greatest($3, newest.since + interval '1 microsecond'), $2
        from (select) as one
        left join lateral (
            select since, countries from country_scope where platform = $1 order by since desc limit 1
        ) newest on true
        where newest.countries is distinct from $2
        """,
        platform.value,
        sorted(countries),
        now,
    )

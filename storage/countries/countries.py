"""In which countries accounts are or were withheld, and how much of that is only the last that was known."""

from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class CountryCount:
    """Pairs of an account or a post and this country. `pairs_ever` is the sum of the three counts after it.

    Only confirmed changes count: a contrary reading moves a pair when it is confirmed. None of this says
    "now": the readings may be years old, so show the dates with the counts.
    """

    country: str
    pairs_ever: int
    """Ever seen withheld there."""
    withheld_at_last_reading: int
    """Withheld there at the newest look at the account."""
    no_longer: int
    """Seen in another state since."""
    last_known_only: int
    """Withheld there when last seen, but the newest look at the account told nothing."""
    oldest_reading_at: datetime | None
    newest_reading_at: datetime | None
    """Of each account the newest reading counts: these are the first and the last of them."""
    posts: int = 0
    """How many of `pairs_ever` are of posts."""


async def by_country(conn: Conn) -> list[CountryCount]:
    """One row a country, most pairs first."""
    rows = await conn.fetch(
        """
        with pair as (
            select distinct s.account_id, u.country from spell s, unnest(s.withheld_in) as u (country)
            where upper_inf(s.recorded)
        ),
        member as (
            select r.roster_id, m.account_id, m.position
            from roster r cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
            where r.vantage = '' and m.account_id in (select account_id from pair)
        ),
        newest as (
            select distinct on (m.account_id) m.account_id,
                c.outcome = 0 and answered_at(c.answered, m.position) as told
            from member m
            cross join lateral (
                select c.observed_at, c.attempt, c.outcome, c.answered from coverage c
                where c.roster_id = m.roster_id order by c.observed_at desc, c.attempt desc limit 1
            ) c
            order by m.account_id, c.observed_at desc, c.attempt desc
        ),
        reading as (
            select m.account_id, max(c.observed_at) as at
            from member m
            cross join lateral (
                select c.observed_at from coverage c
                where c.roster_id = m.roster_id and c.outcome = 0
                    and answered_at(c.answered, m.position)
                order by c.observed_at desc limit 1
            ) c
            group by m.account_id
        ),
        stand as (
            select p.country, a.is_post, coalesce(n.told, false) as told, r.at,
                coalesce(p.country = any(s.withheld_in) or 'XX' = any(s.withheld_in), false) as still
            from pair p
            join account a on a.account_id = p.account_id
            left join spells_now() s on s.account_id = p.account_id
            left join newest n on n.account_id = p.account_id
            left join reading r on r.account_id = p.account_id
        )
        select country, count(*) as pairs_ever,
            count(*) filter (where still and told) as withheld_at_last_reading,
            count(*) filter (where not still) as no_longer,
            count(*) filter (where still and not told) as last_known_only,
            min(at) as oldest_reading_at, max(at) as newest_reading_at,
            count(*) filter (where is_post) as posts
        from stand group by country order by count(*) desc, country
        """
    )
    return [
        CountryCount(
            r["country"],
            r["pairs_ever"],
            r["withheld_at_last_reading"],
            r["no_longer"],
            r["last_known_only"],
            r["oldest_reading_at"],
            r["newest_reading_at"],
            r["posts"],
        )
        for r in rows
    ]

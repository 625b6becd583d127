"""In which countries accounts are or were withheld, and how much of that is only the last that was known."""

from dataclasses import dataclass

from storage.db import Conn


@dataclass(frozen=True, slots=True)
class CountryCount:
    """Pairs of an account and this country. `pairs_ever` is the sum of the three others."""

    country: str
    pairs_ever: int
    """Ever seen withheld there, by confirmed changes."""
    withheld_now: int
    """Withheld there at the newest look at the account."""
    no_longer: int
    """Seen in another state since."""
    last_known_only: int
    """Withheld there when last seen, but the newest look at the account told nothing."""


async def by_country(conn: Conn) -> list[CountryCount]:
    """One row a country, most pairs first."""
    rows = await conn.fetch(
        """
        with pair as (
            select distinct c.account_id, u.country
            from change c join change_outcome o using (change_id), unnest(c.withheld_in) as u (country)
            where o.outcome = 'confirmed'
        ),
        newest as (
            select distinct on (m.account_id) m.account_id,
                c.outcome = 0 and (c.answered is null or get_bit(c.answered, m.position::int - 1) = 1) as told
            from roster r
            cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
            cross join lateral (
                select c.observed_at, c.attempt, c.outcome, c.answered from coverage c
                where c.roster_id = r.roster_id order by c.observed_at desc, c.attempt desc limit 1
            ) c
            where m.account_id in (select account_id from pair)
            order by m.account_id, c.observed_at desc, c.attempt desc
        ),
        now as (
            select p.country, coalesce(p.country = any(s.withheld_in), false) as still,
                coalesce(n.told, false) as told
            from pair p
            left join spell s on s.account_id = p.account_id and upper_inf(s.valid) and upper_inf(s.recorded)
            left join newest n on n.account_id = p.account_id
        )
        select country, count(*) as pairs_ever, count(*) filter (where still and told) as withheld_now,
            count(*) filter (where not still) as no_longer,
            count(*) filter (where still and not told) as last_known_only
        from now group by country order by count(*) desc, country
        """
    )
    return [
        CountryCount(r["country"], r["pairs_ever"], r["withheld_now"], r["no_longer"], r["last_known_only"])
        for r in rows
    ]

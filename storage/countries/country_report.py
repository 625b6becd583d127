"""Read model of one country: the accounts that are or were withheld there, one row each."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.core.availability import Flag, State, Status
from storage.postgres.pool import Conn


class CountryStatus(StrEnum):
    """How an account stands in a country, by what was last seen of it. None of these says "now"."""

    WITHHELD = "withheld"
    """Withheld there at the newest look at the account."""
    LAST_KNOWN = "last-known"
    """Withheld there when last seen, but the newest look told nothing."""
    NO_LONGER = "no-longer"
    """Seen in another state since."""


@dataclass(frozen=True, slots=True)
class CountryAccount:
    account_id: int
    platform: str
    handle: str
    standing: CountryStatus
    state: State
    """Of the account as a whole, as last confirmed."""
    since_after: datetime | None
    """The last reading that contradicts the standing; None when nothing contrary was ever seen."""
    since: datetime
    """The first reading that shows it: being withheld there, or, if no longer so, being something else."""
    last_reading_at: datetime | None
    source: str
    """What saw that first reading: a platform's name for our own monitor, `import:<name>` for a record."""
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed `state` first."""


async def country_accounts(
    conn: Conn, country: str, standing: CountryStatus | None, limit: int, offset: int
) -> tuple[CountryAccount, ...]:
    """Accounts ever seen withheld in `country`, in one standing (None: in any), the newest `since` first.

    They are the pairs that `storage.countries.countries.by_country` counts.
    """
    rows = await conn.fetch(
        """
        with step as (
            select s.account_id, s.change_id, s.before_change, s.status, s.withheld_in, s.onset_after,
                lower(s.valid) as since,
                $1 = any(s.withheld_in) or 'XX' = any(s.withheld_in) as inside,
                upper_inf(s.valid) as open
            from spell s
            where upper_inf(s.recorded) and s.account_id in (
                select account_id from spell where upper_inf(recorded) and $1 = any(withheld_in)
            )
        ),
        turn as (
            select step.*, inside is distinct from lag(inside) over w as turned
            from step window w as (partition by account_id order by since)
        ),
        latest as (
            select distinct on (account_id) account_id, change_id, onset_after, since
            from turn where turned order by account_id, since desc
        ),
        pair as (
            select last.account_id, last.status, last.withheld_in, last.inside, last.change_id as opening_id,
                last.before_change, latest.change_id, latest.onset_after, latest.since
            from step last join latest using (account_id) where last.open
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
            select p.*, r.at as last_reading_at,
                case
                    when not p.inside then 'no-longer'
                    when n.told then 'withheld'
                    else 'last-known'
                end as standing
            from pair p
            left join newest n on n.account_id = p.account_id
            left join reading r on r.account_id = p.account_id
        )
        select s.account_id, a.platform, a.handle, s.standing, s.status, s.withheld_in,
            s.onset_after, s.since, s.last_reading_at, c.source,
            case when s.before_change then '{}' else opening.flags end as flags
        from stand s join account a using (account_id) join change c using (change_id)
        join change opening on opening.change_id = s.opening_id
        where $2::text is null or s.standing = $2
        order by s.since desc, lower(a.handle), s.account_id
        limit $3 offset $4
        """,
        country,
        standing and standing.value,
        limit,
        offset,
    )
    return tuple(
        CountryAccount(
            account_id=r["account_id"],
            platform=r["platform"],
            handle=r["handle"],
            standing=CountryStatus(r["standing"]),
            state=State(Status(r["status"]), tuple(r["withheld_in"])),
            since_after=r["onset_after"],
            since=r["since"],
            last_reading_at=r["last_reading_at"],
            source=r["source"],
            flags=frozenset(Flag(f) for f in r["flags"]),
        )
        for r in rows
    )

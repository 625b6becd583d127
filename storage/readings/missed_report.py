"""Read models of the looks at one account that told nothing, or nothing of some countries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.availability import MissedReason
from storage.model.core.coverage import Gap
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class Misses:
    """Attempts within one silence that told nothing of the account, all for one reason."""

    since: datetime
    """Where the silence begins: the last reading before it."""
    reason: MissedReason
    alone: bool
    """Others of the same requests were answered, so that only what stands behind this account failed."""
    attempts: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Unheard:
    """A country of which the account's last reading told nothing."""

    country: str
    read_at: datetime
    last_heard: datetime | None
    """The newest reading that did tell of it; None when there is none."""


async def misses(conn: Conn, account_id: int, silences: Sequence[Gap], now: datetime) -> tuple[Misses, ...]:
    """Why nothing was learned of the account in each silence, by silence and with the most frequent first.

    Attempts of our own connection only; a silence in which nobody asked is not in the answer.
    """
    rows = await conn.fetch(
        """
        select s.since, c.reason, c.alone, count(*)::int as attempts, min(c.at) as first_at,
            max(c.at) as last_at
        from unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
        cross join lateral account_misses($1, s.since, coalesce(s.until, 'infinity')) c
        where c.at > s.since and c.at <= $4
        group by s.since, c.reason, c.alone order by s.since, attempts desc, c.reason, c.alone
        """,
        account_id,
        [s.since for s in silences],
        [s.until for s in silences],
        now,
    )
    return tuple(
        Misses(r["since"], MissedReason(r["reason"]), r["alone"], r["attempts"], r["first_at"], r["last_at"])
        for r in rows
    )


async def unheard(conn: Conn, account_id: int, now: datetime) -> tuple[Unheard, ...]:
    """The countries of which the last reading of the account told nothing, in the order of their codes."""
    newest = await conn.fetchrow(
        """
        select c.observed_at, c.silent
        from (
            select roster_id, array_position(account_ids, $1::int) as position from roster
            where account_ids @> array[$1::int] and vantage = ''
        ) r
        cross join lateral (
            select observed_at, silent from coverage
            where roster_id = r.roster_id and outcome = 0 and observed_at <= $2
                and (answered is null or get_bit(answered, r.position - 1) = 1)
            order by observed_at desc limit 1
        ) c
        order by c.observed_at desc limit 1
        """,
        account_id,
        now,
    )
    if newest is None or not newest["silent"]:
        return ()
    rows = await conn.fetch(
        """
        select s.country, max(c.observed_at) as last_heard
        from unnest($2::text[]) as s (country)
        cross join (
            select roster_id, array_position(account_ids, $1::int) as position from roster
            where account_ids @> array[$1::int] and vantage = ''
        ) r
        left join lateral (
            select observed_at from coverage
            where roster_id = r.roster_id and outcome = 0 and observed_at < $3
                and (answered is null or get_bit(answered, r.position - 1) = 1)
                and (silent is null or s.country <> all(silent))
            order by observed_at desc limit 1
        ) c on true
        group by s.country order by s.country
        """,
        account_id,
        newest["silent"],
        newest["observed_at"],
    )
    return tuple(Unheard(r["country"], newest["observed_at"], r["last_heard"]) for r in rows)

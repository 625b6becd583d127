"""For pages: the missed attempts for one account, and the countries that its last reading did not report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.availability import MissedReason
from storage.model.core.coverage import Gap
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived

_USUALLY_ANSWERED_IN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Misses:
    """The missed attempts for an account in one silence, all with the same `reason` and the same `alone`. A
    silence is the time between two readings of the account.
    """

    since: datetime
    """The start of the silence: the time of the last reading before it."""
    reason: MissedReason
    alone: bool
    """True if other accounts in the same requests were answered."""
    attempts: int
    first_at: datetime
    last_at: datetime
    of_others: bool = False
    """True if the attempts were for other accounts of the same server. There were no requests for this
    account, because the server was paused.
    """


@dataclass(frozen=True, slots=True)
class SlowAnswer:
    """An answer that ended a silence and took unusually long."""

    since: datetime
    """The start of the silence."""
    asked_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Unheard:
    """A country about which the account's last reading says nothing."""

    country: str
    read_at: datetime
    last_heard: datetime | None
    """The time of the newest reading that reported the country; None if there is none."""


async def misses(
    conn: Conn, account_id: int, silences: Sequence[Gap], now: datetime, gap_after: timedelta
) -> tuple[Misses, ...]:
    """Return the missed attempts of our own connection for an account in these silences. Within a silence,
    the most frequent reason comes first.

    If a silence has no missed attempts for the account, it is left out, with one exception: if it is longer
    than `gap_after`, the missed attempts for other accounts of the same server are returned instead. The
    server may have been paused, and then this account was not asked about.
    """
    if silences:
        await with_archived(conn, *_around(silences, now), [account_id])
    own = await _own_misses(conn, account_id, silences, now)
    asked = {m.since for m in own}
    bare = [s for s in silences if s.since not in asked and (s.until or now) - s.since > gap_after]
    return own + await _misses_of_others(conn, account_id, bare, now) if bare else own


async def slow_answers(conn: Conn, account_id: int, silences: Sequence[Gap]) -> tuple[SlowAnswer, ...]:
    """Return the answers that ended these silences and took longer than usual. Silences that have not ended
    are left out.
    """
    ended = [s for s in silences if s.until is not None]
    if ended:
        await with_archived(conn, *_around(ended, max(s.since for s in ended)), [account_id])
    rows = await conn.fetch(
        """
        select s.since, c.asked_at, s.until
        from unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
        cross join lateral (
            select min(c.observed_at - c.latency_ms * interval '1 millisecond') as asked_at
            from roster r join coverage c using (roster_id)
            where r.account_ids @> array[$1::int] and r.vantage = ''
                and c.observed_at = s.until and c.outcome = 0
        ) c
        where s.until - c.asked_at >= $4
        """,
        account_id,
        [s.since for s in silences],
        [s.until for s in silences],
        _USUALLY_ANSWERED_IN,
    )
    return tuple(SlowAnswer(r["since"], r["asked_at"], r["until"]) for r in rows)


def _around(silences: Sequence[Gap], now: datetime) -> tuple[datetime, datetime]:
    """The time from the beginning of the first silence to the end of the last."""
    return min(s.since for s in silences), max(s.until or now for s in silences)


async def _own_misses(
    conn: Conn, account_id: int, silences: Sequence[Gap], now: datetime
) -> tuple[Misses, ...]:
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


async def _misses_of_others(
    conn: Conn, account_id: int, silences: Sequence[Gap], now: datetime
) -> tuple[Misses, ...]:
    """Return the missed attempts for other accounts of the same server, within these silences.

    Only the first day of each silence is examined. Attempts count if they are in a stretch without any answer
    of the server. This stretch must be at least half of the time examined.
    """
    for s in silences:
        await with_archived(conn, s.since, min(s.until or now, s.since + timedelta(days=1)))
    rows = await conn.fetch(
        """
        with asked as materialized (
            select s.since, least(s.until, s.since + interval '1 day', $4) as until, c.*
            from unnest($2::timestamptz[], $3::timestamptz[]) as s (since, until)
            cross join (
                select distinct platform, place from roster
                where account_ids @> array[$1::int] and vantage = ''
            ) here
            join roster r using (platform, place)
            cross join lateral (
                select roster_id, observed_at as at, outcome, missed_reason from coverage
                where roster_id = r.roster_id and observed_at > s.since
                    and observed_at < least(s.until, s.since + interval '1 day', $4)
                offset 0
            ) c
            where r.base and r.vantage = '' and (r.retired_at is null or r.retired_at > s.since)
        ), told as (
            -- An answered request starts a new stretch.
            select *, count(*) filter (where outcome = 0) over (
                partition by since order by at, roster_id
            ) as stretch
            from asked
        ), stretches as (
            select since, stretch, lead(min(at), 1, min(until)) over (
                partition by since order by stretch
            ) - case stretch when 0 then since else min(at) end as lasted
            from told group by since, stretch
        )
        select since, missed_reason as reason, count(*)::int as attempts, min(at) as first_at,
            max(at) as last_at
        from told join stretches using (since, stretch)
        where outcome = 1 and lasted * 2 >= until - since
        group by since, missed_reason order by since, attempts desc, missed_reason
        """,
        account_id,
        [s.since for s in silences],
        [s.until for s in silences],
        now,
    )
    return tuple(
        Misses(
            r["since"],
            MissedReason(r["reason"]),
            alone=False,
            attempts=r["attempts"],
            first_at=r["first_at"],
            last_at=r["last_at"],
            of_others=True,
        )
        for r in rows
    )


async def unheard(conn: Conn, account_id: int, now: datetime) -> tuple[Unheard, ...]:
    """The countries about which the account's last reading says nothing, sorted by code. Empty if there are
    none, or if the account was never read.
    """
    await with_archived(conn, now, now, [account_id])
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
                and answered_at(answered, r.position)
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
                and answered_at(answered, r.position)
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

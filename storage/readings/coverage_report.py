"""Coverage for pages: when accounts were read, the silences between readings, and recent requests.

Only requests from the installation's own connection count, not those from other vantage points.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from storage.model.core.coverage import Gap, is_answered
from storage.model.core.coverage_gaps import (
    AnsweredRequest,
    Seen,
    SharedCoverage,
    Watch,
    coverage_of,
    shared_coverage,
)
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived

_OVERLAP = timedelta(days=1)
"""Rosters that were retired so long before are looked into only for accounts that were not read since."""
_LATE = timedelta(hours=1)
"""An answer to a roster that has just been retired comes sooner than this."""


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """What was read in a time window."""

    rosters: dict[int, tuple[int, ...]]
    """The accounts of each roster of the regular sweep."""
    seen: dict[int, Seen]
    """How completely each account was read, by account id."""
    outages: tuple[Gap, ...]
    """Periods in which no account was read, oldest first. A period that has not ended is left out."""


@dataclass(frozen=True, slots=True)
class Request:
    """One answered request, as the live page needs it."""

    roster_id: int
    slot: datetime
    attempt: int
    at: datetime
    missing: tuple[int, ...]
    """Accounts of the roster that gave no conclusive answer."""
    account_ids: tuple[int, ...] | None
    """The accounts of a single re-read; None for a roster of the regular sweep."""


async def live_coverage(
    conn: Conn, since: datetime, now: datetime, gap_after: timedelta, account_id: int | None = None
) -> CoverageReport:
    """Summarise the coverage between `since` and `now`. Silences longer than `gap_after` are gaps.

    If `account_id` is given, only this account's rosters count, and `outages` is empty.
    """
    await with_archived(conn, since, now, None if account_id is None else [account_id])
    if account_id is None:
        rows = await _requests_of_all(conn, since, now, gap_after, None)
        outages = await _outages(conn, since, now, gap_after)
    else:
        rows = await _requests_of_some(conn, since, now, gap_after, [account_id], None)
        outages = ()
    watches = await _watches(conn, rows, with_sweep=account_id is None)
    return CoverageReport(
        rosters={roster_id: w.account_ids for roster_id, w in watches.items() if w.base},
        seen=await asyncio.to_thread(_seen, watches, rows, gap_after, since),
        outages=outages,
    )


async def watched_coverage(
    conn: Conn, since: datetime, now: datetime, gap_after: timedelta
) -> CoverageReport:
    """`live_coverage` of the accounts that are watched, at a cost that does not grow with the rosters that
    they were in before.
    """
    await with_archived(conn, since, now)
    watches, requests = await _requests_of_watched(conn, since, now, gap_after)
    return CoverageReport(
        rosters={roster_id: w.account_ids for roster_id, w in watches.items() if w.base},
        seen=await asyncio.to_thread(coverage_of, watches, requests, gap_after, since),
        outages=await _outages(conn, since, now, gap_after),
    )


@dataclass(frozen=True, slots=True)
class GroupedCoverage:
    """What was read in a time window of very many accounts."""

    shared: SharedCoverage
    of_some: CoverageReport
    """Of the accounts that were asked about one by one. Its rosters are those with one of them, and hold
    these only.
    """


async def grouped_coverage(
    conn: Conn, since: datetime, now: datetime, gap_after: timedelta, account_ids: Collection[int]
) -> GroupedCoverage:
    """`watched_coverage`, account by account only for `account_ids`."""
    await with_archived(conn, since, now)
    watches, requests = await _requests_of_watched(conn, since, now, gap_after)
    among = frozenset(account_ids)
    kept = {
        roster_id: tuple(a for a in w.account_ids if a in among)
        for roster_id, w in watches.items()
        if w.base and not among.isdisjoint(w.account_ids)
    }
    return GroupedCoverage(
        shared=await asyncio.to_thread(shared_coverage, watches, requests, gap_after, since),
        of_some=CoverageReport(
            rosters=kept,
            seen=await asyncio.to_thread(coverage_of, watches, requests, gap_after, since, among),
            outages=await _outages(conn, since, now, gap_after),
        ),
    )


async def _requests_of_watched(
    conn: Conn, since: datetime, now: datetime, gap_after: timedelta
) -> tuple[dict[int, Watch], list[AnsweredRequest]]:
    """The rosters that the watched accounts were asked in, and the requests that their coverage needs."""
    cut = since - _OVERLAP
    rows = await _requests_of_all(conn, since, now, gap_after, cut)
    watches = await _watches(conn, rows, with_sweep=True)
    # No roster that was retired before `cut` has a later reading of these accounts.
    recent = {r["roster_id"] for r in rows if cut + _LATE < r["observed_at"] <= since}
    known = {i for roster_id in recent if watches[roster_id].base for i in watches[roster_id].account_ids}
    requests = [AnsweredRequest(*row) for row in rows]
    for one in await _last_before(conn, since, cut, known):
        # Like a single re-read: this roster is asked no more.
        number = -one["account_id"]
        watches[number] = Watch((one["account_id"],), base=False)
        requests.append(AnsweredRequest(number, one["observed_at"], None, None, None))
    return watches, requests


async def _last_before(conn: Conn, since: datetime, cut: datetime, known: Collection[int]) -> list[Record]:
    """The last answered request, up to `since`, of each watched account that is not in `known`, in the
    rosters that were retired by `cut`.
    """
    watched = await conn.fetch(
        "select account_id from account where watched and added_at <= $1 and account_id <> all($2::bigint[])",
        since,
        list(known),
    )
    if not watched:
        return []
    return await conn.fetch(
        """
        with last as materialized (
            select r.account_ids, before.observed_at from roster r
            cross join lateral (
                select c.observed_at from coverage c
                where c.roster_id = r.roster_id and c.outcome = 0 and c.observed_at <= $1
                order by c.observed_at desc limit 1
            ) before
            where r.base and r.vantage = '' and r.retired_at <= $2
        )
        select m.account_id, max(last.observed_at) as observed_at
        from last cross join lateral unnest(last.account_ids) as m (account_id)
        join unnest($3::int[]) as wanted (account_id) using (account_id)
        group by m.account_id
        """,
        since,
        cut,
        [r["account_id"] for r in watched],
    )


def _seen(
    watches: Mapping[int, Watch], rows: Iterable[Record], gap_after: timedelta, since: datetime
) -> dict[int, Seen]:
    """Fold the rows, whose columns are the fields of an `AnsweredRequest`."""
    return coverage_of(watches, map(AnsweredRequest._make, rows), gap_after, since)


async def _requests_of_all(
    conn: Conn, since: datetime, now: datetime, gap_after: timedelta, cut: datetime | None
) -> list[Record]:
    """The answered requests that `coverage_of` needs, by roster and time. Rosters that were retired by `cut`
    are left out; None leaves out none.
    """
    return await conn.fetch(
        """
        with inside as (
            select c.roster_id, c.observed_at, c.answered from coverage c join roster r using (roster_id)
            where c.outcome = 0 and c.observed_at > $1 and c.observed_at <= $2 and r.vantage = ''
            union all
            select r.roster_id, before.observed_at, null from roster r
            cross join lateral (
                select c.observed_at from coverage c
                where c.roster_id = r.roster_id and c.outcome = 0 and c.observed_at <= $1
                order by c.observed_at desc limit 1
            ) before
            where r.base and r.vantage = ''
                and (r.retired_at is null or r.retired_at > coalesce($4, '-infinity'::timestamptz))
        ),
        ordered as (
            select i.roster_id, i.observed_at, i.answered, r.base,
                lag(i.observed_at) over w as previous, lead(i.observed_at) over w as following
            from inside i join roster r using (roster_id)
            window w as (partition by i.roster_id order by i.observed_at)
        )
        select roster_id, observed_at, previous, following, answered from ordered
        where not base or answered is not null or previous is null or following is null
            or observed_at - previous > $3
        order by roster_id, observed_at
        """,
        since,
        now,
        gap_after,
        cut,
    )


async def seen_of(
    conn: Conn,
    account_ids: Sequence[int],
    since: datetime,
    until: datetime,
    gap_after: timedelta,
    known_at: datetime | None = None,
) -> dict[int, Seen]:
    """How completely these accounts were read between `since` and `until`. Silences longer than `gap_after`
    are gaps.

    Only what was recorded by `known_at` counts; None means no limit.
    """
    await with_archived(conn, since, until, account_ids, known_at=known_at)
    rows = await _requests_of_some(conn, since, until, gap_after, account_ids, known_at)
    watches = await _watches(conn, rows, with_sweep=False)
    return await asyncio.to_thread(_seen, watches, rows, gap_after, since)


async def _requests_of_some(
    conn: Conn,
    since: datetime,
    now: datetime,
    gap_after: timedelta,
    account_ids: Sequence[int],
    known_at: datetime | None,
) -> list[Record]:
    """The requests of all rosters that these accounts were ever in."""
    return await conn.fetch(
        """
        with asked as materialized (
            select roster_id, base from roster where account_ids && $4::int[] and vantage = ''
        ),
        inside as (
            select r.roster_id, r.base, c.* from asked r
            cross join lateral (
                select observed_at, answered from coverage
                where roster_id = r.roster_id and outcome = 0 and observed_at > $1 and observed_at <= $2
                    and recorded_at <= coalesce($5::timestamptz, 'infinity')
                offset 0
            ) c
            union all
            select r.roster_id, r.base, before.observed_at, null from asked r
            cross join lateral (
                select observed_at from coverage
                where roster_id = r.roster_id and outcome = 0 and observed_at <= $1
                    and recorded_at <= coalesce($5::timestamptz, 'infinity')
                order by observed_at desc limit 1
            ) before
            where r.base
        ),
        ordered as (
            select i.*, lag(observed_at) over w as previous, lead(observed_at) over w as following
            from inside i window w as (partition by roster_id order by observed_at)
        )
        select roster_id, observed_at, previous, following, answered from ordered
        where not base or answered is not null or previous is null or following is null
            or observed_at - previous > $3
        order by roster_id, observed_at
        """,
        since,
        now,
        gap_after,
        account_ids,
        known_at,
    )


async def _watches(conn: Conn, requests: Iterable[Record], *, with_sweep: bool) -> dict[int, Watch]:
    """Return the rosters of these requests with their members. If `with_sweep` is True, add all rosters of
    the current sweep.
    """
    rows = await conn.fetch(
        """
        select roster_id, account_ids, base from roster where roster_id = any($1::int[])
        union all
        select roster_id, account_ids, base from roster
        where $2 and base and retired_at is null and vantage = '' and roster_id <> all($1::int[])
        """,
        sorted({r["roster_id"] for r in requests}),
        with_sweep,
    )
    return {r["roster_id"]: Watch(tuple(r["account_ids"]), r["base"]) for r in rows}


async def _outages(conn: Conn, since: datetime, now: datetime, gap_after: timedelta) -> tuple[Gap, ...]:
    rows = await conn.fetch(
        """
        select previous, observed_at from (
            select c.observed_at, lag(c.observed_at) over (order by c.observed_at) as previous
            from coverage c join roster r using (roster_id)
            where c.outcome = 0 and c.observed_at > $1 and c.observed_at <= $2 and r.vantage = ''
                and (c.answered is null or bit_count(c.answered) > 0)
        ) c
        where observed_at - previous > $3 order by observed_at
        """,
        since,
        now,
        gap_after,
    )
    return tuple(Gap(r["previous"], r["observed_at"]) for r in rows)


async def requests_since(
    conn: Conn, since: datetime, now: datetime, roster_ids: Sequence[int] | None = None
) -> tuple[Request, ...]:
    """The answered requests observed after `since`, oldest first. Of the regular sweep only those of
    `roster_ids`; None means all.
    """
    await with_archived(conn, since, now)
    rows = await conn.fetch(
        """
        select c.roster_id, c.slot, c.attempt, c.observed_at, c.answered, r.base,
            case when c.answered is null and r.base then null else r.account_ids end as account_ids
        from coverage c join roster r using (roster_id)
        where c.outcome = 0 and c.observed_at > $1 and c.observed_at <= $2 and r.vantage = ''
            and ($3::int[] is null or not r.base or r.roster_id in (select unnest($3)))
        order by c.observed_at, c.roster_id
        """,
        since,
        now,
        roster_ids,
    )
    return tuple(
        Request(
            roster_id=r["roster_id"],
            slot=r["slot"],
            attempt=r["attempt"],
            at=r["observed_at"],
            missing=tuple(
                account_id
                for position, account_id in enumerate(r["account_ids"] or ())
                if not is_answered(r["answered"], position)
            ),
            account_ids=None if r["base"] else tuple(r["account_ids"]),
        )
        for r in rows
    )

"""Read model of the replay film: when accounts were read, with when that was recorded.

Only what was read from the installation's own connection counts: another vantage proves nothing here.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.bitemporal.read_runs import Reads, RosterAnswer, UsualPace, reads_of
from storage.model.core.coverage import is_answered
from storage.model.core.coverage_gaps import Watch
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class FilmRequest:
    """One answered request, with when it was recorded."""

    roster_id: int
    at: datetime
    recorded_at: datetime
    account_ids: tuple[int, ...] | None
    """Who answered; None: all of a roster of the regular sweep."""


@dataclass(frozen=True, slots=True)
class Fill:
    """How much coverage there is of a week. It tells whether anything was recorded since."""

    requests: int
    last_recorded: datetime


async def weeks(conn: Conn) -> dict[datetime, Fill]:
    """The weeks for which requests were planned, by their beginning, oldest first."""
    rows = await conn.fetch(
        """
        select week, sum(requests)::bigint as requests, max(last_recorded) as last_recorded
        from (
            select date_trunc('week', slot, 'UTC') as week, count(*) as requests,
                max(recorded_at) as last_recorded
            from coverage_row group by 1
            union all
            select week, requests, last_recorded from archived_week
        ) w
        group by 1 order by 1
        """
    )
    return {r["week"]: Fill(r["requests"], r["last_recorded"]) for r in rows}


async def film_reads(
    conn: Conn,
    planned: tuple[datetime, datetime],
    until: datetime,
    usual: UsualPace,
    account_ids: Sequence[int] | None = None,
) -> Reads:
    """What was read by `until` in requests that were planned from the first of two times on and before the
    second, of these accounts only (None: of all).
    """
    await with_archived(conn, *planned, account_ids, planned=True)
    rows = await conn.fetch(
        """
        with answer as (
            select c.roster_id, c.observed_at, c.recorded_at, c.answered, r.base
            from coverage c join roster r using (roster_id)
            where c.outcome = 0 and c.slot >= $1 and c.slot < $2 and c.observed_at <= $6 and r.vantage = ''
                and ($5::int[] is null or r.account_ids && $5)
        ),
        beside as (
            select *, lag(observed_at) over w as previous, lead(observed_at) over w as following,
                recorded_at - observed_at <= $4::interval
                and recorded_at <= coalesce(lead(recorded_at) over w, 'infinity') as is_punctual
            from answer window w as (partition by roster_id order by observed_at)
        ),
        near as (
            select *,
                coalesce(lag(is_punctual and answered is null) over w, false)
                and coalesce(lead(is_punctual and answered is null) over w, false) as is_among_such
            from beside window w as (partition by roster_id order by observed_at)
        )
        select roster_id, observed_at, recorded_at, following, answered, is_punctual from near
        where not base or answered is not null or not is_punctual or not is_among_such
            or observed_at - previous > $3::interval or following - observed_at > $3::interval
        order by roster_id, observed_at
        """,
        *planned,
        usual.apart,
        usual.recorded_within,
        account_ids,
        until,
    )
    answers: defaultdict[int, list[RosterAnswer]] = defaultdict(list)
    for r in rows:
        answers[r["roster_id"]].append(
            RosterAnswer(r["observed_at"], r["recorded_at"], r["following"], r["answered"], r["is_punctual"])
        )
    rosters = await conn.fetch(
        """
        select roster_id, account_ids, base from roster
        where roster_id = any($1::int[]) or base and retired_at is null and vantage = ''
        """,
        sorted(answers),
    )
    watches = {r["roster_id"]: Watch(tuple(r["account_ids"]), r["base"]) for r in rosters}
    return reads_of(watches, answers, usual)


async def looks_since(conn: Conn, since: datetime, until: datetime) -> tuple[FilmRequest, ...]:
    """The answered requests made after `since` and by `until`, oldest first."""
    await with_archived(conn, since, until)
    rows = await conn.fetch(
        """
        select c.roster_id, c.observed_at, c.recorded_at, c.answered,
            case when c.answered is null and r.base then null else r.account_ids end as account_ids
        from coverage c join roster r using (roster_id)
        where c.outcome = 0 and c.observed_at > $1 and c.observed_at <= $2 and r.vantage = ''
        order by c.observed_at, c.roster_id
        """,
        since,
        until,
    )
    return tuple(
        FilmRequest(
            r["roster_id"],
            r["observed_at"],
            r["recorded_at"],
            None
            if r["account_ids"] is None
            else tuple(a for n, a in enumerate(r["account_ids"]) if is_answered(r["answered"], n)),
        )
        for r in rows
    )

"""How everything stood at a moment of the past: as it is known now, or as it was known at another moment.

The accounts are those that were watched at that moment, each on the lists that it was on then; of a moment
after `known_at` nothing is known, so that it is told of `known_at` itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.health.status import PlatformStateCount, Requests, StatusReport
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import ChangeKind, MissedReason, State, Status
from storage.model.core.late import late_after
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class ListStatusCount:
    """The watched accounts of one list; each column counts accounts."""

    list_id: int
    name: str
    order: str | None
    """The reference of the order that it belongs to."""
    accounts: int
    withheld: int
    suspended: int
    late: int
    """Those of all of them that had not been read in the last two sweeps."""
    blocked_late: int
    """Blocked when last read, which was longer ago: of them nothing is known at that moment."""
    unconfirmed: int


@dataclass(frozen=True, slots=True)
class WithheldCount:
    """Accounts withheld in one country at that moment, and those of them that had not been read lately."""

    country: str
    accounts: int
    late: int


@dataclass(frozen=True, slots=True)
class PastStatus(StatusReport):
    """One moment."""

    known_at: datetime | None
    """Only what had been recorded by then; None: what is known now."""
    countries: tuple[WithheldCount, ...]
    lists: tuple[ListStatusCount, ...]


async def status_at(
    conn: Conn, at: datetime, known_at: datetime | None, sweep_every: timedelta
) -> PastStatus:
    """Count everything at `at`. Late is an account without a conclusive answer in the two sweeps before."""
    unread_for = late_after(sweep_every)
    late = await unread(conn, at - unread_for, at, known_at)
    return PastStatus(
        at=at,
        late_after=unread_for,
        states=await _states(conn, at, known_at, late),
        provisional=len(await provisional_at(conn, at, known_at)),
        changes={kind: len(ids) for kind, ids in (await recent_changes(conn, at, known_at)).items()},
        requests=await _requests(conn, at, known_at),
        known_at=known_at,
        countries=await _countries(conn, at, known_at, late),
        lists=await _lists(conn, at, known_at, late),
    )


async def unread(
    conn: Conn,
    after: datetime,
    until: datetime,
    known_at: datetime | None,
    account_ids: Sequence[AccountId] | None = None,
) -> list[AccountId]:
    """Who had no conclusive answer between these times, as far as was on record by `known_at` (None: by now);
    of these accounts, None: of those that were watched at `until`, or at `known_at` when that is earlier.
    """
    await with_archived(conn, after, until, account_ids, known_at=known_at)
    rows = await conn.fetch(
        """
        with read as (
            select distinct account_id from answers_between($1, $2)
            where recorded_at <= coalesce($3::timestamptz, 'infinity')
        )
        select a.account_id from account a
        where ($4::bigint[] is null or a.account_id = any($4))
            and ($4 is not null or a.account_id in (
                select account_id from watch_period
                where since <= least($2, $3) and (until is null or until > least($2, $3))
            ))
            and not exists (select from read where read.account_id = a.account_id)
        order by a.account_id
        """,
        after,
        until,
        known_at,
        account_ids,
    )
    return [AccountId(r["account_id"]) for r in rows]


async def _states(
    conn: Conn, at: datetime, known_at: datetime | None, late: Sequence[AccountId]
) -> tuple[PlatformStateCount, ...]:
    """The most frequent first."""
    rows = await conn.fetch(
        """
        select a.platform, s.status, s.withheld_in,
            coalesce('suspended_or_deleted' = any(c.flags) and not s.before_change, false) as or_deleted,
            count(*) as accounts, count(late.account_id) as late, count(*) filter (where a.is_post) as posts,
            count(*) filter (where a.is_post and late.account_id is not null) as late_posts
        from account a
        left join spells_at($1, $2) s on s.account_id = a.account_id
        left join change c on c.change_id = s.change_id
        left join unnest($3::bigint[]) as late (account_id) on late.account_id = a.account_id
        where exists (
            select from watch_period w where w.account_id = a.account_id
                and w.since <= least($1, $2) and (w.until is null or w.until > least($1, $2))
        )
        group by 1, 2, 3, 4
        order by count(*) desc, a.platform, s.status, s.withheld_in, or_deleted
        """,
        at,
        known_at,
        late,
    )
    return tuple(
        PlatformStateCount(
            Platform(r["platform"]),
            None if r["status"] is None else State(Status(r["status"]), tuple(r["withheld_in"])),
            r["accounts"],
            r["late"],
            r["or_deleted"],
            r["posts"],
            r["late_posts"],
        )
        for r in rows
    )


async def provisional_at(conn: Conn, at: datetime, known_at: datetime | None) -> list[AccountId]:
    """The account of each change that was first seen by `at`, of which it was not decided by `known_at`, or
    is not now.
    """
    rows = await conn.fetch(
        """
        select c.account_id from change c
        left join change_outcome o on o.change_id = c.change_id
            and o.decided_at <= coalesce($2::timestamptz, 'infinity')
        where c.kind <> 'baseline' and c.first_seen_new <= $1
            and c.recorded_at <= coalesce($2::timestamptz, 'infinity') and o.change_id is null
            and not exists (
                select from change later where later.supersedes = c.change_id
                    and later.recorded_at <= coalesce($2::timestamptz, 'infinity')
            )
            and exists (
                select from watch_period w where w.account_id = c.account_id
                    and w.since <= least($1, $2) and (w.until is null or w.until > least($1, $2))
            )
        order by c.account_id
        """,
        at,
        known_at,
    )
    return [AccountId(r["account_id"]) for r in rows]


async def recent_changes(
    conn: Conn, at: datetime, known_at: datetime | None
) -> dict[ChangeKind, list[AccountId]]:
    """The account of each confirmed change that was first seen in the 24 hours before `at`, by kind; first
    states left out. An account that changed twice stands there twice.
    """
    rows = await conn.fetch(
        """
        select c.kind, array_agg(c.account_id order by c.account_id) as accounts
        from change c join change_outcome o using (change_id)
        where o.outcome = 'confirmed' and c.kind <> 'baseline'
            and c.first_seen_new > $1::timestamptz - interval '24 hours' and c.first_seen_new <= $1
            and c.recorded_at <= coalesce($2::timestamptz, 'infinity')
            and o.decided_at <= coalesce($2::timestamptz, 'infinity')
            and not exists (
                select from change later where later.supersedes = c.change_id
                    and later.recorded_at <= coalesce($2::timestamptz, 'infinity')
            )
            and exists (
                select from watch_period w where w.account_id = c.account_id
                    and w.since <= least($1, $2) and (w.until is null or w.until > least($1, $2))
            )
        group by c.kind
        """,
        at,
        known_at,
    )
    found = {ChangeKind(r["kind"]): [AccountId(n) for n in r["accounts"]] for r in rows}
    return {kind: found.get(kind, []) for kind in ChangeKind if kind is not ChangeKind.BASELINE}


async def _requests(conn: Conn, at: datetime, known_at: datetime | None) -> Requests:
    await with_archived(conn, at - timedelta(days=1), at, known_at=known_at)
    rows = await conn.fetch(
        """
        select c.outcome, coalesce(c.missed_reason, 'unclassified') as reason, count(*) as n
        from coverage c join roster r using (roster_id)
        where c.observed_at > $1::timestamptz - interval '24 hours' and c.observed_at <= $1
            and c.recorded_at <= coalesce($2::timestamptz, 'infinity') and r.vantage = ''
        group by 1, 2 order by 1, 2
        """,
        at,
        known_at,
    )
    last = await conn.fetchval(
        """
        select max(c.observed_at) from roster r cross join lateral (
            select observed_at from coverage c
            where c.roster_id = r.roster_id and c.outcome = 0 and c.observed_at <= $1
                and c.recorded_at <= coalesce($2::timestamptz, 'infinity')
            order by observed_at desc limit 1
        ) c
        where r.base and r.vantage = ''
        """,
        at,
        known_at,
    )
    return Requests(
        answered=sum(r["n"] for r in rows if r["outcome"] == 0),
        held=sum(r["n"] for r in rows if r["outcome"] == 2),
        missed={MissedReason(r["reason"]): r["n"] for r in rows if r["outcome"] == 1},
        last_answer_at=last,
    )


async def _countries(
    conn: Conn, at: datetime, known_at: datetime | None, late: Sequence[AccountId]
) -> tuple[WithheldCount, ...]:
    """The most accounts first."""
    rows = await conn.fetch(
        """
        select country, count(*) as accounts, count(late.account_id) as late
        from account a
        join spells_at($1, $2) s on s.account_id = a.account_id
        cross join lateral unnest(s.withheld_in) as u (country)
        left join unnest($3::bigint[]) as late (account_id) on late.account_id = a.account_id
        where exists (
            select from watch_period w where w.account_id = a.account_id
                and w.since <= least($1, $2) and (w.until is null or w.until > least($1, $2))
        )
        group by country order by accounts desc, country
        """,
        at,
        known_at,
        late,
    )
    return tuple(WithheldCount(r["country"], r["accounts"], r["late"]) for r in rows)


async def _lists(
    conn: Conn, at: datetime, known_at: datetime | None, late: Sequence[AccountId]
) -> tuple[ListStatusCount, ...]:
    """The lists that there were by then, by name, each with the accounts that were on it by then."""
    rows = await conn.fetch(
        """
        with member as (
            select m.list_id, a.account_id, late.account_id is not null as late,
                s.status, s.spell_id is null as unconfirmed,
                s.status = 'withheld' as withheld,
                s.status = 'suspended'
                    and not ('suspended_or_deleted' = any(c.flags) and not s.before_change) as suspended
            from membership m
            join account a using (account_id)
            left join spells_at($1, $2) s on s.account_id = a.account_id
            left join change c on c.change_id = s.change_id
            left join unnest($3::bigint[]) as late (account_id) on late.account_id = a.account_id
            where m.added_at <= least($1, $2) and (m.removed_at is null or m.removed_at > least($1, $2))
                and exists (
                    select from watch_period w where w.account_id = m.account_id
                        and w.since <= least($1, $2) and (w.until is null or w.until > least($1, $2))
                )
        )
        select l.list_id, l.name, o.reference, count(m.account_id) as accounts,
            count(*) filter (where m.withheld) as withheld,
            count(*) filter (where m.suspended) as suspended,
            count(*) filter (where m.late) as late,
            count(*) filter (where m.late and (m.withheld or m.suspended)) as blocked_late,
            count(*) filter (where m.unconfirmed) as unconfirmed
        from watch_list l
        left join legal_order o on o.list_id = l.list_id
            and o.known_at <= least($1, $2)
        left join member m on m.list_id = l.list_id
        where l.created_at <= least($1, $2)
        group by l.list_id, l.name, o.reference order by l.name
        """,
        at,
        known_at,
        late,
    )
    return tuple(
        ListStatusCount(
            r["list_id"],
            r["name"],
            r["reference"],
            r["accounts"],
            r["withheld"],
            r["suspended"],
            r["late"],
            r["blocked_late"],
            r["unconfirmed"],
        )
        for r in rows
    )

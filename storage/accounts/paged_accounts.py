"""Accounts as the API lists them: a page at a time by number, so that whoever walks sees each one once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts. What is None leaves the choice out."""

    platform: str | None = None
    list_name: str | None = None
    statuses: Sequence[str] | None = None
    """`unknown` for those of which nothing is confirmed."""
    country: str | None = None
    """Withheld there, or in all countries."""
    order_reference: str | None = None
    tag: str | None = None
    text: str | None = None
    """A part of a handle, of now or of before, or a whole native id."""
    watched: bool | None = None
    account_id: int | None = None
    post: bool | None = None
    """True: posts only. False: accounts only."""
    repeatedly_blocked: bool = False
    """Only those with two or more block periods."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    account_id: int
    platform: str
    native_id: str
    handle: str
    post: bool
    watched: bool
    added_at: datetime
    control: bool
    """Asked as a control account now."""
    executive: bool
    """Its acts are collected."""
    tags: Sequence[str]
    followers: int | None
    followers_at: datetime | None
    lists: Sequence[str]
    orders: Sequence[str]
    """References of the orders to whose lists it belongs."""
    status: str | None
    """As last confirmed; None: nothing is."""
    withheld_in: Sequence[str] | None
    flags: Sequence[str] | None
    """None where nobody saw how the state began."""
    last_seen_old: datetime | None
    since: datetime | None
    change_id: int | None
    source: str | None
    provisional_change_id: int | None
    provisional_status: str | None
    """What newer readings show and is not confirmed yet."""
    provisional_withheld_in: Sequence[str] | None
    provisional_since: datetime | None
    provisional_readings: int | None
    last_read_at: datetime | None


async def accounts_page(
    conn: Conn, wanted: AccountFilter, now: datetime, after: int, limit: int
) -> list[AccountRow]:
    """Up to `limit` accounts on file with a number above `after`, watched or not, by number."""
    await with_archived(conn, now, now)
    rows = await conn.fetch(
        """
        with chosen as (
            select a.*, s.status, s.withheld_in, s.onset_after as last_seen_old, lower(s.valid) as since,
                s.change_id, s.before_change
            from account a
            left join spells_now() s on s.account_id = a.account_id
            where a.account_id > $1
                and ($4::text is null or a.platform = $4)
                and ($5::text is null or exists (
                    select from watch_list_member m join watch_list l using (list_id)
                    where m.account_id = a.account_id and l.name = $5
                ))
                and ($6::text[] is null or coalesce(s.status, 'unknown') = any($6))
                and ($7::text is null or s.withheld_in && array[$7, 'XX'])
                and ($8::text is null or exists (
                    select from watch_list_member m join legal_order o using (list_id)
                    where m.account_id = a.account_id and o.reference = $8
                ))
                and ($9::text is null or a.tags @> array[$9])
                and ($10::text is null or position(lower($10) in lower(a.handle)) > 0 or a.native_id = $10
                    or exists (
                        select from rename r
                        where r.account_id = a.account_id and position(lower($10) in lower(r.old_handle)) > 0
                    ))
                and ($11::boolean is null or a.watched = $11)
                and ($12::bigint is null or a.account_id = $12)
                and ($13::boolean is null or a.is_post = $13)
                and (not $14::boolean or a.account_id in (select repeatedly_blocked('infinity', null)))
            order by a.account_id limit $2
        )
        select a.account_id, a.platform, a.native_id, a.handle, a.is_post as post, a.watched, a.added_at,
            exists (
                select from canary k where k.account_id = a.account_id and k.retired_at is null
            ) as control,
            exists (select from executive e where e.account_id = a.account_id) as executive,
            a.tags, a.followers, a.followers_at,
            array(
                select l.name from watch_list_member m join watch_list l using (list_id)
                where m.account_id = a.account_id order by l.name
            ) as lists,
            array(
                select o.reference from watch_list_member m join legal_order o using (list_id)
                where m.account_id = a.account_id order by o.reference
            ) as orders,
            a.status, a.withheld_in, f.flags, a.last_seen_old, a.since, a.change_id, c.source,
            n.change_id as provisional_change_id,
            n.status as provisional_status, n.withheld_in as provisional_withheld_in,
            n.first_seen_new as provisional_since, p.agreeing as provisional_readings,
            r.at as last_read_at
        from chosen a
        left join change c on c.change_id = a.change_id
        left join pending_change p on p.account_id = a.account_id
        left join change n on n.change_id = p.change_id
        cross join lateral scoped_flags(
            a.account_id, a.status, case when not a.before_change then c.flags end, a.since, null, null
        ) f
        left join last_answer(a.account_id, $3, 'infinity') r on true
        order by a.account_id
        """,
        after,
        limit,
        now,
        wanted.platform,
        wanted.list_name,
        wanted.statuses,
        wanted.country,
        wanted.order_reference,
        wanted.tag,
        wanted.text,
        wanted.watched,
        wanted.account_id,
        wanted.post,
        wanted.repeatedly_blocked,
    )
    return [AccountRow(**dict(r.items())) for r in rows]


@dataclass(frozen=True, slots=True)
class StateRow:
    """One account in the state that was confirmed for a moment. Without a status: nothing was by then."""

    account_id: int
    platform: str
    native_id: str
    handle: str
    post: bool
    watched: bool
    status: str | None
    withheld_in: Sequence[str] | None
    flags: Sequence[str] | None
    last_seen_old: datetime | None
    since: datetime | None
    last_read_at: datetime | None
    """The newest reading up to the moment: until then the state is seen, after it is assumed."""
    recorded_at: datetime | None
    source: str | None
    change_id: int | None


@dataclass(frozen=True, slots=True)
class StateFilter:
    platform: str | None = None
    list_name: str | None = None
    statuses: Sequence[str] | None = None
    country: str | None = None
    account_id: int | None = None
    post: bool | None = None
    """True: posts only. False: accounts only."""
    repeatedly_blocked: bool = False
    """Only those with two or more block periods up to the moment."""


async def states_page(
    conn: Conn, wanted: StateFilter, at: datetime, known_at: datetime, after: int, limit: int
) -> list[StateRow]:
    """Up to `limit` accounts as they were at `at`, as known at `known_at`, by number from above `after`.

    The same rows as those of the export of states.
    """
    await with_archived(conn, at, at, known_at=known_at)
    rows = await conn.fetch(
        """
        with chosen as (
            select a.account_id, a.platform, a.native_id, a.handle, a.is_post as post,
                exists (
                    select from watch_period w where w.account_id = a.account_id
                        and w.since <= $4 and (w.until is null or w.until > $4)
                ) as watched,
                s.status, s.withheld_in, s.onset_after as last_seen_old, lower(s.valid) as since,
                lower(s.recorded) as recorded_at, s.change_id, s.before_change
            from account a
            left join spells_at($3, $4) s on s.account_id = a.account_id
            where a.account_id > $1
                and ($5::text is null or a.platform = $5)
                and ($6::text is null or exists (
                    select from membership m join watch_list l using (list_id)
                    where m.account_id = a.account_id and l.name = $6
                        and m.added_at <= $4 and (m.removed_at is null or m.removed_at > $4)
                ))
                and ($7::text[] is null or coalesce(s.status, 'unknown') = any($7))
                and ($8::text is null or s.withheld_in && array[$8, 'XX'])
                and ($9::bigint is null or a.account_id = $9)
                and ($10::boolean is null or a.is_post = $10)
                and (not $11::boolean or a.account_id in (select repeatedly_blocked($3, $4)))
                and a.added_at <= $4
            order by a.account_id limit $2
        )
        select a.account_id, a.platform, a.native_id, a.handle, a.post, a.watched, a.status, a.withheld_in,
            f.flags, a.last_seen_old, a.since, r.at as last_read_at, a.recorded_at, c.source, a.change_id
        from chosen a
        left join change c on c.change_id = a.change_id
        cross join lateral scoped_flags(
            a.account_id, a.status, case when not a.before_change then c.flags end, a.since,
            $3 + interval '1 microsecond', $4
        ) f
        left join last_answer(a.account_id, $3, $4) r on true
        order by a.account_id
        """,
        after,
        limit,
        at,
        known_at,
        wanted.platform,
        wanted.list_name,
        wanted.statuses,
        wanted.country,
        wanted.account_id,
        wanted.post,
        wanted.repeatedly_blocked,
    )
    return [StateRow(**dict(r.items())) for r in rows]

"""The figures at the top of the live page, counted anew each time: open spells and the changes of a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.late import late_after
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class PostKpis:
    """How many posts are among what a figure counts; of changes, how many are of posts."""

    watched: int = 0
    blocked: int = 0
    new_blocks: int = 0
    restored: int = 0
    provisional: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Kpis:
    """Counts over the watched accounts and posts. Blocked means by the platform: withheld or suspended."""

    watched: int
    withheld: int
    withheld_by: tuple[tuple[str, int], ...]
    """(countries, accounts), the most frequent first; several countries are joined by a comma."""
    suspended: int
    """Without those that their owner may as well have deleted."""
    new_blocks: int
    """Confirmed blocks first seen in the last 24 hours."""
    new_blocks_hour: int
    restored: int
    last_restored_at: datetime | None
    """First reading that showed the newest restoration of all time."""
    provisional: int
    next_read_at: datetime | None
    """When the next re-read of a provisional change is due."""
    orders: int
    orders_overdue: int
    unread: int
    """Accounts without a reading in the last two sweeps: of these nothing is known now."""
    blocked_unread: int
    """Those of them whose last confirmed state is blocked."""
    posts: PostKpis = PostKpis()
    """How many posts are in each of these figures."""


async def kpis(conn: Conn, now: datetime, sweep_every: timedelta) -> Kpis:
    """Count at `now`. An account is unread when its last reading is older than two sweeps."""
    counts = await _counts(conn, now, now - late_after(sweep_every))
    by_country: dict[str, int] = {}
    for count in counts:
        if count.status == "withheld":
            by_country[count.countries] = by_country.get(count.countries, 0) + count.accounts
    recent = await conn.fetchrow(
        """
        select
            count(*) filter (where c.kind = 'block') as blocks,
            count(*) filter (
                where c.kind = 'block' and c.first_seen_new > $1::timestamptz - interval '1 hour'
            ) as blocks_hour,
            count(*) filter (where c.kind = 'restoration') as restored,
            count(*) filter (where c.kind = 'block' and a.is_post) as posts_blocks,
            count(*) filter (where c.kind = 'restoration' and a.is_post) as posts_restored
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where o.outcome = 'confirmed' and a.watched
            and c.first_seen_new > $1::timestamptz - interval '24 hours' and c.first_seen_new <= $1
        """,
        now,
    )
    rest = await conn.fetchrow(
        """
        select
            (
                select c.first_seen_new
                from standing_change c
                join change_outcome o using (change_id) join account a using (account_id)
                where c.kind = 'restoration' and o.outcome = 'confirmed' and a.watched
                order by c.first_seen_new desc limit 1
            ) as last_restored_at,
            pending.changes as provisional, pending.of_posts as posts_provisional, pending.next_read_at,
            (select count(*) from legal_order where known_at <= $1) as orders,
            (select count(*) from legal_order where known_at <= $1 and deadline_at < $1) as orders_overdue
        from (
            select count(*) as changes, count(*) filter (where a.is_post) as of_posts,
                min(p.next_read_at) as next_read_at
            from pending_change p join change c using (change_id)
            join account a on a.account_id = c.account_id
            where c.kind <> 'baseline' and a.watched
        ) pending
        """,
        now,
    )
    if recent is None or rest is None:
        raise LookupError("an aggregate query returned no row")
    return Kpis(
        watched=sum(s.accounts for s in counts),
        withheld=sum(by_country.values()),
        withheld_by=tuple(sorted(by_country.items(), key=lambda item: (-item[1], item[0]))),
        suspended=sum(s.accounts for s in counts if s.status == "suspended" and s.is_blocked),
        new_blocks=recent["blocks"],
        new_blocks_hour=recent["blocks_hour"],
        restored=recent["restored"],
        last_restored_at=rest["last_restored_at"],
        provisional=rest["provisional"],
        next_read_at=rest["next_read_at"],
        orders=rest["orders"],
        orders_overdue=rest["orders_overdue"],
        unread=sum(s.unread for s in counts),
        blocked_unread=sum(s.unread for s in counts if s.is_blocked),
        posts=PostKpis(
            watched=sum(s.posts for s in counts),
            blocked=sum(s.posts for s in counts if s.is_blocked),
            new_blocks=recent["posts_blocks"],
            restored=recent["posts_restored"],
            provisional=rest["posts_provisional"],
            unread=sum(s.posts_unread for s in counts),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Count:
    """Watched accounts that stand alike; status None: never confirmed."""

    status: str | None
    countries: str
    is_blocked: bool
    accounts: int
    unread: int
    posts: int
    posts_unread: int


async def _counts(conn: Conn, now: datetime, read_after: datetime) -> list[_Count]:
    await with_archived(conn, read_after, now)
    rows = await conn.fetch(
        """
        with read as (
            select distinct account_id from answers_between($2, $1)
        )
        select s.status, coalesce(array_to_string(s.withheld_in, ','), '') as countries,
            -- Looked up for these only: most accounts are available, and changes are many.
            case when s.status in ('withheld', 'suspended') then s.before_change or (
                select 'suspended_or_deleted' <> all(c.flags) from change c where c.change_id = s.change_id
            ) else false end as is_blocked,
            count(*) as accounts, count(*) filter (where read.account_id is null) as unread,
            count(*) filter (where a.is_post) as posts,
            count(*) filter (where a.is_post and read.account_id is null) as posts_unread
        from ordinary_accounts() a
        left join spells_now() s on s.account_id = a.account_id
        left join read on read.account_id = a.account_id
        where a.watched
        group by 1, 2, 3
        """,
        now,
        read_after,
    )
    return [_Count(*r) for r in rows]

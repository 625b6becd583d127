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
    watched, blocked = await _counts(conn, now, now - late_after(sweep_every))
    by_country: dict[str, int] = {}
    for count in blocked:
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
        where c.kind in ('block', 'restoration') and o.outcome = 'confirmed' and a.watched
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
        watched=watched.accounts,
        withheld=sum(by_country.values()),
        withheld_by=tuple(sorted(by_country.items(), key=lambda item: (-item[1], item[0]))),
        suspended=sum(b.accounts for b in blocked if b.status == "suspended" and b.is_blocked),
        new_blocks=recent["blocks"],
        new_blocks_hour=recent["blocks_hour"],
        restored=recent["restored"],
        last_restored_at=rest["last_restored_at"],
        provisional=rest["provisional"],
        next_read_at=rest["next_read_at"],
        orders=rest["orders"],
        orders_overdue=rest["orders_overdue"],
        unread=watched.unread,
        blocked_unread=sum(b.unread for b in blocked if b.is_blocked),
        posts=PostKpis(
            watched=watched.posts,
            blocked=sum(b.posts for b in blocked if b.is_blocked),
            new_blocks=recent["posts_blocks"],
            restored=recent["posts_restored"],
            provisional=rest["posts_provisional"],
            unread=watched.posts_unread,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Count:
    """Watched accounts and posts that count alike."""

    accounts: int
    unread: int
    posts: int
    posts_unread: int


@dataclass(frozen=True, slots=True)
class _BlockedCount(_Count):
    """Those that are withheld or suspended, by the countries (joined by commas)."""

    status: str
    countries: str
    is_blocked: bool
    """False for those that their owner may as well have deleted."""


async def _counts(conn: Conn, now: datetime, read_after: datetime) -> tuple[_Count, list[_BlockedCount]]:
    """Count all that are watched, and those of them that are withheld or suspended.

    Most accounts are available and were read: no row is made for each of these, nor are the answers of one
    account gathered.
    """
    await with_archived(conn, read_after, now)
    rows = await conn.fetch(
        """
        with unread as materialized (
            select a.account_id, a.is_post from ordinary_accounts() a
            where a.watched
                and not exists (select from answers_between($2, $1) r where r.account_id = a.account_id)
        ), blocked as (
            select s.account_id, a.is_post, s.status,
                coalesce(array_to_string(s.withheld_in, ','), '') as countries,
                s.before_change or (
                    select 'suspended_or_deleted' <> all(c.flags) from change c
                    where c.change_id = s.change_id
                ) as is_blocked
            from spells_now() s join ordinary_accounts() a on a.account_id = s.account_id
            where s.status in ('withheld', 'suspended') and a.watched
        )
        select count(*) as accounts, (select count(*) from unread) as unread,
            count(*) filter (where a.is_post) as posts,
            (select count(*) from unread where is_post) as posts_unread,
            null as status, null as countries, null as is_blocked
        from ordinary_accounts() a where a.watched
        union all
        select count(*), count(u.account_id), count(*) filter (where b.is_post),
            count(u.account_id) filter (where b.is_post), b.status, b.countries, b.is_blocked
        from blocked b left join unread u on u.account_id = b.account_id
        group by b.status, b.countries, b.is_blocked
        """,
        now,
        read_after,
    )
    ((*watched, _, _, _),) = (r for r in rows if r["status"] is None)
    return _Count(*watched), [_BlockedCount(*r) for r in rows if r["status"] is not None]

"""Changes and spells for the API, page by page. Each page begins after a key, so later rows do not shift the
page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes to list. None means no filter."""

    since: datetime | None = None
    """First seen at or after this time."""
    until: datetime | None = None
    """First seen before this time."""
    known_at: datetime | None = None
    kinds: Sequence[str] | None = None
    outcomes: Sequence[str] | None = None
    account_id: int | None = None
    list_name: str | None = None
    country: str | None = None
    """The account was withheld in this country before or after the change, or was withheld everywhere."""
    platform: str | None = None
    post: bool | None = None
    """True: posts only. False: accounts only."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    change_id: int
    change_key: str
    supersedes: int | None
    account_id: int
    platform: str
    native_id: str
    handle: str
    post: bool
    kind: str
    old_status: str | None
    old_withheld_in: Sequence[str] | None
    status: str
    withheld_in: Sequence[str]
    flags: Sequence[str]
    strength: str
    last_seen_old: datetime | None
    first_seen_new: datetime
    recorded_at: datetime
    outcome: str
    reason: str | None
    readings: int | None
    last_agreeing_at: datetime | None
    decided_at: datetime | None
    source: str
    old_evidence: str | None
    new_evidence: str | None
    superseded_by: int | None = None
    """Always None in the result of `changes_page`, which contains no superseded changes."""


async def changes_page(
    conn: Conn, wanted: ChangeFilter, before: tuple[datetime, int] | None, limit: int
) -> list[ChangeRow]:
    """Return up to `limit` changes, sorted by their first reading, newest first. Superseded changes are left
    out.

    The page begins after the change with the key `before`; None means at the newest change. The export of
    changes has the same rows in the opposite order.
    """
    rows = await conn.fetch(
        """
        select * from changes_told($3) c
        where not exists (
                select from change later
                where later.supersedes = c.change_id
                    and later.recorded_at <= coalesce($3::timestamptz, 'infinity')
            )
            and c.first_seen_new >= coalesce($1::timestamptz, '-infinity')
            and c.first_seen_new < coalesce($2::timestamptz, 'infinity')
            and ($4::timestamptz is null or (c.first_seen_new, c.change_id) < ($4, $5::bigint))
            and ($6::text[] is null or c.kind = any($6))
            and ($7::text[] is null or c.outcome = any($7))
            and ($8::bigint is null or c.account_id = $8)
            and ($9::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = c.account_id and l.name = $9
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($10::text is null or (c.withheld_in || c.old_withheld_in) && array[$10, 'XX'])
            and ($11::text is null or c.platform = $11)
            and ($12::boolean is null or c.post = $12)
        order by c.first_seen_new desc, c.change_id desc limit $13
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        None if before is None else before[0],
        None if before is None else before[1],
        wanted.kinds,
        wanted.outcomes,
        wanted.account_id,
        wanted.list_name,
        wanted.country,
        wanted.platform,
        wanted.post,
        limit,
    )
    return [ChangeRow(**dict(r.items())) for r in rows]


async def change_with(conn: Conn, change_id: int) -> ChangeRow | None:
    """One change as recorded now, even if it was superseded; None if there is no such change."""
    row = await conn.fetchrow(
        """
        select c.*, (select min(change_id) from change later where later.supersedes = $1) as superseded_by
        from changes_told(null) c where change_id = $1
        """,
        change_id,
    )
    return None if row is None else ChangeRow(**dict(row.items()))


@dataclass(frozen=True, slots=True)
class SpellFilter:
    """Which spells to list. None means no filter."""

    since: datetime | None = None
    until: datetime | None = None
    """Spells that overlap the time from `since` to before `until`."""
    known_at: datetime | None = None
    account_id: int | None = None
    list_name: str | None = None
    statuses: Sequence[str] | None = None
    country: str | None = None
    platform: str | None = None
    post: bool | None = None
    """True: posts only. False: accounts only."""


@dataclass(frozen=True, slots=True)
class SpellRow:
    account_id: int
    platform: str
    native_id: str
    handle: str
    post: bool
    status: str
    withheld_in: Sequence[str]
    flags: Sequence[str] | None
    last_seen_old: datetime | None
    since: datetime
    last_seen: datetime | None
    until: datetime | None
    recorded_at: datetime
    source: str
    change_id: int


async def spells_page(
    conn: Conn, wanted: SpellFilter, after: tuple[datetime, int] | None, limit: int
) -> list[SpellRow]:
    """Return up to `limit` spells in order of account and start.

    The page begins after the spell with the key `after`; None means at the first spell. The export of spells
    has the same rows in order of time.
    """
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.native_id, a.handle, a.is_post as post, s.status, s.withheld_in,
            f.flags, s.onset_after as last_seen_old, lower(s.valid) as since, n.onset_after as last_seen,
            upper(s.valid) as until, lower(s.recorded) as recorded_at, c.source, s.change_id
        from spells_known($3) s
        join account a using (account_id)
        join change c on c.change_id = s.change_id
        cross join lateral scoped_flags(
            s.account_id, s.status, case when not s.before_change then c.flags end, lower(s.valid),
            upper(s.valid), $3
        ) f
        left join spells_known($3) n on n.account_id = s.account_id and lower(n.valid) = upper(s.valid)
        where s.valid && tstzrange($1::timestamptz, $2::timestamptz)
            and ($4::timestamptz is null or (s.account_id, lower(s.valid)) > ($5::bigint, $4))
            and ($6::bigint is null or s.account_id = $6)
            and ($7::text is null or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = s.account_id and l.name = $7
                    and m.added_at <= coalesce($3::timestamptz, 'infinity')
                    and (m.removed_at is null or m.removed_at > $3)
            ))
            and ($8::text[] is null or s.status = any($8))
            and ($9::text is null or s.withheld_in && array[$9, 'XX'])
            and ($10::text is null or a.platform = $10)
            and ($11::boolean is null or a.is_post = $11)
        order by s.account_id, lower(s.valid) limit $12
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        None if after is None else after[0],
        None if after is None else after[1],
        wanted.account_id,
        wanted.list_name,
        wanted.statuses,
        wanted.country,
        wanted.platform,
        wanted.post,
        limit,
    )
    return [SpellRow(**dict(r.items())) for r in rows]

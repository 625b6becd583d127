"""Acts of executives as the API lists them: newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class SignalFilter:
    """Which acts. What is None leaves the choice out."""

    since: datetime | None = None
    until: datetime | None = None
    known_at: datetime | None = None
    account_id: int | None = None
    """The executive's account."""
    kinds: Sequence[str] | None = None
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class SignalRow:
    signal_id: int
    account_id: int
    platform: str
    native_id: str
    handle: str
    name: str
    kind: str
    act_id: str
    at: datetime
    made_at: datetime | None
    made_after: datetime | None
    first_seen_at: datetime
    target_id: str | None
    target_author_id: str | None
    doubts: Sequence[str]
    source: str


async def signals_page(
    conn: Conn, wanted: SignalFilter, before: tuple[datetime, int] | None, limit: int
) -> list[SignalRow]:
    """Up to `limit` acts below the key `before`. The same rows as those of the export, newest first."""
    rows = await conn.fetch(
        """
        select s.signal_id, a.account_id, a.platform, a.native_id, a.handle, e.name, s.kind,
            s.native_id as act_id, coalesce(s.made_at, s.first_seen_at) as at, s.made_at, s.made_after,
            s.first_seen_at, s.target_id, s.target_author_id, s.doubts, s.source
        from signal s join executive e using (account_id) join account a using (account_id)
        where coalesce(s.made_at, s.first_seen_at) >= coalesce($1::timestamptz, '-infinity')
            and coalesce(s.made_at, s.first_seen_at) < coalesce($2::timestamptz, 'infinity')
            and coalesce(s.recorded_at, s.first_seen_at) <= coalesce($3::timestamptz, 'infinity')
            and ($4::timestamptz is null
                or (coalesce(s.made_at, s.first_seen_at), s.signal_id) < ($4, $5::bigint))
            and ($6::bigint is null or s.account_id = $6)
            and ($7::text[] is null or s.kind = any($7))
            and ($8::text is null or a.platform = $8)
        order by coalesce(s.made_at, s.first_seen_at) desc, s.signal_id desc limit $9
        """,
        wanted.since,
        wanted.until,
        wanted.known_at,
        None if before is None else before[0],
        None if before is None else before[1],
        wanted.account_id,
        wanted.kinds,
        wanted.platform,
        limit,
    )
    return [SignalRow(**dict(r.items())) for r in rows]

"""Public profiles of whom labels are about, and of the authors of labeled posts. No status follows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.model.core.labels import LabeledKind
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class LabeledProfile:
    """What the platform showed of the account that a label is about, or of the author of the post."""

    subject: str
    is_shown: bool
    """If not, nothing says why."""
    handle: str | None
    """None: none was shown, or one that leads nowhere."""
    followers: int | None


async def subjects_without_profile(
    conn: Conn, platform: Platform, since: datetime, limit: int
) -> list[tuple[str, LabeledKind]]:
    """Accounts and posts that labelers withhold or withheld, and whose profile was not read since `since`:
    first those never read, by the newest label. Purged ones are left out.
    """
    rows = await conn.fetch(
        """
        select l.subject, l.kind, max(p.read_at) as read_at, max(l.made_at) as made_at
        from label l join labeler r using (labeler)
        left join labeled_profile p on p.platform = r.platform and p.subject = l.subject
        where r.platform = $1 and r.ended_at is null and l.value = any(r.withholding)
            and l.replaced_at is null and l.kind in ('account', 'post')
            and (p.read_at is null or p.read_at < $2)
            and not exists (
                select from purge_log g join account a using (account_id)
                where a.platform = r.platform and strpos(l.subject, a.native_id) > 0
            )
        group by l.subject, l.kind
        order by read_at nulls first, made_at desc, l.subject
        limit $3
        """,
        platform.value,
        since,
        limit,
    )
    return [(row["subject"], LabeledKind(row["kind"])) for row in rows]


async def record_profiles(
    conn: Conn, platform: Platform, profiles: Collection[LabeledProfile], now: datetime
) -> None:
    """Store what was shown at `now`, instead of what was shown before."""
    await conn.execute(
        """
        insert into labeled_profile (platform, subject, is_shown, handle, followers, read_at)
        select $1, subject, is_shown, handle, followers, $2
        from unnest($3::text[], $4::bool[], $5::text[], $6::bigint[])
            as t (subject, is_shown, handle, followers)
        on conflict (platform, subject) do update
            set is_shown = excluded.is_shown, handle = excluded.handle, followers = excluded.followers,
                read_at = excluded.read_at
            where labeled_profile.read_at <= excluded.read_at
        """,
        platform.value,
        now,
        [one.subject for one in profiles],
        [one.is_shown for one in profiles],
        [one.handle for one in profiles],
        [one.followers for one in profiles],
    )


async def forget_profiles(conn: Conn, platform: Platform, native_id: str) -> None:
    """Delete the profile of an account, and those stored for its posts."""
    await conn.execute(
        "delete from labeled_profile where platform = $1 and strpos(subject, $2) > 0",
        platform.value,
        native_id,
    )

"""Public profiles of labeled accounts and of the authors of labeled posts. No status follows from one."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.model.core.labels import LabeledKind
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment


@dataclass(frozen=True, slots=True)
class LabeledProfile:
    """What the platform showed of the account that a label is about, or of the author of the post."""

    subject: str
    is_shown: bool | None
    """If not, nothing says why. None: the subject names no account to ask for."""
    handle: str | None
    """None: none was shown, or one that leads nowhere."""
    followers: int | None


async def subjects_without_profile(
    conn: Conn, platform: Platform, since: datetime, limit: int
) -> list[tuple[str, LabeledKind]]:
    """Accounts and posts that labelers withhold or withheld, and whose profile was not read since `since`:
    first those never read, by the newest label. Purged ones and their posts are left out.
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
                select from purged_account g
                where g.platform = r.platform and strpos(l.subject, g.native_id) > 0
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
    conn: Conn, platform: Platform, profiles: Collection[LabeledProfile], clock: Callable[[], datetime]
) -> None:
    """Store what was shown just now, in place of what was shown before. Accounts that were purged since the
    request are left out.
    """
    now = await moment(conn, clock)  # a purge takes the same turn
    await conn.execute(
        """
        insert into labeled_profile (platform, subject, is_shown, handle, followers, read_at)
        select $1, t.subject, t.is_shown, t.handle, t.followers, $2
        from unnest($3::text[], $4::bool[], $5::text[], $6::bigint[])
            as t (subject, is_shown, handle, followers)
        where exists (select from label l where l.subject = t.subject)
            and not exists (
                select from purged_account g where g.platform = $1 and strpos(t.subject, g.native_id) > 0
            )
        on conflict (platform, subject) do update
            set is_shown = excluded.is_shown, handle = excluded.handle, followers = excluded.followers,
                read_at = excluded.read_at
        """,
        platform.value,
        now,
        [one.subject for one in profiles],
        [one.is_shown for one in profiles],
        [one.handle for one in profiles],
        [one.followers for one in profiles],
    )


async def forget_profiles(conn: Conn, platform: Platform, native_id: str) -> int:
    """Delete the profile of an account, and those stored for its posts; returns how many."""
    rows = await conn.fetch(
        "delete from labeled_profile where platform = $1 and strpos(subject, $2) > 0 returning subject",
        platform.value,
        native_id,
    )
    return len(rows)


async def drop_profiles_without_label(conn: Conn, platform: Platform) -> None:
    """Delete the profiles whose subject has no label of a labeler that is still collected."""
    await conn.execute(
        """
        delete from labeled_profile p
        where p.platform = $1 and not exists (
            select from label l join labeler r using (labeler)
            where l.subject = p.subject and r.platform = p.platform and r.ended_at is null
        )
        """,
        platform.value,
    )

"""What a team says of an account for its rules: tags, and how many followers it has."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.audit_log import log
from storage.db import Conn
from storage.model.accounts import Account, Platform


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of an account. Without tags, or without followers, it changes nothing of that."""

    platform: Platform
    native_id: str
    tags: tuple[str, ...] = ()
    followers: int | None = None


async def describe(conn: Conn, said: Sequence[Said], now: datetime) -> None:
    """Add tags to accounts on file, and put their followers on record as of now."""
    tags = [(one.platform.value, one.native_id, tag) for one in said for tag in one.tags]
    await conn.execute(
        """
        update account a
        set tags = array(select distinct t from unnest(a.tags || given.tags) as t order by t)
        from (
            select platform, native_id, array_agg(tag) as tags
            from unnest($1::text[], $2::text[], $3::text[]) as u (platform, native_id, tag) group by 1, 2
        ) given
        where a.platform = given.platform and a.native_id = given.native_id
        """,
        [platform for platform, _, _ in tags],
        [native_id for _, native_id, _ in tags],
        [tag for _, _, tag in tags],
    )
    counted = [one for one in said if one.followers is not None]
    await conn.execute(
        """
        update account a set followers = u.followers, followers_at = $4
        from unnest($1::text[], $2::text[], $3::bigint[]) as u (platform, native_id, followers)
        where a.platform = u.platform and a.native_id = u.native_id
        """,
        [one.platform.value for one in counted],
        [one.native_id for one in counted],
        [one.followers for one in counted],
        now,
    )


async def change_tags(
    conn: Conn, account: Account, add: Collection[str], remove: Collection[str], actor: str, now: datetime
) -> tuple[str, ...]:
    """The tags of an account after some were added and others removed."""
    before: list[str] = await conn.fetchval(
        "select tags from account where account_id = $1 for update", account.account_id
    )
    after = sorted({*before, *add} - {*remove})
    if after != sorted(before):
        await conn.execute("update account set tags = $2 where account_id = $1", account.account_id, after)
        # By its number: a purge takes handles away, and the log is only ever added to.
        subject = f"account {account.account_id}"
        await log(conn, now, actor, "tags changed", subject, {"before": before, "tags": after})
    return tuple(after)

"""What a team says of an account for its rules: tags, and how many followers it has."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Account, Platform
from storage.model.tables.tag_and_list_edits import Edited, EditOutcome
from storage.postgres.audit_log import log_each
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class AccountTags:
    """What a file says of an account. Without tags, or without followers, it changes nothing of that."""

    platform: Platform
    native_id: str
    tags: tuple[str, ...] = ()
    followers: int | None = None


async def describe(conn: Conn, said: Sequence[AccountTags], now: datetime) -> None:
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
    (edited,) = await edit_tags(conn, [account.account_id], add, remove, actor, now)
    return edited.tags


async def edit_tags(
    conn: Conn,
    account_ids: Sequence[int],
    add: Collection[str],
    remove: Collection[str],
    actor: str,
    now: datetime,
) -> list[Edited]:
    """Add tags to accounts and remove others, and say of each what was done, in the order given."""
    rows = await conn.fetch(
        """
        select account_id, tags from account where account_id = any($1::bigint[])
        order by account_id for no key update
        """,
        list(account_ids),
    )
    before = {r["account_id"]: sorted(r["tags"]) for r in rows}
    after = {i: sorted({*tags, *add} - {*remove}) for i, tags in before.items()}
    changed = [i for i in after if after[i] != before[i]]
    await conn.execute(
        """
        update account a set tags = string_to_array(u.tags, ' ')
        from unnest($1::bigint[], $2::text[]) as u (account_id, tags) where a.account_id = u.account_id
        """,
        changed,
        [" ".join(after[i]) for i in changed],
    )
    # By their numbers: a purge takes handles away, and the log is only ever added to.
    entries = [(f"account {i}", {"before": before[i], "tags": after[i]}) for i in changed]
    await log_each(conn, now, actor, "tags changed", entries)
    return [
        Edited(i, EditOutcome.DONE if after[i] != before[i] else EditOutcome.UNCHANGED, tuple(after[i]))
        if i in after
        else Edited(i, EditOutcome.UNKNOWN_ACCOUNT)
        for i in dict.fromkeys(account_ids)
    ]

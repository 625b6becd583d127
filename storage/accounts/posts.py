"""The stored account of a post's author, and the stored posts of an account.

The id or the handle of a post names its author. Where several stored accounts have or had that handle, none
of them is taken for the author.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.platforms.declaration import NamedAccount
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived

MOST_POSTS = 25


@dataclass(frozen=True, slots=True)
class PostAuthor:
    """The author of a post."""

    name: str
    """The handle, without @: of the stored account, else what the post says; or an id."""
    account_id: AccountId | None
    """The stored account; None: none is stored, or it is not known which."""
    watched: bool
    is_known: bool
    """False: a stored account had the handle, so that it is not known whether it is the author."""


@dataclass(frozen=True, slots=True)
class StoredPost:
    """A post with its last confirmed status."""

    account_id: AccountId
    handle: str
    watched: bool
    state: State | None
    """None: none is confirmed."""
    flags: frozenset[Flag]
    onset_after: datetime | None
    since: datetime | None
    last_read_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredPosts:
    """The posts of an account."""

    posts: tuple[StoredPost, ...] = ()
    """The first `MOST_POSTS`: watched ones first, then by handle."""
    count: int = 0
    """How many there are in all."""


async def author_of(conn: Conn, platform: Platform, native_id: str, handle: str) -> PostAuthor | None:
    """The author of a post. None if it is not a post, or does not say who its author is."""
    author = DECLARED[platform].author(native_id, handle)
    if author is None:
        return None
    name = DECLARED[platform].author_handle(handle) or author.name
    rows = await conn.fetch(
        """
        select account_id, handle, watched, native_id = $2 or lower(handle) = lower($2) as is_now from account
        where platform = $1 and account_id in (
            select account_id from account where $3 and platform = $1 and native_id = $2
            union select account_id from account where not $3 and lower(handle) = lower($2)
            union select account_id from rename where not $3 and lower(old_handle) = lower($2)
            union select account_id from handle_record where not $3 and lower(handle) = lower($2)
        )
        """,
        platform.value,
        author.name,
        author.is_id,
    )
    if not rows:
        return PostAuthor(name, None, watched=False, is_known=True)
    if len(rows) > 1 or not rows[0]["is_now"]:
        return PostAuthor(name, None, watched=False, is_known=False)
    (row,) = rows
    return PostAuthor(row["handle"], row["account_id"], watched=row["watched"], is_known=True)


async def posts_of(
    conn: Conn, platform: Platform, account_id: int, native_id: str, handle: str, now: datetime
) -> StoredPosts:
    """The stored posts of which `author_of` finds this account, with their statuses at `now`."""
    rows = await _written(conn, platform, native_id, handle)
    if not rows:
        return StoredPosts()
    author = await author_of(conn, platform, rows[0]["native_id"], rows[0]["handle"])
    if author is None or author.account_id != account_id:
        return StoredPosts()
    first = [r["account_id"] for r in rows[:MOST_POSTS]]
    return StoredPosts(tuple(await _posts(conn, first, now)), len(rows))


async def posts_with_any_handle(
    conn: Conn, platform: Platform, native_id: str, handles: Collection[str]
) -> list[AccountId]:
    """The stored posts of an account that has or had these handles, even if others had one of them too.

    A post whose id names its author is found by that alone; another by a handle that it has or had. Empty for
    a platform whose posts name no author (YouTube).
    """
    found = {r["account_id"] for handle in handles for r in await _written(conn, platform, native_id, handle)}
    if not _ids_name_authors(platform):
        rows = await conn.fetch(
            """
            select account_id from account join rename using (account_id)
            where platform = $1 and is_post
                and lower(regexp_replace(old_handle, '/[^/]*$', '')) = any($2::text[])
            """,
            platform.value,
            [handle.lower() for handle in handles],
        )
        found |= {r["account_id"] for r in rows}
    return sorted(found)


async def _written(conn: Conn, platform: Platform, native_id: str, handle: str) -> list[Record]:
    """The posts whose id, or else whose handle, names this account as their author; watched ones first."""
    rows = await conn.fetch(
        """
        select account_id, native_id, handle from account
        where platform = $1 and is_post and case
            when $4 then position($3 || '/' in native_id) > 0
            -- The place of the slash first: few handles have it there, and lower() is slow.
            else substr(handle, length($2) + 1, 1) = '/' and starts_with(lower(handle), lower($2))
        end
        order by not watched, lower(handle), account_id
        """,
        platform.value,
        handle,
        native_id,
        _ids_name_authors(platform),
    )
    names = (NamedAccount(native_id, is_id=True), NamedAccount(handle.lower()))
    found: list[Record] = []
    for r in rows:
        author = DECLARED[platform].author(r["native_id"], r["handle"])
        if author is not None and (author if author.is_id else NamedAccount(author.name.lower())) in names:
            found.append(r)
    return found


def _ids_name_authors(platform: Platform) -> bool:
    declared = DECLARED[platform]
    return declared.author(declared.post_id_example, "") is not None


async def _posts(conn: Conn, ids: list[int], now: datetime) -> list[StoredPost]:
    await with_archived(conn, now, now, ids)
    rows = await conn.fetch(
        """
        select a.account_id, a.handle, a.watched, s.status, s.withheld_in, s.onset_after,
            lower(s.valid) as since, r.at as last_read_at, f.flags,
            -- Since the status was first seen, its author's account may have come back.
            exists (
                select from fact w where w.account_id = a.account_id and w.observer = ''
                    and w.kind = 'with_author' and w.first_absent > lower(s.valid)
            ) and not exists (
                select from fact w where w.account_id = a.account_id and w.observer = ''
                    and w.kind = 'with_author' and w.first_absent is null
            ) as is_alone
        from unnest($1::bigint[]) with ordinality as u (account_id, place)
        join account a using (account_id)
        left join spells_now() s on s.account_id = a.account_id
        left join change c on c.change_id = s.change_id
        cross join lateral scoped_flags(
            a.account_id, s.status, case when not s.before_change then c.flags end, lower(s.valid), null, null
        ) f
        left join last_answer(a.account_id, $2, 'infinity') r on true
        order by u.place
        """,
        ids,
        now,
    )
    return [
        StoredPost(
            AccountId(r["account_id"]),
            r["handle"],
            r["watched"],
            None if r["status"] is None else State(Status(r["status"]), tuple(r["withheld_in"])),
            frozenset(Flag(f) for f in r["flags"] or ()) - ({Flag.WITH_AUTHOR} if r["is_alone"] else set()),
            r["onset_after"],
            r["since"],
            r["last_read_at"],
        )
        for r in rows
    ]

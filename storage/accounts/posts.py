"""The stored account of a post's author, and the stored posts of an account.

An author is told by what the post's id or handle says. Where several stored accounts have or had that handle,
none of them is taken for the author.
"""

from dataclasses import dataclass
from datetime import datetime

from storage.accounts.lookup import accounts_named
from storage.accounts.name_matching import candidates_called
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.platforms.declaration import NamedAccount
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Conn

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
    name = handle.rpartition("/")[0] if DECLARED[platform].is_post_handle(handle) else author.name
    if author.is_id:
        stored = await accounts_named(conn, platform, author.name, is_id=True)
        found = [(one.account_id, one.handle) for one in stored]
    else:
        called = (await candidates_called(conn, platform, [author.name.lower()])).get(author.name.lower(), [])
        found = [(one.account_id, one.handle) for one in called if one.handle.lower() == author.name.lower()]
        if len(called) > 1 or len(found) < len(called):
            return PostAuthor(name, None, watched=False, is_known=False)
    if not found:
        return PostAuthor(name, None, watched=False, is_known=True)
    account_id, called_now = found[0]
    watched = await conn.fetchval("select watched from account where account_id = $1", account_id)
    return PostAuthor(called_now, account_id, watched=watched, is_known=True)


async def posts_of(
    conn: Conn, platform: Platform, account_id: int, native_id: str, handle: str, now: datetime
) -> StoredPosts:
    """The stored posts of which `author_of` finds this account, with their statuses at `now`."""
    declared = DECLARED[platform]
    rows = await conn.fetch(
        """
        select account_id, native_id, handle from account
        where platform = $1 and handle like '%/%'
            and (starts_with(lower(handle), lower($2) || '/') or position($3 || '/' in native_id) > 0)
        order by not watched, lower(handle), account_id
        """,
        platform.value,
        handle,
        native_id,
    )
    names = (NamedAccount(native_id, is_id=True), NamedAccount(handle.lower()))
    ids: list[int] = []
    for r in rows:
        author = declared.author(r["native_id"], r["handle"])
        if author is not None and (author if author.is_id else NamedAccount(author.name.lower())) in names:
            ids.append(r["account_id"])
    if not ids:
        return StoredPosts()
    first = next(r for r in rows if r["account_id"] == ids[0])
    author = await author_of(conn, platform, first["native_id"], first["handle"])
    if author is None or author.account_id != account_id:
        return StoredPosts()
    return StoredPosts(tuple(await _posts(conn, ids[:MOST_POSTS], now)), len(ids))


async def _posts(conn: Conn, ids: list[int], now: datetime) -> list[StoredPost]:
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

"""What is on file, as the commands list it: accounts, lists, and what an import would meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.tables.watch_import_plan import OnFile, SetUpAccount
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account as it was last confirmed. `state` and `since` are None when nothing is confirmed yet."""

    platform: Platform
    native_id: str
    handle: str
    watched: bool
    lists: tuple[str, ...]
    state: State | None
    since: datetime | None
    """First reading that showed `state`."""
    flags: frozenset[Flag] = frozenset()
    """Side facts of that reading."""
    tags: tuple[str, ...] = ()
    followers: int | None = None
    followers_at: datetime | None = None
    """When that number was put on file."""


@dataclass(frozen=True, slots=True)
class ListCount:
    name: str
    accounts: int
    """Accounts and posts."""
    posts: int
    watched: int
    """How many of them are read; the rest is there for its history only."""
    order_reference: str | None
    """The order that the list belongs to, if it does."""
    archived_at: datetime | None
    """None: the list is in use."""


async def listed_accounts(
    conn: Conn,
    list_name: str | None,
    at: datetime,
    known_at: datetime,
    *,
    repeatedly_blocked: bool = False,
) -> list[ListedAccount]:
    """Everybody on a list, watched or not; without one, every watched account; as of `known_at`. Sorted by
    handle.

    The state is the one that held at `at`, by what was confirmed and recorded up to `known_at`, and so are
    the block periods of those who were repeatedly blocked.
    """
    rows = await conn.fetch(
        """
        select a.platform, a.native_id, a.handle, exists (
                select from watch_period w where w.account_id = a.account_id
                    and w.since <= $3 and (w.until is null or w.until > $3)
            ) as watched,
            s.status, s.withheld_in, lower(s.valid) as since, a.tags, a.followers, a.followers_at,
            f.flags,
            array(
                select l.name from membership m join watch_list l using (list_id)
                where m.account_id = a.account_id
                    and m.added_at <= $3 and (m.removed_at is null or m.removed_at > $3)
                order by l.name
            ) as lists
        from account a
        left join spells_at($2, $3) s on s.account_id = a.account_id
        left join change c on c.change_id = s.change_id
        cross join lateral scoped_flags(
            s.account_id, s.status, case when s.before_change then '{}' else coalesce(c.flags, '{}') end,
            lower(s.valid), $2::timestamptz + interval '1 microsecond', $3
        ) f
        where ($1::text is not null or a.account_id in (
                select account_id from watch_period where since <= $3 and (until is null or until > $3)
            ))
            and ($1 is null or a.account_id in (
                select m.account_id from membership m join watch_list l using (list_id)
                where l.name = $1 and m.added_at <= $3 and (m.removed_at is null or m.removed_at > $3)
            ))
            and (not $4::boolean or a.account_id in (select repeatedly_blocked($2, $3)))
        order by a.platform, lower(a.handle), a.account_id
        """,
        list_name,
        at,
        known_at,
        repeatedly_blocked,
    )
    return [
        ListedAccount(
            Platform(r["platform"]),
            r["native_id"],
            r["handle"],
            r["watched"],
            tuple(r["lists"]),
            None if r["status"] is None else State(Status(r["status"]), tuple(r["withheld_in"])),
            r["since"],
            frozenset(Flag(f) for f in r["flags"]),
            tuple(r["tags"]),
            r["followers"],
            r["followers_at"],
        )
        for r in rows
    ]


async def list_counts(conn: Conn) -> list[ListCount]:
    """All lists, by name."""
    rows = await conn.fetch(
        """
        select l.name, count(a.account_id) as accounts, count(*) filter (where a.is_post) as posts,
            count(a.account_id) filter (where a.watched) as watched, o.reference, l.archived_at
        from watch_list l
        left join watch_list_member m using (list_id)
        left join account a using (account_id)
        left join legal_order o using (list_id)
        group by l.name, o.reference, l.archived_at order by l.name
        """
    )
    return [
        ListCount(r["name"], r["accounts"], r["posts"], r["watched"], r["reference"], r["archived_at"])
        for r in rows
    ]


async def on_file(conn: Conn, platform: Platform, native_ids: Sequence[str]) -> dict[str, OnFile]:
    """Those of the accounts that are stored already, by native id."""
    rows = await conn.fetch(
        """
        select a.account_id, a.native_id, a.handle, a.watched, a.tags, a.followers,
            array(
                select l.name from watch_list_member m join watch_list l using (list_id)
                where m.account_id = a.account_id order by l.name
            ) as lists
        from account a where a.platform = $1 and a.native_id = any($2::text[])
        """,
        platform.value,
        native_ids,
    )
    return {
        r["native_id"]: OnFile(
            AccountId(r["account_id"]),
            r["handle"],
            r["watched"],
            tuple(r["lists"]),
            tuple(r["tags"]),
            r["followers"],
        )
        for r in rows
    }


async def set_up_accounts(
    conn: Conn, also: Sequence[tuple[Platform, str]] = ()
) -> dict[tuple[Platform, str], SetUpAccount]:
    """Return all watched accounts, and those of `also` that are stored, by platform and native id."""
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.native_id, a.handle, a.watched, a.tags,
            array(
                select l.name from watch_list_member m join watch_list l using (list_id)
                where m.account_id = a.account_id order by l.name
            ) as lists,
            exists (
                select from canary c where c.account_id = a.account_id and c.origin = 'settings'
            ) as is_control
        from account a
        where a.watched
            or (a.platform, a.native_id) in (select * from unnest($1::text[], $2::text[]))
        order by a.platform, a.account_id
        """,
        [platform.value for platform, _ in also],
        [native_id for _, native_id in also],
    )
    return {
        (Platform(r["platform"]), r["native_id"]): SetUpAccount(
            AccountId(r["account_id"]),
            Platform(r["platform"]),
            r["native_id"],
            r["handle"],
            r["watched"],
            tuple(r["lists"]),
            tuple(sorted(r["tags"])),
            r["is_control"],
        )
        for r in rows
    }

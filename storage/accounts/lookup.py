"""Find stored accounts and lists by a name that a user gives."""

from collections.abc import Collection, Iterable, Sequence

from storage.model.core.accounts import Account, AccountId, ListId, Platform
from storage.model.text.near_names import meant, unknown_name
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.target_counts import TargetCount
from storage.postgres.pool import Conn, Refused


async def accounts_named(conn: Conn, platform: Platform, name: str, *, is_id: bool = False) -> list[Account]:
    """The accounts with that native id, or with that handle now, watched or not.

    There is more than one if somebody else took a freed handle and both are stored, or if the handle of one
    is the id of another. With `is_id` a handle does not count, so that an id names one account.
    """
    rows = await conn.fetch(
        """
        select account_id, native_id, handle from account
        where platform = $1 and (native_id = $2 or (not $3 and lower(handle) = lower($2)))
        order by account_id
        """,
        platform.value,
        name,
        is_id,
    )
    return [Account(AccountId(r["account_id"]), platform, r["native_id"], r["handle"]) for r in rows]


async def account_ids_of(conn: Conn, platform: Platform, native_ids: Sequence[str]) -> list[AccountId]:
    """The numbers of the stored accounts with these native ids, watched or not."""
    rows = await conn.fetch(
        "select account_id from account where platform = $1 and native_id = any($2::text[])",
        platform.value,
        native_ids,
    )
    return [AccountId(r["account_id"]) for r in rows]


async def targets_of(conn: Conn, account_ids: Collection[int]) -> TargetCount:
    """Count how many of these numbers are of accounts, and how many of posts."""
    posts = await conn.fetchval(
        "select count(*) from account where is_post and account_id = any($1::bigint[])", list(account_ids)
    )
    return TargetCount(len(account_ids) - posts, posts)


async def account_called(conn: Conn, name: str) -> AccountId:
    """Find one account by the number on its page, or else by its handle or native id.

    Raises Refused, with what to write instead, if there is none or more than one.
    """
    name = name.strip()
    if name.isdecimal() and name.isascii() and len(name) < 18:
        rows = await conn.fetch("select account_id from account where account_id = $1", int(name))
    else:
        rows = await conn.fetch(
            """
            select account_id, platform, handle from account
            where lower(handle) = lower($1) or native_id = $1 order by account_id limit 9
            """,
            name.removeprefix("@"),
        )
    if not rows:
        raise Refused(f"There is no stored account {clean(name)!r}.")
    if len(rows) > 1:
        known = ", ".join(f"{r['account_id']} ({PLATFORM_NAME[Platform(r['platform'])]})" for r in rows)
        raise Refused(
            f"Several accounts are called {clean(name)!r}. Give the number of one of them: {known}."
        )
    return AccountId(rows[0]["account_id"])


async def is_stored(conn: Conn, account_id: int) -> bool:
    """Whether an account of that number is stored, watched or not."""
    return await conn.fetchval("select exists (select from account where account_id = $1)", account_id)


async def list_called(conn: Conn, name: str) -> ListId:
    """The list of that name, whatever its capital letters. Raises Refused, with the nearest name or all
    names, if there is none.
    """
    lists = await lists_by_number(conn)
    called = meant(name, lists.values())
    if called is None:
        raise Refused(unknown_name("list", name, list(lists.values())))
    return next(number for number, one in lists.items() if one == called)


async def lists_by_number(conn: Conn) -> dict[ListId, str]:
    """The names of all lists."""
    rows = await conn.fetch("select list_id, name from watch_list order by name")
    return {ListId(r["list_id"]): r["name"] for r in rows}


def archived_refusal(name: str) -> Refused:
    """The refusal to put an account on an archived list."""
    return Refused(f"The list {clean(name)!r} is archived. Restore it before you put accounts on it.")


async def refuse_archived(conn: Conn, names: Iterable[str]) -> None:
    """Raise Refused if one of these lists is archived."""
    name = await conn.fetchval(
        "select min(name) from watch_list where name = any($1::text[]) and archived_at is not null",
        list(names),
    )
    if name is not None:
        raise archived_refusal(name)

"""What the search box finds: accounts and posts by every handle they had, lists, orders, executives."""

from dataclasses import dataclass
from enum import StrEnum

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from storage.model.tables.account_references import AddressError
from storage.model.tables.said_names import read_said
from storage.postgres.pool import Conn


class FoundKind(StrEnum):
    ACCOUNT = "account"
    POST = "post"
    LIST = "list"
    ORDER = "order"
    EXECUTIVE = "executive"


@dataclass(frozen=True, slots=True)
class SearchResult:
    kind: FoundKind
    number: int
    """Of the account, the post, the list or the order."""
    name: str
    platform: Platform | None = None
    native_id: str = ""
    """Of an account or a post; of an order, its reference."""
    once: str = ""
    """The handle that the account or post had before, where that is what was found."""
    watched: bool = True
    members: int = 0
    """Accounts on a list."""


async def search(conn: Conn, text: str, most: int) -> list[SearchResult]:
    """At most so many of each kind: what is exactly so, then what begins so, then what holds it.

    Capital letters make no difference. Accounts and posts are found by handle, native id and number, and by
    the address of their page. A post's handle begins with that of its author.
    """
    if not text:
        return []
    return [
        *(await _accounts(conn, text, most) or await _at_address(conn, text, most)),
        *await _lists(conn, text, most),
        *await _orders(conn, text, most),
        *await _executives(conn, text, most),
    ]


async def _at_address(conn: Conn, text: str, most: int) -> list[SearchResult]:
    """The account or the post at an address. Empty for a text that is not an address."""
    if "/" not in text:
        return []
    try:
        said = read_said(text)
    except AddressError:
        return []
    name = said.native_id or said.handle
    if said.platform is None or name is None:
        return []
    some = await _accounts(conn, name, most, said.platform)
    found = [
        one for one in some if name.lower() in {one.name.lower(), one.native_id.lower(), one.once.lower()}
    ]
    if found or said.post_id is None or DECLARED[said.platform].is_federated:
        return found
    # The author had another handle, or the address names none. Ids of posts are unique on one server only.
    ending = f"/{said.post_id}"
    alike = await _accounts(conn, ending, most, said.platform)
    return [one for one in alike if one.kind is FoundKind.POST and one.name.endswith(ending)]


async def _accounts(conn: Conn, text: str, most: int, platform: Platform | None = None) -> list[SearchResult]:
    """At most `most` accounts, then at most `most` posts, on one platform or on all."""
    rows = await conn.fetch(
        """
        with named as (
            select account_id, handle as name, false as is_past from account
            union all select account_id, native_id, false from account
            union all select account_id, account_id::text, false from account where account_id::text = $1
            union all select account_id, unnest(array[old_handle, new_handle]), true from rename
            union all select account_id, handle, true from handle_record
        ),
        best as (
            select distinct on (account_id) account_id, name, is_past,
                case
                    when lower(name) = lower($1) then 0
                    when starts_with(lower(name), lower($1)) then 1
                    else 2
                end as rank
            from named where position(lower($1) in lower(name)) > 0
            order by account_id, rank, is_past
        ),
        ranked as (
            select a.account_id, a.platform, a.native_id, a.handle, a.is_post, a.watched,
                case when best.is_past and lower(best.name) <> lower(a.handle) then best.name else '' end
                    as once,
                row_number() over (
                    partition by a.is_post
                    order by best.rank, not a.watched, lower(a.handle), a.account_id
                ) as place
            from best join ordinary_accounts() a using (account_id)
            where $3::text is null or a.platform = $3
        )
        select * from ranked where place <= $2 order by is_post, place
        """,
        text,
        most,
        platform and platform.value,
    )
    return [
        SearchResult(
            FoundKind.POST if r["is_post"] else FoundKind.ACCOUNT,
            r["account_id"],
            r["handle"],
            Platform(r["platform"]),
            r["native_id"],
            r["once"],
            r["watched"],
        )
        for r in rows
    ]


async def _lists(conn: Conn, text: str, most: int) -> list[SearchResult]:
    rows = await conn.fetch(
        """
        select l.list_id, l.name, (
            select count(*) from watch_list_member m where m.list_id = l.list_id
        ) as members
        from watch_list l where position(lower($1) in lower(l.name)) > 0
        order by not starts_with(lower(l.name), lower($1)), lower(l.name) limit $2
        """,
        text,
        most,
    )
    return [SearchResult(FoundKind.LIST, r["list_id"], r["name"], members=r["members"]) for r in rows]


async def _orders(conn: Conn, text: str, most: int) -> list[SearchResult]:
    rows = await conn.fetch(
        """
        select order_id, title, reference from legal_order
        where position(lower($1) in lower(title || E'\\n' || reference || E'\\n' || issuer)) > 0
        order by not starts_with(lower(reference), lower($1)), issued_at desc, order_id limit $2
        """,
        text,
        most,
    )
    return [SearchResult(FoundKind.ORDER, r["order_id"], r["title"], native_id=r["reference"]) for r in rows]


async def _executives(conn: Conn, text: str, most: int) -> list[SearchResult]:
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.handle, e.name from executive e join account a using (account_id)
        where position(lower($1) in lower(e.name || E'\\n' || e.title || E'\\n' || a.handle)) > 0
        order by not starts_with(lower(e.name), lower($1)), e.name, a.account_id limit $2
        """,
        text,
        most,
    )
    return [
        SearchResult(
            FoundKind.EXECUTIVE, r["account_id"], r["name"], Platform(r["platform"]), once=r["handle"]
        )
        for r in rows
    ]

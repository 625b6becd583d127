"""Read models of the page of accounts: which accounts a filter leaves, in which order, and the choices.

A listing is account numbers alone: a million of them take eight megabytes, and the rows that are on a screen
are read by number (`storage.live.accounts_table`). Searching and sorting happen here only, so that a page and
an edit mean the same accounts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from storage.live.accounts_table import AccountScope
from storage.model.core.accounts import Platform, TargetKind
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived

ListedNumbers: TypeAlias = NDArray[np.int64]
LONGEST_SEARCH = 200
"""Characters of a search that are looked for."""
_LONGEST_KEY = 200
"""Characters of a text that sorting compares."""


class ListingStatus(StrEnum):
    """The statuses that can be chosen above the table."""

    BLOCKED = "blocked"
    """Withheld or suspended."""
    WITHHELD = "withheld"
    SUSPENDED = "suspended"
    GONE = "gone"
    """Suspended or deleted, where the platform does not say which."""
    NOT_FOUND = "not_found"
    DEACTIVATED = "deactivated"
    PROTECTED = "protected"
    AVAILABLE = "available"
    NONE = "none"
    """Nothing confirmed yet."""
    PROVISIONAL = "provisional"


class ListingColumn(StrEnum):
    """What the table can be sorted by."""

    HANDLE = "handle"
    STATUS = "status"
    SINCE = "since"
    COUNTRIES = "countries"
    LISTS = "lists"
    ORDERS = "orders"
    TAGS = "tags"
    LAST = "last"
    WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class ListingSort:
    column: ListingColumn
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ListingFilter:
    """Which accounts are listed. None, False and "" leave out nobody."""

    scope: AccountScope
    search: str = ""
    """Words that all stand in the handle, the id, the number or a tag, in capitals or not."""
    status: ListingStatus | None = None
    country: str | None = None
    list_id: int | None = None
    order_id: int | None = None
    tag: str | None = None
    platform: str | None = None
    kind: TargetKind | None = None
    late: bool = False
    """Watched, and not read for too long."""
    repeatedly_blocked: bool = False
    among: tuple[int, ...] | None = None
    """The accounts behind a figure."""


def _natural(text: str) -> str:
    """SQL for a sort key of a text: in small letters, numbers by their size. No longer than its beginning."""
    small = f"lower(upper(left({text}, {_LONGEST_KEY}) collate pg_c_utf8))"
    padded = rf"regexp_replace({small}, '(\d+)', repeat('0', 20) || '\1', 'g')"
    return rf"regexp_replace({padded}, '\d*(\d{{20}})', '\1', 'g')"


_AUTHOR = "case when a.is_post then regexp_replace(a.handle, '/[^/]*$', '') else a.handle end"
_LISTS = """
    (
        select string_agg(l.name, ', ' order by lower(l.name))
        from watch_list_member m join watch_list l using (list_id) where m.account_id = a.account_id
    )
"""
_ORDERS = """
    (
        select string_agg(o.title, ', ' order by lower(o.title))
        from watch_list_member m join legal_order o using (list_id)
        where m.account_id = a.account_id and o.known_at <= $13
    )
"""
_ORDER_BY = {
    # Posts come after their author: handles alone would put `alice_b` between `alice` and `alice/1`.
    ListingColumn.HANDLE: (
        _natural(_AUTHOR),
        "a.is_post",
        f"case when a.is_post then {_natural('a.handle')} end",
        "a.platform",
    ),
    ListingColumn.STATUS: (
        # The worst come first.
        """
        array_position(
            array['withheld', 'suspended', 'gone', 'not_found', 'deactivated', 'protected', 'available'],
            s.shown
        )
        """,
        "array_to_string(s.withheld_in, ',')",
    ),
    ListingColumn.SINCE: ("lower(s.valid)",),
    ListingColumn.COUNTRIES: ("nullif(array_to_string(s.withheld_in, ','), '')",),
    ListingColumn.LISTS: (_natural(_LISTS),),
    ListingColumn.ORDERS: (_natural(_ORDERS),),
    ListingColumn.TAGS: (_natural("(select string_agg(t, ', ' order by t) from unnest(a.tags) as t)"),),
    ListingColumn.LAST: ("last.at",),
    ListingColumn.WATCHED: ("not a.watched",),
}
"""SQL of the keys of each column. What is missing comes last, whichever way it is sorted."""


async def list_accounts(
    conn: Conn, wanted: ListingFilter, sorts: Sequence[ListingSort], now: datetime, read_after: datetime
) -> ListedNumbers:
    """Return the numbers of the accounts that the filter leaves at `now`, in the order of `sorts`, then by
    number. A watched account is late if it was not read after `read_after`.
    """
    keys = [
        f"{key} {'desc' if sort.descending else 'asc'} nulls last"
        for sort in sorts
        for key in _ORDER_BY[sort.column]
    ]
    words = re.split(r"\s+", wanted.search[:LONGEST_SEARCH].strip())
    await with_archived(conn, read_after, now)
    found: bytes | None = await conn.fetchval(
        # Only the order is composed, of the keys above. The planner leaves out joins that nothing needs.
        _LISTING.replace("ORDER", ", ".join([*keys, "a.account_id"])),
        wanted.scope.value,
        [word for word in words if word],
        wanted.status,
        wanted.country,
        wanted.list_id,
        wanted.order_id,
        wanted.tag,
        wanted.platform,
        None if wanted.kind is None else wanted.kind is TargetKind.POSTS,
        wanted.late,
        wanted.repeatedly_blocked,
        wanted.among,
        now,
        read_after,
    )
    return np.frombuffer(found or b"", dtype=">i8").astype(np.int64)


_LISTING = """
    with sought as materialized (
        select array(select lower(upper(w collate pg_c_utf8)) from unnest($2::text[]) as w) as words
    ),
    read as (
        select distinct account_id from answers_between($14, $13)
    ),
    last as (
        -- Of each roster the last request that everybody answered, and those after it.
        select m.account_id, max(c.observed_at) as at
        from roster r
        cross join lateral (
            select coalesce(max(observed_at), '-infinity') as at from (
                select observed_at from coverage
                where roster_id = r.roster_id and outcome = 0 and answered is null and observed_at <= $13
                order by observed_at desc limit 1
            ) f
        ) everybody
        cross join lateral (
            select observed_at, answered from coverage
            where roster_id = r.roster_id and outcome = 0
                and observed_at >= everybody.at and observed_at <= $13
            offset 0
        ) c
        cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
        where r.vantage = '' and answered_at(c.answered, m.position)
        group by m.account_id
    )
    select string_agg(int8send(a.account_id), '' order by ORDER)
    from ordinary_accounts() a
    cross join sought
    left join (
        select s.account_id, s.valid, s.withheld_in, case
            when not s.before_change and 'suspended_or_deleted' = any(c.flags) then 'gone' else s.status
        end as shown
        from spells_now() s left join change c using (change_id)
    ) s on s.account_id = a.account_id
    left join last on last.account_id = a.account_id
    where ($1 = 'all' or a.watched = ($1 = 'watched'))
        and (
            sought.words = '{}' or not exists (
                select from unnest(sought.words) as w (word)
                where not exists (
                    select
                    from unnest(a.tags || format(E'@%s\\n%s\\n%s', a.handle, a.native_id, a.account_id)) as t
                    where strpos(lower(upper(t collate pg_c_utf8)), w.word) > 0
                )
            )
        )
        and (
            $3::text is null
            or $3 = 'blocked' and s.shown in ('withheld', 'suspended')
            or $3 = 'none' and s.account_id is null
            or $3 = 'provisional' and exists (
                select from pending_change p join change c using (change_id)
                where p.account_id = a.account_id and c.kind <> 'baseline'
            )
            or s.shown = $3
        )
        and ($4::text is null or $4 = any(s.withheld_in))
        and (
            $5::bigint is null
            or a.account_id in (select account_id from watch_list_member where list_id = $5)
        )
        and (
            $6::bigint is null
            or a.account_id in (
                select account_id from watch_list_member join legal_order using (list_id)
                where order_id = $6 and known_at <= $13
            )
        )
        and ($7::text is null or $7 = any(a.tags))
        and ($8::text is null or a.platform = $8)
        and ($9::boolean is null or a.is_post = $9)
        and (not $10::boolean or a.watched and a.account_id not in (select account_id from read))
        and (not $11::boolean or a.account_id in (select repeatedly_blocked('infinity', null)))
        and ($12::bigint[] is null or a.account_id in (select unnest($12)))
"""


@dataclass(frozen=True, slots=True)
class AccountCounts:
    """How many accounts of a scope there are, and how many have each value that can be chosen."""

    total: int
    posts: int
    late: int
    platforms: dict[Platform, int]
    countries: dict[str, int]
    tags: dict[str, int]
    lists: dict[int, int]


async def count_accounts(
    conn: Conn, scope: AccountScope, now: datetime, read_after: datetime
) -> AccountCounts:
    """Count the accounts of `scope` at `now`; a watched one is late if it was not read after `read_after`."""
    await with_archived(conn, read_after, now)
    rows = await conn.fetch(
        """
        with chosen as materialized (
            select account_id, platform, is_post, watched, tags from ordinary_accounts()
            where $1 = 'all' or watched = ($1 = 'watched')
        ),
        read as materialized (
            select distinct account_id from answers_between($3, $2)
        )
        select 'platform' as facet, platform as value, count(*) as n,
            count(*) filter (where is_post) as posts,
            count(*) filter (where watched and read.account_id is null) as late
        from chosen left join read using (account_id) group by platform
        union all
        select 'country', country, count(*), 0, 0
        from chosen join spells_now() s using (account_id) cross join unnest(s.withheld_in) as country
        group by country
        union all
        select 'tag', tag, count(*), 0, 0 from chosen cross join unnest(tags) as tag group by tag
        union all
        select 'list', list_id::text, count(*), 0, 0
        from chosen join watch_list_member using (account_id) group by list_id
        """,
        scope.value,
        now,
        read_after,
    )
    of = {
        facet: {r["value"]: r["n"] for r in rows if r["facet"] == facet}
        for facet in ("platform", "country", "tag", "list")
    }
    return AccountCounts(
        total=sum(of["platform"].values()),
        posts=sum(r["posts"] for r in rows),
        late=sum(r["late"] for r in rows),
        platforms={Platform(name): n for name, n in of["platform"].items()},
        countries=of["country"],
        tags=of["tag"],
        lists={int(list_id): n for list_id, n in of["list"].items()},
    )


async def count_posts(conn: Conn, account_ids: ListedNumbers) -> int:
    """How many of these are posts."""
    return await conn.fetchval(
        "select count(*) from account where is_post and account_id = any($1::bigint[])", account_ids.tolist()
    )

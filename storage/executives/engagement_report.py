"""Read models of what stands under and beside an executive's acts: blocks, counters, acts toward orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import AccountId
from storage.model.core.availability import ChangeKind
from storage.model.core.packed_columns import instant, integers
from storage.model.core.signals import NO_ACT
from storage.model.platforms.registry import FEDERATED
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class BlockCount:
    """Confirmed changes of one kind in one step of time."""

    start: datetime
    kind: ChangeKind
    account_ids: tuple[AccountId, ...]
    """The account of each change."""

    @property
    def n(self) -> int:
        return len(self.account_ids)


async def counts_of_blocks(
    conn: Conn, since: datetime, until: datetime, step: timedelta
) -> tuple[tuple[BlockCount, ...], bool]:
    """Confirmed blocks and restorations in each step of time that has any, by the first reading that showed
    them; and whether they are those of accounts that orders name. Without an order: of all watched accounts.
    """
    has_orders = await conn.fetchval("select exists (select from legal_order)")
    rows = await conn.fetch(
        """
        select date_bin($3::interval, c.first_seen_new, $1) as start, c.kind,
            array_agg(c.account_id order by c.account_id) as account_ids
        from standing_change c
        join change_outcome o using (change_id) join account a on a.account_id = c.account_id
        where o.outcome = 'confirmed' and c.kind in ('block', 'restoration')
            and c.first_seen_new between $1 and $2
            and case when $4 then exists (
                select from watch_list_member m join legal_order l using (list_id)
                where m.account_id = c.account_id
            ) or exists (select from order_name n where n.account_id = c.account_id)
            else a.watched end
        group by 1, 2 order by 1, 2
        """,
        since,
        until,
        step,
        has_orders,
    )
    counts = (BlockCount(r["start"], ChangeKind(r["kind"]), tuple(r["account_ids"])) for r in rows)
    return tuple(counts), has_orders


@dataclass(frozen=True, slots=True)
class CounterStep:
    """What a profile's counter of likes said in one step of time, by polls that answered."""

    start: datetime
    first: int
    last: int
    falls: int


async def likes_counted(
    conn: Conn, account_ids: Sequence[int], since: datetime, until: datetime, step: timedelta
) -> tuple[CounterStep, ...]:
    """The counter of likes in each step in which a poll answered, of the record that has most polls."""
    rows = await conn.fetch(
        """
        with chosen as (
            select account_id, source from engagement_counter where account_id = any($1::bigint[])
            group by 1, 2 order by count(likes) desc limit 1
        ),
        polled as (
            select date_bin($4::interval, c.at, $2) as start, c.at, c.likes,
                c.likes < lag(c.likes) over (order by c.at) as fell
            from engagement_counter c join chosen using (account_id, source)
            where c.likes is not null and c.at between $2 and $3
        ),
        told as (
            select start, fell, first_value(likes) over whole as first, last_value(likes) over whole as last
            from polled window whole as (
                partition by start order by at rows between unbounded preceding and unbounded following
            )
        )
        select start, min(first) as first, min(last) as last, count(*) filter (where fell) as falls
        from told group by 1 order by 1
        """,
        account_ids,
        since,
        until,
        step,
    )
    return tuple(CounterStep(r["start"], r["first"], r["last"], r["falls"]) for r in rows)


@dataclass(frozen=True, slots=True)
class Series:
    """The times of an executive's acts by who saw them: one record, or our own collectors (empty)."""

    source: str
    times: tuple[datetime, ...]
    """When each was made, where that is known; else when it was first seen."""
    seen_from: datetime
    seen_to: datetime
    toward: dict[int, tuple[datetime, ...]]
    """Those toward accounts that an order names, by the order's number."""


async def series_of(conn: Conn, account_ids: Sequence[int]) -> tuple[Series, ...]:
    """Every act that counts, by source. Who saw them looked from the first sight to the last one, our own
    collectors up to the last poll.
    """
    rows = await conn.fetch(
        """
        select source,
            string_agg(timestamptz_send(coalesce(made_at, first_seen_at)), '') as times,
            min(least(made_after, first_seen_at)) as seen_from, max(first_seen_at) as seen_to
        from signal where account_id = any($1::bigint[]) and not doubts @> array[$2::text]
        group by 1 order by 1
        """,
        account_ids,
        NO_ACT.value,
    )
    polled = await conn.fetchval(
        "select max(last_polled_at) from executive where account_id = any($1::bigint[])", account_ids
    )
    toward = await _toward(conn, account_ids)
    return tuple(
        Series(
            source=r["source"],
            times=tuple(map(instant, integers(r["times"]))),
            seen_from=r["seen_from"],
            seen_to=max(r["seen_to"], polled) if polled is not None and not r["source"] else r["seen_to"],
            toward={order: times for (source, order), times in toward.items() if source == r["source"]},
        )
        for r in rows
    )


async def _toward(conn: Conn, account_ids: Sequence[int]) -> dict[tuple[str, int], tuple[datetime, ...]]:
    """By source and order. Joined here: a database that takes the named ones for few would try each act with
    each of them.
    """
    orders = await _named(conn)
    if not orders:
        return {}
    acted = await conn.fetch(
        """
        select s.source, a.platform, s.target_author_id as key,
            string_agg(timestamptz_send(coalesce(s.made_at, s.first_seen_at)), '') as times
        from signal s join account a using (account_id)
        where s.account_id = any($1::bigint[]) and s.target_author_id is not null
            and not s.doubts @> array[$2::text]
        group by 1, 2, 3
        """,
        account_ids,
        NO_ACT.value,
    )
    out: dict[tuple[str, int], list[datetime]] = {}
    for r in acted:
        if named := orders.get((r["platform"], r["key"])):
            times = [instant(n) for n in integers(r["times"])]
            for order_id in named:
                out.setdefault((r["source"], order_id), []).extend(times)
    return {key: tuple(times) for key, times in out.items()}


async def _named(conn: Conn) -> dict[tuple[str, str], set[int]]:
    """Which orders name an account, by platform and what acts call it.

    On federated platforms that is also the address of the account, or name@host.
    """
    rows = await conn.fetch(
        """
        with named as (
            select o.order_id, m.account_id from legal_order o join watch_list_member m using (list_id)
            union select order_id, account_id from order_name where account_id is not null
        )
        select n.order_id, t.platform, t.native_id, t.handle from named n join account t using (account_id)
        """
    )
    out: dict[tuple[str, str], set[int]] = {}
    for r in rows:
        keys = {r["native_id"]}
        if r["platform"] in FEDERATED:
            keys |= {r["native_id"].partition("#")[0], r["handle"].lower()}
        for key in keys:
            out.setdefault((r["platform"], key), set()).add(r["order_id"])
    return out

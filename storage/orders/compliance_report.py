"""Read model of one order: its accounts with their confirmed periods, as known at a time."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.core.coverage_gaps import NEVER
from storage.model.core.orders import Order, OrderEvent
from storage.model.orders.cohort import CohortMember, Stay, kind_in
from storage.orders.orders import order_events, orders
from storage.postgres.pool import Conn
from storage.readings.coverage_report import CoverageReport, live_coverage


@dataclass(frozen=True, slots=True)
class OrderCohort:
    """An order with the data for its compliance figures."""

    order: Order
    list_name: str
    members: tuple[CohortMember, ...]
    """The accounts and posts on its list, by handle, so that posts follow their author."""
    events: tuple[OrderEvent, ...]
    """Its own events, and those without an order, by date."""
    since: datetime
    """Start of its figures: a day before its earliest possible date."""


BEFORE = timedelta(days=1)
"""Time before the order that its figures include, to show the situation without it."""


async def find_order(conn: Conn, order_id: int, known_at: datetime | None = None) -> Order | None:
    """Return the order with a number; None if there is none, or if it was not known at `known_at`."""
    return next((o for o in await orders(conn, known_at) if o.order_id == order_id), None)


async def coverage_of(
    conn: Conn, some: Sequence[Order], at: datetime, gap_after: timedelta, known_at: datetime | None
) -> CoverageReport:
    """Return the coverage since the first of these orders, up to the earlier of `at` and `known_at`."""
    until = at if known_at is None else min(at, known_at)
    since = min((_begin(o) for o in some), default=until)
    return await live_coverage(conn, min(since, until), until, gap_after)


async def cohort(
    conn: Conn, order: Order, at: datetime, coverage: CoverageReport, known_at: datetime | None = None
) -> OrderCohort:
    """Return the members of an order's list up to `at`, as known at `known_at` (None: now), with coverage.

    Members of the list are those of `known_at`, and watched accounts those of the moment. Handles and the
    name of the list are the present ones.
    """
    name = await conn.fetchval("select name from watch_list where list_id = $1", order.list_id)
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.handle, a.is_post, m.added_at, exists (
                select from watch_period w where w.account_id = a.account_id
                    and w.since <= least($3::timestamptz, $2::timestamptz)
                    and (w.until is null or w.until > least($3, $2))
            ) as watched
        from membership m join account a using (account_id)
        where m.list_id = $1 and m.added_at <= coalesce($2::timestamptz, 'infinity')
            and (m.removed_at is null or m.removed_at > $2)
            and not exists (
                select from canary c where c.account_id = a.account_id
                    and (c.chosen_at is null or $2 is null or c.chosen_at <= $2)
            )
        order by lower(a.handle), a.account_id
        """,
        order.list_id,
        known_at,
        at,
    )
    stays = await _stays(conn, order, [r["account_id"] for r in rows], at, known_at)
    doubted = await _doubted(conn, [r["account_id"] for r in rows], at) if known_at is None else {}
    members = tuple(
        CohortMember(
            AccountId(r["account_id"]),
            Platform(r["platform"]),
            r["handle"],
            r["watched"],
            r["added_at"],
            stays.get(r["account_id"], ()),
            coverage.seen.get(r["account_id"], NEVER),
            doubted.get(r["account_id"]),
            r["is_post"],
        )
        for r in rows
    )
    events = await order_events(conn, known_at)
    return OrderCohort(
        order=order,
        list_name=name,
        members=members,
        events=tuple(e for e in events if e.order_id in {None, order.order_id}),
        since=_begin(order),
    )


def _begin(order: Order) -> datetime:
    return (order.earliest_issue) - BEFORE


async def _doubted(conn: Conn, account_ids: list[int], at: datetime) -> dict[int, datetime]:
    """Return, by account, the last reading before a contradicting one that is not decided yet."""
    rows = await conn.fetch(
        """
        select c.account_id, min(c.last_seen_old) as at
        from pending_change p join change c using (change_id)
        where c.account_id = any($1::bigint[]) and c.last_seen_old is not null and c.first_seen_new <= $2
        group by c.account_id
        """,
        account_ids,
        at,
    )
    return {r["account_id"]: r["at"] for r in rows}


async def _stays(
    conn: Conn, order: Order, account_ids: list[int], at: datetime, known_at: datetime | None
) -> dict[int, tuple[Stay, ...]]:
    """Return the confirmed periods of each account up to `at`. Later periods and later ends are left out."""
    rows = await conn.fetch(
        """
        with theirs as materialized (select * from spells_known($3) where account_id = any($1::bigint[]))
        select s.account_id, s.status, s.withheld_in, s.onset_after, lower(s.valid) as since,
            nullif(upper(s.valid), 'infinity') as until, f.flags
        from theirs s join change c using (change_id)
        cross join lateral scoped_flags(
            s.account_id, s.status, case when s.before_change then '{}' else c.flags end, lower(s.valid),
            least(upper(s.valid), $2::timestamptz + interval '1 microsecond'), $3
        ) f
        where lower(s.valid) <= $2
        order by s.account_id, lower(s.valid)
        """,
        account_ids,
        at,
        known_at,
    )
    out: defaultdict[int, list[Stay]] = defaultdict(list)
    for r in rows:
        state = State(Status(r["status"]), tuple(r["withheld_in"]))
        flags = frozenset(Flag(f) for f in r["flags"])
        until = r["until"] if r["until"] is not None and r["until"] <= at else None
        kind = kind_in(order.country, state, flags)
        out[r["account_id"]].append(Stay(kind, state, flags, r["onset_after"], r["since"], until))
    return {account_id: tuple(found) for account_id, found in out.items()}

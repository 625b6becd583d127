"""Acts of executives toward accounts that an order names, and which of them a rule has told."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from storage.model.alerts.engagement_alerts import NamedAct, NamedBy
from storage.model.alerts.rules import RuleId
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.signals import SignalKind
from storage.postgres.pool import Conn, StaleState


async def named_acts(conn: Conn, since: datetime, now: datetime) -> list[NamedAct]:
    """What our own collectors first saw from `since` until `now`, oldest first.

    Not what others recorded, nor acts that may be none. Orders count from when they were entered here.
    """
    rows = await conn.fetch(
        """
        select s.signal_id, s.kind, s.native_id, s.made_at, s.made_after, s.first_seen_at, a.platform,
            a.native_id as executive_native_id, e.account_id as executive_id, e.name as executive,
            t.account_id as target_id, t.handle as target, o.reference, o.title, o.country, o.list_id,
            l.name as list_name, t.tags
        from signal s
        join executive e on e.account_id = s.account_id
        join account a on a.account_id = s.account_id
        join account t on t.platform = a.platform and t.native_id = case
            when s.kind in ('follow', 'unfollow') then s.target_id else s.target_author_id end
        join watch_list_member m on m.account_id = t.account_id
        join watch_list l on l.list_id = m.list_id
        join legal_order o on o.list_id = m.list_id and o.known_at <= $2
        where s.first_seen_at >= $1 and s.first_seen_at <= $2 and s.source = '' and s.doubts = '{}'
        order by s.first_seen_at, s.signal_id, o.issued_at, o.order_id
        """,
        since,
        now,
    )
    orders: defaultdict[int, list[NamedBy]] = defaultdict(list)
    for r in rows:
        orders[r["signal_id"]].append(
            NamedBy(r["reference"], r["title"], r["country"], ListId(r["list_id"]), r["list_name"])
        )
    first = {r["signal_id"]: r for r in reversed(rows)}
    return [
        NamedAct(
            signal_id=signal_id,
            act_key=f"{r['platform']} {r['executive_native_id']} {r['kind']} {r['native_id']}",
            executive=r["executive"],
            executive_id=AccountId(r["executive_id"]),
            platform=Platform(r["platform"]),
            kind=SignalKind(r["kind"]),
            made_at=r["made_at"],
            made_after=r["made_after"],
            first_seen_at=r["first_seen_at"],
            target_id=AccountId(r["target_id"]),
            target=r["target"],
            tags=frozenset(r["tags"]),
            orders=tuple(found),
        )
        for signal_id, found in orders.items()
        for r in (first[signal_id],)
    ]


async def notified(conn: Conn, signal_ids: Sequence[int]) -> frozenset[tuple[RuleId, int]]:
    """Which rule has told which of these acts."""
    rows = await conn.fetch(
        "select rule_id, signal_id from engagement_told where signal_id = any($1::bigint[])", signal_ids
    )
    return frozenset((RuleId(r["rule_id"]), r["signal_id"]) for r in rows)


async def last_notified(conn: Conn) -> dict[RuleId, datetime]:
    """When each rule last told of an act."""
    rows = await conn.fetch("select rule_id, max(told_at) as at from engagement_told group by rule_id")
    return {RuleId(r["rule_id"]): r["at"] for r in rows}


async def mark_notified(conn: Conn, rule_id: RuleId, signal_ids: Sequence[int], now: datetime) -> None:
    """Say that a rule tells these acts, in the transaction that queues its mails.

    Raises `StaleState` when one of them was told meanwhile: the transaction must then be undone.
    """
    marked = await conn.fetch(
        """
        insert into engagement_told (signal_id, rule_id, told_at) select unnest($2::bigint[]), $1, $3
        on conflict do nothing returning signal_id
        """,
        rule_id,
        signal_ids,
        now,
    )
    if len(marked) != len(signal_ids):
        raise StaleState("Another notifier has already sent an executive's engagement.")

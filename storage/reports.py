"""Read models of the live page: everything in one snapshot. What is new since is in `reports_news`.

Every function runs on the caller's connection and returns typed rows; times are aware datetimes in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db import Conn
from storage.model.accounts import Platform
from storage.model.availability import ChangeKind, Flag, State, Status, Strength
from storage.model.orders import Order, OrderEvent
from storage.model.timeline import Seen
from storage.reports_context import (
    LiveExecutive,
    LiveSignal,
    WatchList,
    executives,
    lists,
    order_events,
    orders,
    signals,
)
from storage.reports_coverage import Coverage, live_coverage
from storage.reports_mail import MailNote, mail_notes


@dataclass(frozen=True, slots=True)
class LiveAccount:
    account_id: int
    platform: str
    handle: str
    list_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LiveSpell:
    """A confirmed period as it is known now."""

    account_id: int
    state: State
    onset_after: datetime | None
    """The last reading that contradicts it: the onset lies between this and `since`."""
    since: datetime
    until: datetime | None
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed it first: they say, for one, who suspended an account."""


@dataclass(frozen=True, slots=True)
class LiveChange:
    """A change, confirmed or not, with what came of it."""

    change_id: int
    account_id: int
    kind: ChangeKind
    old: State | None
    new: State
    strength: Strength
    last_seen_old: datetime | None
    first_seen_new: datetime
    recorded_at: datetime
    outcome: str | None
    """None while provisional."""
    reason: str | None
    decided_at: datetime | None
    readings: int
    """How many readings agreed with it."""
    mail_id: int | None
    platform: Platform
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed the new state first."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the live page needs for its first paint."""

    live_event_id: int
    earliest: datetime | None
    """The first reading of any watched account: where "all" begins."""
    lists: tuple[WatchList, ...]
    accounts: tuple[LiveAccount, ...]
    spells: tuple[LiveSpell, ...]
    changes: tuple[LiveChange, ...]
    coverage: Coverage
    seen: dict[int, Seen]
    orders: tuple[Order, ...]
    events: tuple[OrderEvent, ...]
    executives: tuple[LiveExecutive, ...]
    signals: tuple[LiveSignal, ...]
    mails: tuple[MailNote, ...]


async def snapshot(conn: Conn, since: datetime | None, now: datetime, gap_after: timedelta) -> Snapshot:
    """The live page from `since` (None: from the first reading) to `now`.

    Run it in a repeatable-read transaction, or accept that a row may be newer than `live_event_id`: the
    deltas that follow are idempotent, so that this does no harm.
    """
    event_id = await last_event_id(conn)
    earliest = await conn.fetchval(
        """
        select min(c.first_seen_new) from change c
        where exists (select from account a where a.account_id = c.account_id and a.watched)
        """
    )
    start = since or earliest or now
    coverage = await live_coverage(conn, start, now, gap_after)
    return Snapshot(
        live_event_id=event_id,
        earliest=earliest,
        lists=await lists(conn),
        accounts=await accounts(conn),
        spells=await spells(conn, start, None),
        changes=await changes(conn, start, ()),
        coverage=coverage,
        seen=coverage.seen,
        orders=await orders(conn, known_at=now),
        events=await order_events(conn, known_at=now),
        executives=await executives(conn),
        signals=await signals(conn, start, ()),
        mails=await mail_notes(conn, start, ()),
    )


async def last_event_id(conn: Conn) -> int:
    """The newest live event, 0 when there was none yet."""
    return await conn.fetchval("select coalesce(max(live_event_id), 0) from live_event")


async def accounts(conn: Conn) -> tuple[LiveAccount, ...]:
    """The watched accounts on any list, without the monitor's own control accounts, oldest first."""
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.handle, array_agg(m.list_id order by m.list_id) as list_ids
        from account a join watch_list_member m using (account_id)
        where a.watched and not exists (select from canary c where c.account_id = a.account_id)
        group by a.account_id order by a.account_id
        """
    )
    return tuple(LiveAccount(r["account_id"], r["platform"], r["handle"], tuple(r["list_ids"])) for r in rows)


async def spells(
    conn: Conn, since: datetime | None, account_ids: Sequence[int] | None
) -> tuple[LiveSpell, ...]:
    """Spells as known now that reach beyond `since` (None: all), of `account_ids` (None: all watched)."""
    rows = await conn.fetch(
        """
        select s.account_id, s.status, s.withheld_in, s.onset_after, lower(s.valid) as since,
            upper(s.valid) as until, c.flags
        from spell s join account a using (account_id) join change c on c.change_id = s.change_id
        where upper_inf(s.recorded)
            and ($1::timestamptz is null or s.valid && tstzrange($1, null))
            and (s.account_id = any($2::bigint[]) or ($2 is null and a.watched))
        order by s.account_id, lower(s.valid)
        """,
        since,
        account_ids,
    )
    return tuple(
        LiveSpell(
            account_id=r["account_id"],
            state=State(Status(r["status"]), tuple(r["withheld_in"])),
            onset_after=r["onset_after"],
            since=r["since"],
            until=r["until"],
            flags=frozenset(Flag(f) for f in r["flags"]),
        )
        for r in rows
    )


async def changes(conn: Conn, since: datetime | None, change_ids: Sequence[int]) -> tuple[LiveChange, ...]:
    """Changes of watched accounts first seen since `since` or still provisional (None: neither), and those
    of `change_ids`, whoever's they are.

    Confirmed baselines are left out: a first look is no news.
    """
    rows = await conn.fetch(
        """
        select c.change_id, c.account_id, c.kind, c.old_status, c.old_withheld_in, c.status, c.withheld_in,
            c.strength, c.last_seen_old, c.first_seen_new, c.recorded_at, o.outcome, o.reason, o.decided_at,
            coalesce(o.readings, p.agreeing, 1) as readings, a.mail_id, c.flags, w.platform
        from change c
        join account w on w.account_id = c.account_id
        left join change_outcome o using (change_id)
        left join pending_change p using (change_id)
        left join alert a using (change_id)
        where (
                c.change_id = any($2::bigint[])
                or (
                    (
                        c.first_seen_new >= $1
                        or ($1 is not null and c.change_id = any(array(select change_id from pending_change)))
                    )
                    and w.watched
                )
            )
            and (
                c.kind <> 'baseline' or o.outcome is distinct from 'confirmed'
                or c.change_id = any($2::bigint[])
            )
        order by c.first_seen_new, c.change_id
        """,
        since,
        change_ids,
    )
    return tuple(
        LiveChange(
            change_id=r["change_id"],
            account_id=r["account_id"],
            kind=ChangeKind(r["kind"]),
            old=_old(r["old_status"], r["old_withheld_in"]),
            new=State(Status(r["status"]), tuple(r["withheld_in"])),
            strength=Strength(r["strength"]),
            last_seen_old=r["last_seen_old"],
            first_seen_new=r["first_seen_new"],
            recorded_at=r["recorded_at"],
            outcome=r["outcome"],
            reason=r["reason"],
            decided_at=r["decided_at"],
            readings=r["readings"],
            mail_id=r["mail_id"],
            platform=Platform(r["platform"]),
            flags=frozenset(Flag(f) for f in r["flags"]),
        )
        for r in rows
    )


def _old(status: str | None, withheld_in: Sequence[str]) -> State | None:
    return None if status is None else State(Status(status), tuple(withheld_in))

"""Read models of what stands beside the accounts: lists, executives and their acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.model.core.signals import SignalKind
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class LiveList:
    list_id: int
    name: str
    size: int
    """Watched accounts on it."""
    is_archived: bool = False
    """Whether it is kept only with the accounts that it has."""
    posts: int = 0
    """How many of those watched are posts."""


@dataclass(frozen=True, slots=True)
class LiveAccess:
    """Whether a kind of signal of an executive can be seen, as was last found, and why (not)."""

    kind: SignalKind
    observable: bool
    reason: str
    since: datetime
    """When it was first found so. What is not observable may not have been before either."""


@dataclass(frozen=True, slots=True)
class LiveExecutive:
    account_id: int
    platform: Platform
    handle: str
    name: str
    title: str
    access: tuple[LiveAccess, ...]
    """At most one of a kind; none of a kind of which nothing was found out about this executive."""


@dataclass(frozen=True, slots=True)
class LiveSignal:
    signal_id: int
    account_id: int
    kind: SignalKind
    at: datetime
    """When the act was made; where the platform does not say, when it was first seen."""
    recorded_at: datetime


async def lists(conn: Conn) -> tuple[LiveList, ...]:
    """All lists with their number of watched accounts, the monitor's own control accounts not counted."""
    rows = await conn.fetch(
        """
        select l.list_id, l.name, count(a.account_id) as size, l.archived_at is not null as is_archived,
            count(*) filter (where a.is_post) as posts
        from watch_list l
        left join watch_list_member m using (list_id)
        left join ordinary_accounts() a on a.account_id = m.account_id and a.watched
        group by l.list_id order by l.list_id
        """
    )
    return tuple(LiveList(r["list_id"], r["name"], r["size"], r["is_archived"], r["posts"]) for r in rows)


async def became_known(conn: Conn, since: datetime, until: datetime) -> bool:
    """Whether an order or an event became known, or an order was edited, after `since` and by `until`.

    No event tells of that.
    """
    return await conn.fetchval(
        """
        select exists (select from legal_order where known_at > $1 and known_at <= $2)
            or exists (select from order_event where known_at > $1 and known_at <= $2)
            or exists (select from audit_log where action = 'order edited' and at > $1 and at <= $2)
        """,
        since,
        until,
    )


async def executives(conn: Conn) -> tuple[LiveExecutive, ...]:
    """Everybody whose acts are collected, with what was last found of which acts can be seen."""
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.handle, e.name, e.title
        from executive e join account a using (account_id) order by a.account_id
        """
    )
    access = await _access(conn)
    return tuple(
        LiveExecutive(
            account_id=r["account_id"],
            platform=Platform(r["platform"]),
            handle=r["handle"],
            name=r["name"],
            title=r["title"],
            access=access.get(r["account_id"], ()),
        )
        for r in rows
    )


async def _access(conn: Conn) -> dict[int, tuple[LiveAccess, ...]]:
    rows = await conn.fetch(
        """
        select distinct on (account_id, kind) account_id, kind, observable, reason, since
        from signal_access order by account_id, kind, since desc
        """
    )
    out: dict[int, tuple[LiveAccess, ...]] = {}
    for r in rows:
        found = LiveAccess(SignalKind(r["kind"]), r["observable"], r["reason"], r["since"])
        out[r["account_id"]] = (*out.get(r["account_id"], ()), found)
    return out


async def signals(conn: Conn, since: datetime | None, signal_ids: Sequence[int]) -> tuple[LiveSignal, ...]:
    """Acts made since `since` (None: none by time) and those of `signal_ids`, oldest first."""
    rows = await conn.fetch(
        """
        select signal_id, account_id, kind, coalesce(made_at, first_seen_at) as at,
            coalesce(recorded_at, first_seen_at) as recorded_at
        from signal
        where coalesce(made_at, first_seen_at) >= $1 or signal_id = any($2::bigint[])
        order by coalesce(made_at, first_seen_at), signal_id
        """,
        since,
        signal_ids,
    )
    return tuple(
        LiveSignal(r["signal_id"], r["account_id"], SignalKind(r["kind"]), r["at"], r["recorded_at"])
        for r in rows
    )

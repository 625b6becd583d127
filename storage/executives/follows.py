"""Whom executives follow, and which of their signals can be seen at all.

A follow is open while `first_absent` is null. `last_seen` of an open one is set while its target is missing
from the list for a reason that is not known to be an unfollow: the target itself cannot be seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storage.executives.signals import add_signals
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.signals import Signal, SignalKind
from storage.postgres.pool import Conn, StaleState


@dataclass(frozen=True, slots=True)
class FollowStep:
    """What one complete reading of a list changes, by target id."""

    began: tuple[str, ...]
    ended: tuple[str, ...]
    missing: tuple[str, ...]
    """No longer listed, but nothing is known of the follow: the target itself cannot be seen."""
    back: tuple[str, ...]
    """Listed again after having been missing."""


@dataclass(frozen=True, slots=True)
class FollowReading:
    """One complete reading of a list. The list was read page by page from `asked_at` to `at`: who is not in
    it was absent some time after the first, who is in it was there some time before the second.
    """

    account_id: AccountId
    previous_at: datetime | None
    """`asked_at` of the complete reading before it; None makes this one the baseline."""
    asked_at: datetime
    at: datetime
    follows: int


async def last_readings(conn: Conn, platform: Platform) -> dict[AccountId, datetime]:
    """When the last complete reading of each executive's list was asked for."""
    rows = await conn.fetch(
        """
        select r.account_id, r.at from follow_reading r join account a using (account_id)
        where a.platform = $1
        """,
        platform.value,
    )
    return {AccountId(r["account_id"]): r["at"] for r in rows}


async def open_follows(conn: Conn, account_id: AccountId) -> dict[str, bool]:
    """The targets that an executive follows as far as is known; True for those that are missing."""
    rows = await conn.fetch(
        """
        select target_id, last_seen is not null as missing from follow
        where account_id = $1 and first_absent is null
        """,
        account_id,
    )
    return {r["target_id"]: r["missing"] for r in rows}


async def record_follows(conn: Conn, reading: FollowReading, step: FollowStep) -> int:
    """Store a complete reading and its signals inside the caller's transaction; returns how many signals.

    The baseline gives none: when those follows began is not known. Raises StaleState when another writer
    has stored a reading since `previous_at`.
    """
    await _move_on(conn, reading)
    await conn.execute(
        """
        with ended as (
            update follow set last_seen = coalesce(last_seen, $2), first_absent = $3
            where account_id = $1 and first_absent is null and target_id = any($5::text[])
        ),
        missing as (
            update follow set last_seen = $2
            where account_id = $1 and first_absent is null and last_seen is null
                and target_id = any($6::text[])
        ),
        back as (
            update follow set last_seen = null
            where account_id = $1 and first_absent is null and target_id = any($7::text[])
        )
        insert into follow (account_id, target_id, last_absent, first_seen)
        select $1, target_id, $2, $3 from unnest($4::text[]) as u (target_id)
        """,
        reading.account_id,
        reading.previous_at,
        reading.at,
        list(step.began),
        list(step.ended),
        list(step.missing),
        list(step.back),
    )
    if reading.previous_at is None:
        return 0
    acts = [(SignalKind.FOLLOW, target) for target in step.began]
    acts += [(SignalKind.UNFOLLOW, target) for target in step.ended]
    seen_at = int(reading.at.timestamp())
    signals = [Signal(kind, f"{target}:{seen_at}", None, target) for kind, target in acts]
    return await add_signals(conn, reading.account_id, signals, reading.at)


async def _move_on(conn: Conn, reading: FollowReading) -> None:
    values = (reading.account_id, reading.asked_at, reading.follows)
    if reading.previous_at is None:
        moved = await conn.fetchval(
            """
            insert into follow_reading (account_id, at, follows) values ($1, $2, $3)
            on conflict do nothing returning true
            """,
            *values,
        )
    else:
        moved = await conn.fetchval(
            """
            update follow_reading set at = $2, follows = $3 where account_id = $1 and at = $4
            returning true
            """,
            *values,
            reading.previous_at,
        )
    if not moved:
        raise StaleState("Another process has read this list of follows in the meantime.")


# what can be seen ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a kind of signal of one executive can be seen since some time, and why (not)."""

    observable: bool
    reason: str


async def note_access(conn: Conn, kind: SignalKind, found: Mapping[AccountId, Access], now: datetime) -> int:
    """Store what can be seen from `now` on, where that differs from before; returns how many differ.

    A signal without a date that is first seen at `now` itself, as access begins, was made at an unknown
    time before it.
    """
    changed = await conn.fetch(
        """
        insert into signal_access (account_id, kind, since, observable, reason)
        select u.account_id, $1, $2, u.observable, u.reason
        from unnest($3::bigint[], $4::bool[], $5::text[]) as u (account_id, observable, reason)
        left join lateral (
            select s.observable, s.reason from signal_access s
            where s.account_id = u.account_id and s.kind = $1 order by s.since desc limit 1
        ) before on true
        where (u.observable, u.reason) is distinct from (before.observable, before.reason)
        on conflict do nothing
        returning account_id
        """,
        kind.value,
        now,
        list(found),
        [a.observable for a in found.values()],
        [a.reason for a in found.values()],
    )
    return len(changed)


async def known_likes(conn: Conn, account_id: AccountId, most: int = 1000) -> frozenset[str]:
    """The ids of the posts that an executive was last seen to like, at most so many."""
    rows = await conn.fetch(
        """
        select native_id from signal where account_id = $1 and kind = 'like'
        order by first_seen_at desc, signal_id desc limit $2
        """,
        account_id,
        most,
    )
    return frozenset(r["native_id"] for r in rows)

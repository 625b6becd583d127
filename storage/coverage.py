"""Coverage: one row per request, from which every single reading can be rebuilt."""

import json
from dataclasses import dataclass
from datetime import date, datetime

from storage.db import Conn
from storage.model.accounts import AccountId, Platform
from storage.model.coverage import Batch, BatchOutcome


async def insert_batch(conn: Conn, batch: Batch, now: datetime) -> bool:
    """Store the proof that a roster was asked. False when this attempt is already stored: a redelivery."""
    stored = await conn.fetchval(
        """
        insert into coverage
            (roster_id, slot, attempt, observed_at, outcome, missed_reason, answered, missed, latency_ms,
            recorded_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (roster_id, slot, attempt) do nothing
        returning true
        """,
        batch.roster_id,
        batch.slot,
        batch.attempt,
        batch.observed_at,
        batch.outcome,
        batch.missed_reason,
        batch.answered,
        json.dumps(batch.missed) if batch.missed else None,
        batch.latency_ms,
        now,
    )
    return bool(stored)


async def ensure_month(conn: Conn, month: date) -> None:
    """Make the partition that holds the slots of a month. Harmless when it is there."""
    await conn.execute("select ensure_coverage_month($1)", month)


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """The newest attempt of a roster: what the sweep has to do next follows from it."""

    slot: datetime
    attempt: int
    observed_at: datetime
    outcome: BatchOutcome


async def last_attempts(conn: Conn, platform: Platform) -> dict[int, LastAttempt]:
    """The newest attempt of each roster of the regular sweep, by roster id."""
    rows = await conn.fetch(
        """
        select r.roster_id, c.slot, c.attempt, c.observed_at, c.outcome
        from roster r
        cross join lateral (
            select slot, attempt, observed_at, outcome from coverage c
            where c.roster_id = r.roster_id order by slot desc, attempt desc limit 1
        ) c
        where r.platform = $1 and r.base and r.retired_at is null
        """,
        platform.value,
    )
    return {
        r["roster_id"]: LastAttempt(r["slot"], r["attempt"], r["observed_at"], BatchOutcome(r["outcome"]))
        for r in rows
    }


@dataclass(frozen=True, slots=True)
class LastReading:
    asked_at: datetime
    at: datetime


async def last_readings(conn: Conn, platform: Platform) -> dict[AccountId, LastReading]:
    """When each account last gave a conclusive answer, from any roster."""
    rows = await conn.fetch(
        """
        select distinct on (m.account_id) m.account_id, c.observed_at,
            c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at
        from roster r
        cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
        cross join lateral (
            select c.observed_at, c.latency_ms from coverage c
            where c.roster_id = r.roster_id and c.outcome = 0
                and (c.answered is null or get_bit(c.answered, m.position::int - 1) = 1)
            order by c.observed_at desc limit 1
        ) c
        where r.platform = $1
        order by m.account_id, c.observed_at desc
        """,
        platform.value,
    )
    return {AccountId(r["account_id"]): LastReading(r["asked_at"], r["observed_at"]) for r in rows}


async def newest_observation(conn: Conn, platform: Platform) -> datetime | None:
    """The latest time at which any request of this platform was recorded."""
    return await conn.fetchval(
        """
        select max(c.observed_at) from coverage c join roster r using (roster_id) where r.platform = $1
        """,
        platform.value,
    )

"""Coverage: one row per request, from which every single reading can be rebuilt."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.coverage import Batch, BatchOutcome, Roster
from storage.model.core.shards import Shard
from storage.postgres.pool import Conn, Pool, transaction
from storage.readings.archived_rows import with_archived

_NONE: frozenset[str] = frozenset()


async def insert_batch(conn: Conn, batch: Batch, now: datetime) -> bool:
    """Store one request for the accounts of a roster. Return False if the same attempt was already stored."""
    return (await insert_batches(conn, [(batch, now)]))[0]


async def insert_batches(conn: Conn, batches: Sequence[tuple[Batch, datetime]]) -> list[bool]:
    """Store many requests, each with the time at which it is recorded. For each, return False if the same
    attempt was already stored, otherwise True.
    """
    rows = await conn.fetch(
        """
        insert into coverage_row
            (roster_id, slot, attempt, observed_at, outcome, latency_ms, recorded_at, lacked)
        select roster_id, slot, attempt, observed_at, outcome, latency_ms, recorded_at,
            shortfall(missed_reason, answered, missed, string_to_array(silent, ' '))
        from unnest(
            $1::int[], $2::timestamptz[], $3::smallint[], $4::timestamptz[], $5::smallint[], $6::text[],
            $7::bytea[], $8::jsonb[], $9::int[], $10::timestamptz[], $11::text[]
        ) as u (
            roster_id, slot, attempt, observed_at, outcome, missed_reason, answered, missed, latency_ms,
            recorded_at, silent
        )
        on conflict (slot, roster_id, attempt) do nothing
        returning slot, roster_id, attempt
        """,
        [b.roster_id for b, _ in batches],
        [b.slot for b, _ in batches],
        [b.attempt for b, _ in batches],
        [b.observed_at for b, _ in batches],
        [b.outcome for b, _ in batches],
        [b.missed_reason for b, _ in batches],
        [b.answered for b, _ in batches],
        [json.dumps(b.missed) if b.missed else None for b, _ in batches],
        [b.latency_ms for b, _ in batches],
        [now for _, now in batches],
        [" ".join(b.silent) or None for b, _ in batches],
    )
    if len(rows) == len(batches):
        return [True] * len(batches)
    stored = {tuple(r) for r in rows}
    stored_now: list[bool] = []
    for batch, _ in batches:
        key = (batch.slot, batch.roster_id, batch.attempt)
        stored_now.append(key in stored)
        stored.discard(key)  # The same attempt may occur twice in one call; the first one counts.
    return stored_now


async def is_stored(conn: Conn, roster: Roster, slot: datetime, attempt: int) -> bool:
    """Whether this attempt was stored before, also if it is in the files of an archived month, where
    `insert_batch` does not find it.
    """
    await with_archived(conn, slot, slot, roster.account_ids, planned=True)
    return await conn.fetchval(
        "select exists (select from coverage where slot = $1 and roster_id = $2 and attempt = $3)",
        slot,
        roster.roster_id,
        attempt,
    )


async def ensure_month(conn: Conn, month: date) -> None:
    """Create the partition for a month's slots, if it does not exist."""
    await conn.execute("select ensure_coverage_month($1)", month)


async def ensure_months(pool: Pool, months: Sequence[date]) -> None:
    """Call `ensure_month` for all months in a separate transaction.

    Creating a partition blocks all writers until the transaction ends. If the same transaction also waited
    for one of these writers, neither could continue.
    """
    async with transaction(pool) as conn:
        for month in months:
            await ensure_month(conn, month)


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """The newest attempt of a roster. The sweep plans its next step from this attempt."""

    slot: datetime
    attempt: int
    observed_at: datetime
    outcome: BatchOutcome


async def last_attempts(
    conn: Conn, platform: Platform, vantage: str = "", only: Sequence[int] | None = None
) -> dict[int, LastAttempt]:
    """The newest attempt of each roster of the regular sweep from one vantage point, by roster id.

    `only` limits the rosters; None means all.
    """
    rows = await conn.fetch(
        """
        select r.roster_id, c.slot, c.attempt, c.observed_at, c.outcome
        from roster r
        cross join lateral (
            select slot, attempt, observed_at, outcome from coverage c
            where c.roster_id = r.roster_id order by observed_at desc, slot desc, attempt desc limit 1
        ) c
        where r.platform = $1 and r.vantage = $2 and r.base and r.retired_at is null
            and ($3::int[] is null or r.roster_id = any($3))
        """,
        platform.value,
        vantage,
        only,
    )
    return {
        r["roster_id"]: LastAttempt(r["slot"], r["attempt"], r["observed_at"], BatchOutcome(r["outcome"]))
        for r in rows
    }


async def answered_in_slot(
    conn: Conn, platform: Platform, slot: datetime, shard: Shard, vantage: str = ""
) -> dict[AccountId, datetime]:
    """The accounts of a shard that were answered in this slot of the regular sweep from one vantage point, by
    whichever roster, each with the time of the answer.
    """
    await with_archived(conn, slot, slot, planned=True)
    rows = await conn.fetch(
        """
        select m.account_id, max(c.observed_at) as at
        from roster r
        join coverage c on c.roster_id = r.roster_id and c.slot = $3 and c.outcome = 0
        cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
        where r.platform = $1 and r.vantage = $2 and r.base
            and (r.retired_at is null or r.retired_at >= $3)
            and shard_of(m.account_id, $4) = $5 and answered_at(c.answered, m.position)
        group by m.account_id
        """,
        platform.value,
        vantage,
        slot,
        shard.count,
        shard.index,
    )
    return {AccountId(r["account_id"]): r["at"] for r in rows}


@dataclass(frozen=True, slots=True)
class LastReading:
    """The newest conclusive answer about one account."""

    asked_at: datetime
    at: datetime
    silent: frozenset[str] = _NONE
    """Countries about which the answer says nothing."""


async def last_readings(
    conn: Conn, platform: Platform, vantage: str = "", only: Sequence[AccountId] | None = None
) -> dict[AccountId, LastReading]:
    """The last conclusive answer about each account, from any roster of one vantage point.

    `only` limits the accounts; None means all of the platform. Accounts without an answer are left out.
    """
    rows = await conn.fetch(
        """
        with answer as materialized (  -- one per roster, not one per account
            select r.roster_id, r.account_ids, c.*
            from roster r
            cross join lateral (
                select observed_at, latency_ms, silent, answered from coverage
                where roster_id = r.roster_id and outcome = 0
                order by observed_at desc, latency_ms desc limit 1
            ) c
            where r.platform = $1 and r.vantage = $2
                -- To compare many accounts takes longer than to look up the newest answer.
                and ($3::int[] is null or cardinality($3) > 10 or r.account_ids && $3)
        ),
        newest as (
            select a.*, m.account_id, m.position
            from answer a cross join lateral unnest(a.account_ids) with ordinality as m (account_id, position)
            where $3::int[] is null or m.account_id in (select unnest($3))
        ),
        told as (
            select account_id, observed_at, latency_ms, silent from newest
            where answered_at(answered, position)
            union all
            -- Nearly all are in the newest answer of the roster; only the others are searched for further.
            select n.account_id, c.* from newest n
            cross join lateral (
                select observed_at, latency_ms, silent from coverage
                where roster_id = n.roster_id and outcome = 0 and observed_at <= n.observed_at
                    and answered_at(answered, n.position)
                order by observed_at desc, latency_ms desc limit 1
            ) c
            where get_bit(n.answered, n.position - 1) = 0  -- the planner expects few of these, rightly
        )
        select distinct on (account_id) account_id, observed_at, silent,
            observed_at - latency_ms * interval '1 millisecond' as asked_at
        from told order by account_id, observed_at desc, asked_at
        """,
        platform.value,
        vantage,
        only,
    )
    shared: dict[datetime, datetime] = {}  # Accounts asked together share their times.
    found: dict[AccountId, LastReading] = {}
    for r in rows:
        account_id, asked_at, at = AccountId(r["account_id"]), r["asked_at"], r["observed_at"]
        found[account_id] = LastReading(
            shared.setdefault(asked_at, asked_at),
            shared.setdefault(at, at),
            frozenset(r["silent"]) if r["silent"] else _NONE,
        )
    return found


async def held_since(
    conn: Conn, platform: Platform, only: Sequence[AccountId] | None = None
) -> dict[AccountId, datetime]:
    """Return, by account, when the current series of quarantined answers began. Accounts without such a
    series are left out.

    A series begins after the last believed answer, and not before the account was watched. `only` limits the
    accounts; None means all that are watched.
    """
    holding = await conn.fetch(
        """
        with held as materialized (
            select r.roster_id, r.account_ids
            from roster r
            cross join lateral (
                select outcome from coverage
                where roster_id = r.roster_id and outcome <> 1 order by observed_at desc limit 1
            ) newest
            where r.platform = $1 and r.vantage = '' and newest.outcome = 2
                -- To compare many accounts takes longer than to look up the newest answer, and few are held.
                and ($2::int[] is null or cardinality($2) > 10 or r.account_ids && $2)
        )
        select held.roster_id, believed.at
        from held
        left join lateral (
            select observed_at as at from coverage
            where roster_id = held.roster_id and outcome = 0
                order by observed_at desc, latency_ms desc limit 1
        ) believed on true
        where $2::int[] is null or held.account_ids && $2
        """,
        platform.value,
        only,
    )
    if not holding:  # The usual case.
        return {}
    rows = await conn.fetch(
        """
        with believed as (
            select m.account_id, max(c.observed_at) as at
            from roster r
            cross join lateral (
                select observed_at from coverage
                where roster_id = r.roster_id and outcome = 0
                order by observed_at desc, latency_ms desc limit 1
            ) c
            cross join lateral unnest(r.account_ids) as m (account_id)
            -- The answers of an imported record are not ours.
            where r.platform = $1 and r.vantage = '' and (r.base or r.out_of_turn is not null)
                and ($4::int[] is null or cardinality($4) > 10 or r.account_ids && $4)
            group by 1
        )
        select m.account_id, min(c.observed_at) as since
        from unnest($2::int[], $3::timestamptz[]) as holding (roster_id, believed_at)
        join roster r using (roster_id)
        join coverage c on c.roster_id = r.roster_id and c.outcome = 2
            and c.observed_at > coalesce(holding.believed_at, '-infinity')
        cross join lateral unnest(r.account_ids) as m (account_id)
        join watch_period w on w.account_id = m.account_id and w.until is null
        left join believed b on b.account_id = m.account_id
        where c.observed_at > greatest(b.at, w.since)
            and ($4::int[] is null or m.account_id in (select unnest($4)))
        group by 1
        """,
        platform.value,
        [r["roster_id"] for r in holding],
        [r["at"] for r in holding],
        only,
    )
    return {AccountId(r["account_id"]): r["since"] for r in rows}


async def was_read(conn: Conn, since: datetime, until: datetime) -> bool:
    """Whether any account gave our connection a conclusive answer from `since` until before `until`."""
    await with_archived(conn, since, until)
    return await conn.fetchval(
        """
        select exists (
            select from coverage c join roster r using (roster_id)
            where c.observed_at >= $1 and c.observed_at < $2 and c.outcome = 0 and r.vantage = ''
                and (c.answered is null or bit_count(c.answered) > 0)
        )
        """,
        since,
        until,
    )


async def newest_answer(conn: Conn, platform: Platform) -> datetime | None:
    """The newest time of a conclusive answer of this platform to our connection; None if there is none."""
    return await conn.fetchval(
        """
        select max(c.observed_at) from roster r cross join lateral (
            select observed_at from coverage
            where roster_id = r.roster_id and outcome = 0 and (answered is null or bit_count(answered) > 0)
            order by observed_at desc limit 1
        ) c
        where r.platform = $1 and r.vantage = ''
        """,
        platform.value,
    )


async def newest_observation(conn: Conn, platform: Platform, vantage: str = "") -> datetime | None:
    """The newest time of any request of this platform from this vantage point; None if there is none."""
    return await conn.fetchval(
        """
        select max(c.observed_at) from roster r cross join lateral (
            select observed_at from coverage
            where roster_id = r.roster_id order by observed_at desc limit 1
        ) c
        where r.platform = $1 and r.vantage = $2
        """,
        platform.value,
        vantage,
    )

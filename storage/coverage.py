"""Coverage: one row per request, from which every single reading can be rebuilt."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
            recorded_at, silent)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (slot, roster_id, attempt) do nothing
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
        batch.silent or None,
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


async def last_attempts(conn: Conn, platform: Platform, vantage: str = "") -> dict[int, LastAttempt]:
    """The newest attempt of each roster of the regular sweep from one vantage, by roster id."""
    rows = await conn.fetch(
        """
        select r.roster_id, c.slot, c.attempt, c.observed_at, c.outcome
        from roster r
        cross join lateral (
            select slot, attempt, observed_at, outcome from coverage c
            where c.roster_id = r.roster_id order by observed_at desc, slot desc, attempt desc limit 1
        ) c
        where r.platform = $1 and r.vantage = $2 and r.base and r.retired_at is null
        """,
        platform.value,
        vantage,
    )
    return {
        r["roster_id"]: LastAttempt(r["slot"], r["attempt"], r["observed_at"], BatchOutcome(r["outcome"]))
        for r in rows
    }


@dataclass(frozen=True, slots=True)
class LastReading:
    """The newest conclusive answer about one account."""

    asked_at: datetime
    at: datetime
    heard: Mapping[str, datetime | None] = field(default_factory=dict[str, datetime | None])
    """Countries of which it said nothing, and when the last answer that did was asked for (None: never)."""


async def last_readings(conn: Conn, platform: Platform, vantage: str = "") -> dict[AccountId, LastReading]:
    """When each account last gave a conclusive answer, from any roster of one vantage."""
    rows = await conn.fetch(
        """
        select distinct on (m.account_id) m.account_id, c.observed_at, c.silent,
            c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at
        from roster r
        cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
        cross join lateral (
            select c.observed_at, c.latency_ms, c.silent from coverage c
            where c.roster_id = r.roster_id and c.outcome = 0
                and (c.answered is null or get_bit(c.answered, m.position::int - 1) = 1)
            order by c.observed_at desc limit 1
        ) c
        where r.platform = $1 and r.vantage = $2
        order by m.account_id, c.observed_at desc
        """,
        platform.value,
        vantage,
    )
    silent = {AccountId(r["account_id"]): tuple(r["silent"]) for r in rows if r["silent"]}
    heard = await _last_heard(conn, platform, vantage, silent) if silent else {}
    return {
        (account_id := AccountId(r["account_id"])): LastReading(
            r["asked_at"], r["observed_at"], heard.get(account_id, {})
        )
        for r in rows
    }


async def _last_heard(
    conn: Conn, platform: Platform, vantage: str, silent: Mapping[AccountId, Sequence[str]]
) -> dict[AccountId, dict[str, datetime | None]]:
    """For each account and country, when the newest answer that spoke of it was asked for."""
    pairs = [(account_id, country) for account_id, countries in silent.items() for country in countries]
    rows = await conn.fetch(
        """
        with asked as (
            select q.account_id, q.country, r.roster_id, m.position::int - 1 as bit
            from unnest($1::bigint[], $2::text[]) as q (account_id, country)
            join roster r cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
                on m.account_id = q.account_id
            where r.platform = $3 and r.vantage = $4
        ),
        -- Once a roster, however long the silence is; after this nearly every account is there at once.
        spoken as materialized (
            select p.roster_id, p.country, c.at
            from (select distinct roster_id, country from asked) p
            cross join lateral (
                select observed_at as at from coverage
                where roster_id = p.roster_id and outcome = 0 and (silent is null or p.country <> all(silent))
                order by observed_at desc limit 1
            ) c
        )
        select a.account_id, a.country,
            max(c.observed_at - c.latency_ms * interval '1 millisecond') as asked_at
        from asked a join spoken s using (roster_id, country)
        cross join lateral (
            select observed_at, latency_ms from coverage
            where roster_id = a.roster_id and outcome = 0 and observed_at <= s.at
                and (answered is null or get_bit(answered, a.bit) = 1)
                and (silent is null or a.country <> all(silent))
            order by observed_at desc limit 1
        ) c
        group by a.account_id, a.country
        """,
        [account_id for account_id, _ in pairs],
        [country for _, country in pairs],
        platform.value,
        vantage,
    )
    out: dict[AccountId, dict[str, datetime | None]] = {
        account_id: dict.fromkeys(countries) for account_id, countries in silent.items()
    }
    for r in rows:
        out[AccountId(r["account_id"])][r["country"]] = r["asked_at"]
    return out


async def newest_observation(conn: Conn, platform: Platform, vantage: str = "") -> datetime | None:
    """The latest time at which any request of this platform from this vantage was recorded."""
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

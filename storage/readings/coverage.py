"""Coverage: one row per request, from which every single reading can be rebuilt."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.country_scope import EVERY_COUNTRY, CountryScopes
from storage.model.core.coverage import Batch, BatchOutcome
from storage.model.core.known_state import ALWAYS_HEARD
from storage.postgres.pool import Conn
from storage.readings.country_scope import load_scopes


async def insert_batch(conn: Conn, batch: Batch, now: datetime) -> bool:
    """Store the proof that a roster was asked. False when this attempt is already stored: a redelivery."""
    return (await insert_batches(conn, [(batch, now)]))[0]


async def insert_batches(conn: Conn, batches: Sequence[tuple[Batch, datetime]]) -> list[bool]:
    """Store many, each with the time at which it is recorded; tells of each whether it was new."""
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
    told: list[bool] = []
    for batch, _ in batches:
        key = (batch.slot, batch.roster_id, batch.attempt)
        told.append(key in stored)
        stored.discard(key)  # the same attempt twice in one call: the first one counts
    return told


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


async def last_attempts(
    conn: Conn, platform: Platform, vantage: str = "", only: Sequence[int] | None = None
) -> dict[int, LastAttempt]:
    """The newest attempt of each roster of the regular sweep from one vantage, by roster id; `only` of those
    named.
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


@dataclass(frozen=True, slots=True)
class LastReading:
    """The newest conclusive answer about one account."""

    asked_at: datetime
    at: datetime
    heard: Mapping[str, datetime | None] = field(default_factory=lambda: ALWAYS_HEARD)
    """Countries of which it said nothing, and when the last answer that did was asked for (None: never)."""


async def last_readings(
    conn: Conn, platform: Platform, vantage: str = "", only: Sequence[AccountId] | None = None
) -> dict[AccountId, LastReading]:
    """When each account, or each of those named, last gave a conclusive answer, from any roster of one
    vantage.
    """
    rows = await conn.fetch(
        """
        with answer as materialized (  -- one a roster, not one an account
            select r.roster_id, r.account_ids, c.*
            from roster r
            cross join lateral (
                select observed_at, latency_ms, silent, answered from coverage
                where roster_id = r.roster_id and outcome = 0 order by observed_at desc limit 1
            ) c
            where r.platform = $1 and r.vantage = $2 and ($3::int[] is null or r.account_ids && $3)
        ),
        newest as (
            select a.*, m.account_id, m.position::int - 1 as bit
            from answer a cross join lateral unnest(a.account_ids) with ordinality as m (account_id, position)
            where $3::int[] is null or m.account_id = any($3)
        ),
        told as (
            select account_id, observed_at, latency_ms, silent from newest
            where answered is null or get_bit(answered, bit) = 1
            union all
            -- Nearly everybody is in the newest answer of the roster; only the others are looked for further.
            select n.account_id, c.* from newest n
            cross join lateral (
                select observed_at, latency_ms, silent from coverage
                where roster_id = n.roster_id and outcome = 0 and observed_at < n.observed_at
                    and (answered is null or get_bit(answered, n.bit) = 1)
                order by observed_at desc limit 1
            ) c
            where get_bit(n.answered, n.bit) = 0
        )
        select distinct on (account_id) account_id, observed_at, silent,
            observed_at - latency_ms * interval '1 millisecond' as asked_at
        from told order by account_id, observed_at desc
        """,
        platform.value,
        vantage,
        only,
    )
    # What the settings of then did not name is as silent as a labeler that was not heard.
    scopes = EVERY_COUNTRY if vantage else await load_scopes(conn, platform)
    silent = {
        AccountId(r["account_id"]): tuple(countries)
        for r in rows
        if (countries := {*(r["silent"] or ()), *scopes.gained_since(r["observed_at"])})
    }
    newest = max((r["observed_at"] for r in rows), default=None)
    heard = await _last_heard(conn, platform, vantage, silent, scopes, newest) if newest and silent else {}
    shared: dict[datetime, datetime] = {}  # those who were asked together share their times
    found: dict[AccountId, LastReading] = {}
    for r in rows:
        account_id, asked_at, at = AccountId(r["account_id"]), r["asked_at"], r["observed_at"]
        found[account_id] = LastReading(
            shared.setdefault(asked_at, asked_at),
            shared.setdefault(at, at),
            heard.get(account_id, ALWAYS_HEARD),
        )
    return found


async def _last_heard(
    conn: Conn,
    platform: Platform,
    vantage: str,
    silent: Mapping[AccountId, Sequence[str]],
    scopes: CountryScopes,
    newest: datetime,
) -> dict[AccountId, dict[str, datetime | None]]:
    """For each account and country, when the newest answer that spoke of it was asked for.

    `newest` is the time of the last answer: a country that came within reach later is not searched for.
    """
    in_reach = {c for c in {c for cs in silent.values() for c in cs} if scopes.was_in_reach(c, newest)}
    gaps = [(c, *gap) for c in in_reach for gap in scopes.gaps(c)]
    pairs = [(account_id, c) for account_id, countries in silent.items() for c in countries if c in in_reach]
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
                    and not exists (
                        select from unnest($5::text[], $6::timestamptz[], $7::timestamptz[])
                            as gap (country, since, until)
                        where gap.country = p.country and observed_at >= since
                            and (until is null or observed_at < until)
                    )
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
                and not exists (
                    select from unnest($5::text[], $6::timestamptz[], $7::timestamptz[])
                        as gap (country, since, until)
                    where gap.country = a.country and observed_at >= since
                        and (until is null or observed_at < until)
                )
            order by observed_at desc limit 1
        ) c
        group by a.account_id, a.country
        """,
        [account_id for account_id, _ in pairs],
        [country for _, country in pairs],
        platform.value,
        vantage,
        [country for country, _, _ in gaps],
        [since for _, since, _ in gaps],
        [until for _, _, until in gaps],
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

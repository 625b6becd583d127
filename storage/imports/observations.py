"""The looks of somebody else's record, kept as coverage: the proof that its makers looked, and at whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.bitemporal.imported_records import ImportedBatch, ImportedHistory
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import BatchOutcome
from storage.postgres.pool import Conn
from storage.readings.rosters import content_hash

_ROSTER_SIZE = 100


@dataclass(frozen=True, slots=True)
class _Request:
    """One row of coverage to be: a roster that answered, or missed, as a whole."""

    account_ids: tuple[AccountId, ...]
    look: ImportedBatch
    outcome: BatchOutcome
    missed_reason: str | None


def _requests(look: ImportedBatch, ids: dict[str, AccountId]) -> list[_Request]:
    """The accounts of a look by what became of them, a hundred at a time."""
    groups: dict[str | None, list[AccountId]] = {None: [ids[n] for n in look.answered]}
    for missed in look.missed:
        groups.setdefault(missed.reason.value, []).append(ids[missed.native_id])
    return [
        _Request(
            tuple(group[start : start + _ROSTER_SIZE]),
            look,
            BatchOutcome.ANSWERED if reason is None else BatchOutcome.MISSED,
            reason,
        )
        for reason, group in groups.items()
        for start in range(0, len(group), _ROSTER_SIZE)
    ]


async def add_coverage(conn: Conn, history: ImportedHistory, now: datetime) -> int:
    """Store the looks of a record whose accounts are on file. Returns how many rows were new."""
    ids = await _account_ids(conn, history)
    requests = [request for look in history.looks for request in _requests(look, ids)]
    hashes = [content_hash(r.account_ids, (), base=False) for r in requests]
    await conn.execute(
        "select ensure_coverage_month(m) from unnest($1::date[]) as u (m)",
        sorted({r.look.since.date().replace(day=1) for r in requests}),
    )
    await conn.execute(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
        select $1, content_hash, string_to_array(account_ids, ',')::int[], '{}', false, $4
        from unnest($2::bytea[], $3::text[]) as u (content_hash, account_ids)
        on conflict (content_hash) do nothing
        """,
        history.platform.value,
        hashes,
        [",".join(map(str, r.account_ids)) for r in requests],
        now,
    )
    stored = await conn.fetch(
        """
        insert into coverage_row
            (roster_id, slot, attempt, observed_at, outcome, latency_ms, recorded_at, lacked)
        select roster_id, slot, attempt, observed_at, outcome, latency_ms, $8,
            shortfall(missed_reason, null, null, null)
        from unnest(
            $1::bytea[], $2::timestamptz[], $3::smallint[], $4::timestamptz[], $5::smallint[], $6::text[],
            $7::int[]
        ) as u (content_hash, slot, attempt, observed_at, outcome, missed_reason, latency_ms)
        join roster using (content_hash)
        on conflict (slot, roster_id, attempt) do nothing
        returning roster_id
        """,
        hashes,
        [r.look.since for r in requests],
        [r.look.number for r in requests],
        [r.look.at for r in requests],
        [r.outcome for r in requests],
        [r.missed_reason for r in requests],
        [(r.look.at - r.look.since) // timedelta(milliseconds=1) for r in requests],
        now,
    )
    return len(stored)


async def _account_ids(conn: Conn, history: ImportedHistory) -> dict[str, AccountId]:
    rows = await conn.fetch(
        "select native_id, account_id from account where platform = $1 and native_id = any($2::text[])",
        history.platform.value,
        [a.native_id for a in history.accounts],
    )
    return {r["native_id"]: AccountId(r["account_id"]) for r in rows}

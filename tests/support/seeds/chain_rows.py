"""Rows of changes and outcomes, past the rules of the monitor; and stories to pack and to export."""

from contextlib import aclosing
from datetime import datetime, timedelta

from collectors.x.declaration import X
from storage.export.exports import EXPORTS
from storage.model.core.accounts import Account
from storage.model.core.availability import State
from storage.model.evidence.export_kinds import ExportFilter, Kind
from storage.postgres.pool import Conn
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, WITHHELD_IN, minutes
from tests.support.seeds.changes import become, enlist, roster_of

RAW = b'[{"url":"/2/users?ids=1","about":{"id":"1","username":"h1","withheld":{"country_codes":["IN"]}}}]'


async def add_change(
    conn: Conn,
    account_id: int,
    key: str,
    at: datetime,
    *,
    supersedes: int | None = None,
    state: State = SUSPENDED,
    source: str = "x",
    flags: tuple[str, ...] = (),
    last_seen_old: datetime | None = None,
    recorded_at: datetime | None = None,
    kind: str = "block",
) -> int:
    """One row of `change`; its number."""
    return await conn.fetchval(
        """
        insert into change (
            change_key, account_id, old_status, status, withheld_in, kind, strength, last_seen_old,
            first_seen_new, recorded_at, source, supersedes, flags
        )
        values ($1, $2, 'available', $3, $4, $11, 'strong', $5, $6, $7, $8, $9, $10) returning change_id
        """,
        key,
        account_id,
        state.status.value,
        list(state.withheld_in),
        last_seen_old,
        at,
        recorded_at or at,
        source,
        supersedes,
        list(flags),
        kind,
    )


async def add_outcome(
    conn: Conn, change_id: int, at: datetime, outcome: str = "confirmed", reason: str = "enough_strong"
) -> None:
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        values ($1, $2, $3, $4, 2, $4)
        """,
        change_id,
        outcome,
        reason,
        at,
    )


async def block_of(conn: Conn, native_id: str = "1", evidence: bytes | None = RAW) -> tuple[Account, int]:
    """An account that was read twice as available and then as withheld in India; the number of that change.

    Another account is asked in the same requests and changes as well.
    """
    one, other = await enlist(conn, X, [native_id, "987654321"])
    roster = await roster_of(conn, [one, other])
    await become(conn, roster, one, None, AVAILABLE, minutes(0))
    await become(conn, roster, other, None, AVAILABLE, minutes(0.25))
    await become(conn, roster, one, AVAILABLE, WITHHELD_IN, minutes(15), evidence=evidence)
    await become(conn, roster, other, AVAILABLE, SUSPENDED, minutes(30))
    change_id = await conn.fetchval("select max(change_id) from change where account_id = $1", one.account_id)
    # The reading before it, whose question was asked ten minutes before the first answer.
    await conn.execute(
        """
        insert into coverage_row (
            roster_id, slot, attempt, observed_at, outcome, latency_ms, recorded_at
        ) values ($1, $2, 0, $3, 0, 500, $3), ($1, $4, 0, $4, 1, 500, $4)
        """,
        roster.roster_id,
        minutes(5),
        minutes(5) + timedelta(milliseconds=500),
        minutes(5) + 5 * MINUTE,
    )
    return one, change_id


NOW = minutes(600)


async def table(conn: Conn, kind: Kind, wanted: ExportFilter | None = None) -> list[dict[str, object]]:
    rows = await EXPORTS[kind].rows(conn, wanted or ExportFilter(NOW))
    async with aclosing(rows.chunks) as chunks:
        return [dict(zip(rows.columns, row, strict=True)) async for chunk in chunks for row in chunk]

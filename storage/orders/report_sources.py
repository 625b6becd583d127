"""Sources of a report on an order: the changes behind its states, the heads of the chain, the sweeps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from storage.changes.hash_chain import Head, heads, newest_head
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import BatchOutcome
from storage.orders.compliance_report import OrderCohort
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class SweepOutcomes:
    """The requests of the regular sweep for accounts on the list, by outcome."""

    answered: int
    missed: int
    """Requests without a conclusive answer."""
    quarantined: int
    """Answers that were not believed, because their control accounts looked wrong."""
    usual: timedelta | None
    """Median time between two answers for the same accounts; None if there are no two."""


@dataclass(frozen=True, slots=True)
class ReportSources:
    """The sources. `changes` has their numbers by account and by the first reading of the new state."""

    native_ids: Mapping[AccountId, str]
    """The platform's own ids of the accounts, which never change."""
    changes: Mapping[tuple[AccountId, datetime], int]
    newest: Head | None
    """The newest entry of the chain; None while nothing is recorded."""
    heads: tuple[Head, ...]
    """The heads of the days on which these changes were recorded or decided, oldest first."""
    sweeps: SweepOutcomes
    imported: tuple[tuple[str, int], ...]
    """Published records with the number of states taken from each."""


async def grounds(
    conn: Conn, found: OrderCohort, at: datetime, known_at: datetime | None = None
) -> ReportSources:
    """Return the sources of an order's figures up to `at`, as known at `known_at` (None: now)."""
    account_ids = [m.account_id for m in found.members]
    rows = await conn.fetch(
        """
        select s.account_id, lower(s.valid) as since, s.change_id, c.source
        from spells_known($3) s join change c using (change_id)
        where s.account_id = any($1::bigint[]) and lower(s.valid) <= $2
        """,
        account_ids,
        at,
        known_at,
    )
    changes = {(AccountId(r["account_id"]), r["since"]): r["change_id"] for r in rows}
    imported = Counter(r["source"] for r in rows if r["source"].startswith("import:"))
    days = await _days(conn, list(set(changes.values())))
    ids = await conn.fetch(
        "select account_id, native_id from account where account_id = any($1::bigint[])", account_ids
    )
    return ReportSources(
        native_ids={AccountId(r["account_id"]): r["native_id"] for r in ids},
        changes=changes,
        newest=await newest_head(conn),
        heads=tuple(h for h in await heads(conn, min(days)) if h.day in days) if days else (),
        sweeps=await _sweeps(conn, account_ids, found.since, at, known_at),
        imported=tuple(sorted(imported.items())),
    )


async def _days(conn: Conn, change_ids: Sequence[int]) -> set[date]:
    """Return the UTC days of the chain entries of these changes and their outcomes."""
    rows = await conn.fetch("select at from chain where change_id = any($1::bigint[])", change_ids)
    return {r["at"].astimezone(UTC).date() for r in rows}


async def _sweeps(
    conn: Conn, account_ids: Sequence[int], since: datetime, at: datetime, known_at: datetime | None
) -> SweepOutcomes:
    await with_archived(conn, since, at, account_ids)
    row = await conn.fetchrow(
        """
        with asked as (
            select c.outcome, case when c.outcome = $5 then c.observed_at
                - lag(c.observed_at) over (partition by c.roster_id, c.outcome order by c.observed_at)
                end as distance
            from coverage c join roster r using (roster_id)
            where r.base and r.vantage = '' and r.account_ids && $1::int[]
                and c.observed_at > $2 and c.observed_at <= $3
                and c.recorded_at <= coalesce($4::timestamptz, 'infinity')
        )
        select count(*) filter (where outcome = $5) as answered,
            count(*) filter (where outcome = $6) as missed,
            count(*) filter (where outcome = $7) as held,
            percentile_cont(0.5) within group (order by distance) as usual
        from asked
        """,
        account_ids,
        since,
        at,
        known_at,
        BatchOutcome.ANSWERED,
        BatchOutcome.MISSED,
        BatchOutcome.HELD,
    )
    assert row is not None  # noqa: S101 - a count is always one row
    return SweepOutcomes(row["answered"], row["missed"], row["held"], row["usual"])

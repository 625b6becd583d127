"""Reading back everything that a run stored, to judge a backtest."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.core.availability import State, Status
from storage.model.core.coverage import is_answered
from storage.postgres.pool import Conn


async def reading_times(conn: Conn) -> dict[str, list[datetime]]:
    """Return, by native id, the times of all conclusive answers to our own connection, in ascending order.
    The times are rebuilt from coverage.
    """
    members = {
        r["roster_id"]: list(r["native_ids"])
        for r in await conn.fetch(
            """
            select r.roster_id, array_agg(a.native_id order by m.position) as native_ids
            from roster r cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
            join account a on a.account_id = m.account_id
            where r.vantage = ''
            group by r.roster_id
            """
        )
    }
    times: dict[str, list[datetime]] = {i: [] for ids in members.values() for i in ids}
    async for r in conn.cursor(
        """
        select c.roster_id, c.observed_at, c.answered from coverage c join roster r using (roster_id)
        where c.outcome = 0 and r.vantage = '' order by c.observed_at
        """,
        prefetch=5000,
    ):
        at, answered = r["observed_at"], r["answered"]
        for position, native_id in enumerate(members[r["roster_id"]]):
            if is_answered(answered, position):
                times[native_id].append(at)
    return times


async def silences(conn: Conn) -> dict[tuple[str, datetime], frozenset[str]]:
    """Return the countries about which an answer said nothing, by the account's native id and the time of the
    answer. Answers that report all countries are left out.
    """
    rows = await conn.fetch(
        """
        select a.native_id, c.observed_at, c.silent
        from coverage c join roster r using (roster_id) join account a on a.account_id = any(r.account_ids)
        where c.outcome = 0 and c.silent is not null and r.vantage = ''
        """
    )
    return {(r["native_id"], r["observed_at"]): frozenset(r["silent"]) for r in rows}


@dataclass(frozen=True, slots=True)
class Confirmed:
    native_id: str
    old: State | None
    new: State
    kind: str
    last_seen_old: datetime | None
    first_seen_new: datetime
    decided_at: datetime


async def confirmed_changes(conn: Conn) -> list[Confirmed]:
    """Every confirmed change that was not superseded, including first states, in order of time."""
    rows = await conn.fetch(
        """
        select a.native_id, c.old_status, c.old_withheld_in, c.status, c.withheld_in, c.kind, c.last_seen_old,
            c.first_seen_new, o.decided_at
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where o.outcome = 'confirmed' order by c.first_seen_new, a.native_id
        """
    )
    return [
        Confirmed(
            r["native_id"],
            None if r["old_status"] is None else State(Status(r["old_status"]), tuple(r["old_withheld_in"])),
            State(Status(r["status"]), tuple(r["withheld_in"])),
            r["kind"],
            r["last_seen_old"],
            r["first_seen_new"],
            r["decided_at"],
        )
        for r in rows
    ]


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals over everything stored, without control accounts."""

    requests: int
    readings: int
    missed: int
    mails: int
    mail_recipients: int
    not_confirmed: int
    coverage_bytes: int
    """The size of coverage and rosters, with all their indexes."""


async def totals(conn: Conn) -> Totals:
    row = await conn.fetchrow(
        """
        with asked as (
            select count(*) as requests, sum(cardinality(r.account_ids)) as accounts,
                sum(case
                    when c.outcome <> 0 then 0
                    when c.answered is null then cardinality(r.account_ids)
                    else bit_count(c.answered)
                end) as readings
            from coverage c join roster r using (roster_id)
        ), sent as (
            select count(*) as mails, sum(cardinality(recipients)) as recipients
            from mail where state = 'sent'
        )
        select asked.*, sent.*,
            (
                select count(*) from standing_change join change_outcome using (change_id)
                where outcome = 'not_confirmed'
            ) as not_confirmed,
            (select sum(pg_total_relation_size(relid)) from pg_partition_tree('coverage_row'))
                + pg_total_relation_size('roster') as bytes
        from asked, sent
        """
    )
    assert row is not None  # noqa: S101 - aggregates without grouping give one row
    readings = int(row["readings"] or 0)
    return Totals(
        requests=row["requests"],
        readings=readings,
        missed=int(row["accounts"] or 0) - readings,
        mails=row["mails"],
        mail_recipients=int(row["recipients"] or 0),
        not_confirmed=row["not_confirmed"],
        coverage_bytes=int(row["bytes"]),
    )

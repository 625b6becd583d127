"""Read model of what is done beside the sweep: when each maintenance task last left a trace; and of the
outbox.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from storage.alerts.mail_queue import first_in_line
from storage.model.core.accounts import Platform
from storage.postgres.audit_chain import AuditChainState, audit_chain_state
from storage.postgres.merkle_log import CheckpointState, checkpoint_state
from storage.postgres.pool import Conn

SEAL_AT, ANCHOR_AT, RETENTION_AT, ARCHIVE_AT = time(0, 0), time(0, 1), time(2, 40), time(3, 10)
"""When these are done each day, in UTC."""


def next_run(at: time, now: datetime) -> datetime:
    """When something is done next that is done each day at this time, in UTC."""
    today = datetime.combine(now.astimezone(UTC), at, UTC)
    return today if now < today else today + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MaintenanceTasks:
    """When each was last done, as far as it leaves a trace. None: never."""

    executives: int
    """Whose acts are collected."""
    engagement_at: datetime | None
    """When any of them was last asked."""
    engagement_behind_at: datetime | None
    """When the one who was asked longest ago was; None also while there is one who never was."""
    never_asked: int
    follows_at: datetime | None
    """When a whole list of follows was last read."""
    retention_at: datetime | None
    """When evidence whose time is over was last looked for."""
    retention_lists: int
    """Lists that do not keep their evidence for ever."""
    streams: tuple[tuple[Platform, datetime], ...]
    """Up to when each stream of events was taken in."""
    chain_entries: int
    chain_at: datetime | None
    """The time of the newest entry of the chain over the changes."""
    anchored_at: datetime | None
    """When a time-stamping authority last put a time on an entry."""
    anchored_seq: int | None
    """The newest entry that has one."""
    audit_log: AuditChainState
    checkpoint: CheckpointState | None = None
    """The newest checkpoint of the log over the chain; None: none was signed."""
    archived_months: int = 0
    archive_at: datetime | None = None
    """When months to archive were last sought without a failure."""
    archive_failure: str | None = None
    """Why that failed the last time; None also where it did not."""


@dataclass(frozen=True, slots=True)
class OutboxReport:
    """The mails and messages that wait or were given up, and the alerts of which none is written yet."""

    sent: int
    waiting: int
    overdue: int
    """Those waiting whose time has come."""
    oldest_at: datetime | None
    """When the oldest of those waiting was written."""
    retry_at: datetime | None
    """When the next one is tried."""
    dead: int
    undecided: int
    """Alerts about which no rule has decided yet; what is kept for a wave or a digest is decided."""
    undecided_since: datetime | None


async def maintenance_tasks(conn: Conn) -> MaintenanceTasks:
    row = await conn.fetchrow(
        """
        select
            (select count(*) from executive) as executives,
            (select max(last_polled_at) from executive) as engagement_at,
            (select min(last_polled_at) from executive) as engagement_behind_at,
            (select count(*) from executive where last_polled_at is null) as never_asked,
            (select max(at) from follow_reading) as follows_at,
            (select max(at) from retention_log) as retention_at,
            (select count(*) from watch_list where keep_days is not null) as retention_lists,
            (select coalesce(max(seq), 0) from chain) as chain_entries,
            (select at from chain order by seq desc limit 1) as chain_at,
            (select max(at) from chain_anchor) as anchored_at,
            (select max(seq) from chain_anchor) as anchored_seq,
            (select count(*) from archived_month) as archived_months,
            (select max(at) from archive_run where failure is null) as archive_at,
            (select failure from archive_run order by run_id desc limit 1) as archive_failure
        """
    )
    streams = await conn.fetch(
        "select platform, min(at) as at from stream_position group by platform order by platform"
    )
    if row is None:
        raise LookupError("a query without a table returned no row")
    return MaintenanceTasks(
        executives=row["executives"],
        engagement_at=row["engagement_at"],
        engagement_behind_at=None if row["never_asked"] else row["engagement_behind_at"],
        never_asked=row["never_asked"],
        follows_at=row["follows_at"],
        retention_at=row["retention_at"],
        retention_lists=row["retention_lists"],
        streams=tuple((Platform(s["platform"]), s["at"]) for s in streams),
        chain_entries=row["chain_entries"],
        chain_at=row["chain_at"],
        anchored_at=row["anchored_at"],
        anchored_seq=row["anchored_seq"],
        audit_log=await audit_chain_state(conn),
        checkpoint=await checkpoint_state(conn),
        archived_months=row["archived_months"],
        archive_at=row["archive_at"],
        archive_failure=row["archive_failure"],
    )


async def outbox(conn: Conn, now: datetime) -> OutboxReport:
    row = await conn.fetchrow(
        """
        select m.*, a.undecided, a.undecided_since
        from (
            select count(*) filter (where state = 'sent') as sent,
                count(*) filter (where state = 'queued') as waiting,
                count(*) filter (
                    where state = 'queued' and next_attempt_at <= $1 and mail_id = any($2::bigint[])
                ) as overdue,
                min(created_at) filter (where state = 'queued') as oldest_at,
                min(next_attempt_at) filter (
                    where state = 'queued' and mail_id = any($2::bigint[])
                ) as retry_at,
                count(*) filter (where state = 'dead') as dead
            from mail
        ) m
        cross join (
            select count(*) as undecided, min(created_at) as undecided_since
            from alert where decided_at is null
                and not exists (select from alert_decision d where d.alert_id = alert.alert_id)
        ) a
        """,
        now,
        await first_in_line(conn),
    )
    if row is None:
        raise LookupError("an aggregate query returned no row")
    return OutboxReport(
        sent=row["sent"],
        waiting=row["waiting"],
        overdue=row["overdue"],
        oldest_at=row["oldest_at"],
        retry_at=row["retry_at"],
        dead=row["dead"],
        undecided=row["undecided"],
        undecided_since=row["undecided_since"],
    )

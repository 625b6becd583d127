"""Read models of the mails: what was sent to whom about which changes, and what could not be delivered;
and when each recipient was last sent anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.alerts.mail_queue import mail_of
from storage.model.alerts.alerts import Mail, MailKind, MailState
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class MailNote:
    """What the change feed says of a mail."""

    mail_id: int
    subject: str
    state: MailState
    recipients: int
    at: datetime
    """When the server accepted it; until then, when it was written."""
    change_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MailLine:
    """One mail in the list."""

    mail_id: int
    subject: str
    recipients: tuple[str, ...]
    state: MailState
    created_at: datetime
    sent_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    last_error: str | None
    changes: int
    """How many changes it tells of."""
    kind: MailKind
    merged_into: int | None = None
    """The later mail that says what this one says; None when it is not merged."""


async def mail_notes(conn: Conn, since: datetime | None, mail_ids: Sequence[int]) -> tuple[MailNote, ...]:
    """Mails written since `since` (None: none by time) and those of `mail_ids`, oldest first."""
    rows = await conn.fetch(
        """
        select m.mail_id, m.subject, m.state, cardinality(m.recipients) as recipients,
            coalesce(m.sent_at, m.created_at) as at,
            array(
                select distinct a.change_id from mail_alert t join alert a using (alert_id)
                where t.mail_id = m.mail_id order by a.change_id
            ) as change_ids
        from mail m
        where m.created_at >= $1 or m.mail_id = any($2::bigint[])
        order by m.mail_id
        """,
        since,
        mail_ids,
    )
    return tuple(
        MailNote(
            mail_id=r["mail_id"],
            subject=r["subject"],
            state=MailState(r["state"]),
            recipients=r["recipients"],
            at=r["at"],
            change_ids=tuple(r["change_ids"]),
        )
        for r in rows
    )


async def undelivered(conn: Conn, limit: int) -> tuple[MailLine, ...]:
    """The newest `limit` mails that were given up, then the `limit` that are tried next."""
    rows = await conn.fetch(
        """
        select m.mail_id, m.subject, m.recipients, m.state, m.created_at, m.sent_at, m.attempts,
            m.next_attempt_at, m.last_error, m.kind,
            (select count(*) from mail_alert t where t.mail_id = m.mail_id) as changes
        from (
            (select * from mail where state = 'dead' order by mail_id desc limit $1)
            union all
            (select * from mail where state = 'queued' order by next_attempt_at, mail_id limit $1)
        ) m
        order by m.state, case when m.state = 'dead' then -m.mail_id end, m.next_attempt_at, m.mail_id
        """,
        limit,
    )
    return tuple(map(_line, rows))


def _line(r: Record) -> MailLine:
    return MailLine(
        mail_id=r["mail_id"],
        subject=r["subject"],
        recipients=tuple(r["recipients"]),
        state=MailState(r["state"]),
        created_at=r["created_at"],
        sent_at=r["sent_at"],
        attempts=r["attempts"],
        next_attempt_at=r["next_attempt_at"],
        last_error=r["last_error"],
        changes=r["changes"],
        kind=MailKind(r["kind"]),
    )


async def mail_with(conn: Conn, message_id: str) -> int | None:
    """The number of the mail with this Message-ID, given without its brackets; None when there is none."""
    if "\0" in message_id:  # Postgres holds none
        return None
    return await conn.fetchval(
        "select mail_id from mail where message_id = '<' || $1::text || '>'", message_id
    )


async def mail(conn: Conn, mail_id: int) -> Mail | None:
    """One mail with its bodies, None when there is no such mail."""
    r = await conn.fetchrow("select * from mail where mail_id = $1", mail_id)
    return None if r is None else mail_of(r)


async def past_recipients(conn: Conn) -> dict[str, datetime]:
    """When something was last sent to each recipient, be it on trial. Who is not in it was never told."""
    rows = await conn.fetch(
        """
        select recipient, max(at) as at from (
            select unnest(recipients) as recipient, sent_at as at from mail where state = 'sent'
            union all
            select detail ->> 'to', at from audit_log where action = 'test sent'
        ) told group by recipient
        """
    )
    return {r["recipient"]: r["at"] for r in rows}

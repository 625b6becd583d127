"""Mails as the API lists them: newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which mails. What is None leaves the choice out."""

    since: datetime | None = None
    """Written from then on."""
    until: datetime | None = None
    states: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    recipient: str | None = None
    account_id: int | None = None
    """It tells of a change of this account."""


@dataclass(frozen=True, slots=True)
class MailRow:
    """One delivery: a mail or a message to a channel, to its recipients."""

    mail_id: int
    message_id: str
    kind: str
    subject: str
    recipients: Sequence[str]
    state: str
    created_at: datetime
    sent_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    last_error: str | None
    story_key: str | None
    merged_into: int | None
    """The later mail that says what this one says; None when it is not merged."""
    change_ids: Sequence[int]


async def mails_page(conn: Conn, wanted: MailFilter, before: int | None, limit: int) -> list[MailRow]:
    """Up to `limit` mails with a number below `before`, newest first."""
    rows = await conn.fetch(
        """
        select m.mail_id, m.message_id, m.kind, m.subject, m.recipients, m.state, m.created_at, m.sent_at,
            m.attempts, m.next_attempt_at, m.last_error, s.story_key, m.merged_into,
            array(
                select distinct a.change_id from mail_alert t join alert a using (alert_id)
                where t.mail_id = m.mail_id order by a.change_id
            ) as change_ids
        from mail m left join story s using (story_id)
        where ($1::bigint is null or m.mail_id < $1)
            and m.created_at >= coalesce($3::timestamptz, '-infinity')
            and m.created_at < coalesce($4::timestamptz, 'infinity')
            and ($5::text[] is null or m.state = any($5))
            and ($6::text[] is null or m.kind = any($6))
            and ($7::text is null or m.recipients @> array[$7])
            and ($8::bigint is null or exists (
                select from mail_alert t join alert a using (alert_id) join change c using (change_id)
                where t.mail_id = m.mail_id and c.account_id = $8
            ))
        order by m.mail_id desc limit $2
        """,
        before,
        limit,
        wanted.since,
        wanted.until,
        wanted.states,
        wanted.kinds,
        wanted.recipient,
        wanted.account_id,
    )
    return [MailRow(**dict(r.items())) for r in rows]


async def mail_row(conn: Conn, mail_id: int) -> MailRow | None:
    """One mail; None when there is none."""
    rows = await mails_page(conn, MailFilter(), mail_id + 1, 1)
    return rows[0] if rows and rows[0].mail_id == mail_id else None

"""Mails to the operators: one for each time that a collector stops for a reason only a human can mend."""

from datetime import datetime

from storage.collectors import CollectorState
from storage.db import Conn
from storage.model.alerts import MailDraft


async def queue_operator_mail(conn: Conn, state: CollectorState, draft: MailDraft, now: datetime) -> bool:
    """Queue the mail about a stop, inside the caller's transaction. False when this stop was told before."""
    return bool(
        await conn.fetchval(
            """
            with made as (
                insert into mail (
                    message_id, recipients, subject, text_body, html_body, created_at, state, next_attempt_at
                )
                select $5, $6, $7, $8, $9, $10, 'queued', $10
                where not exists (
                    select from operator_mail o
                    where o.platform = $1 and o.place = $2 and o.vantage = $3 and o.since = $4
                )
                on conflict (message_id) do nothing
                returning mail_id
            )
            insert into operator_mail (platform, place, vantage, since, mail_id)
            select $1, $2, $3, $4, mail_id from made
            on conflict do nothing
            returning true
            """,
            state.platform.value,
            state.place,
            state.vantage,
            state.since,
            draft.message_id,
            draft.recipients,
            draft.subject,
            draft.text_body,
            draft.html_body,
            now,
        )
    )

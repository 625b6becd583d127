"""The queue of mails: claimed under a lease, and marked as sent only after a server accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from storage.db import Pool, transaction
from storage.model.alerts import Mail, MailState

LEASE = timedelta(minutes=10)
"""How long a claimed mail is nobody else's: longer than the slowest delivery may take."""


async def claim_due(pool: Pool, now: datetime, limit: int, lease: timedelta = LEASE) -> list[Mail]:
    """Take up to `limit` queued mails that are due, oldest first, and count the attempt.

    Nobody else gets them before `lease` is over. `attempts` of the answer tells this claim from a
    later one; pass the same `Mail` to the functions below.
    """
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            """
            update mail set attempts = attempts + 1, next_attempt_at = $1 + $3
            where mail_id in (
                select mail_id from mail where state = 'queued' and next_attempt_at <= $1
                order by next_attempt_at, mail_id limit $2 for update skip locked
            )
            returning *
            """,
            now,
            limit,
            lease,
        )
    return sorted((_mail(r) for r in rows), key=lambda m: m.mail_id)


@dataclass(frozen=True, slots=True)
class Split:
    """Recipients that a server refused while it took the mail for others: a mail of their own."""

    message_id: str
    recipients: tuple[str, ...]
    error: str
    retry_at: datetime | None
    """None: refused for good."""


async def mark_sent(pool: Pool, mail: Mail, now: datetime, refused: Sequence[Split] = ()) -> None:
    """The server accepted `mail`, except for the recipients in `refused`, which go on as mails of their own.

    It holds even when the lease was over: an accepted mail must not be sent by anybody else.
    """
    left_out = {r for split in refused for r in split.recipients}
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set state = 'sent', sent_at = $2, next_attempt_at = null, last_error = null,
                recipients = $3
            where mail_id = $1 and state = 'queued'
            """,
            mail.mail_id,
            now,
            [r for r in mail.recipients if r not in left_out],
        )
        for split in refused:
            await conn.execute(
                """
                insert into mail (
                    message_id, recipients, subject, text_body, html_body, created_at, state, attempts,
                    next_attempt_at, last_error
                )
                values (
                    $1, $2, $3, $4, $5, $6, case when $7::timestamptz is null then 'dead' else 'queued' end,
                    $8, $7, $9
                )
                on conflict (message_id) do nothing
                """,
                split.message_id,
                split.recipients,
                mail.subject,
                mail.text_body,
                mail.html_body,
                mail.created_at,
                split.retry_at,
                mail.attempts,
                split.error,
            )


async def mark_failed(pool: Pool, mail: Mail, retry_at: datetime, error: str) -> None:
    """Nobody accepted `mail` this time. Does nothing when the claim is no longer ours."""
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set next_attempt_at = $3, last_error = $4
            where mail_id = $1 and attempts = $2 and state = 'queued'
            """,
            mail.mail_id,
            mail.attempts,
            retry_at,
            error,
        )


async def give_up(pool: Pool, mail: Mail, error: str) -> None:
    """Make `mail` a dead letter, kept with its reason. Does nothing when the claim is no longer ours."""
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set state = 'dead', next_attempt_at = null, last_error = $3
            where mail_id = $1 and attempts = $2 and state = 'queued'
            """,
            mail.mail_id,
            mail.attempts,
            error,
        )


async def explain_queue(pool: Pool, now: datetime, reason: str) -> None:
    """Say of every due mail why nobody tries to send it."""
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set last_error = $2
            where state = 'queued' and next_attempt_at <= $1 and last_error is distinct from $2
            """,
            now,
            reason,
        )


async def next_due(pool: Pool) -> datetime | None:
    """When the next queued mail is to be tried; None when nothing is queued."""
    async with transaction(pool) as conn:
        return await conn.fetchval("select min(next_attempt_at) from mail where state = 'queued'")


def _mail(r: Record) -> Mail:
    return Mail(
        mail_id=r["mail_id"],
        message_id=r["message_id"],
        recipients=tuple(r["recipients"]),
        subject=r["subject"],
        text_body=r["text_body"],
        html_body=r["html_body"],
        created_at=r["created_at"],
        state=MailState(r["state"]),
        attempts=r["attempts"],
        next_attempt_at=r["next_attempt_at"],
        sent_at=r["sent_at"],
        last_error=r["last_error"],
    )

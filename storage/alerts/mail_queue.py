"""The queue of mails: claimed under a lease, and marked as sent only after a server accepted."""

from datetime import datetime, timedelta

from asyncpg import Record

from storage.model.alerts.alerts import Mail, MailKind, MailState, Via
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Pool, Refused, transaction

LEASE = timedelta(minutes=10)
"""How long a claimed mail is nobody else's: longer than the slowest delivery may take."""


async def claim_due(pool: Pool, now: datetime, limit: int, via: Via | None = None) -> list[Mail]:
    """Take up to `limit` queued mails that are due, urgent ones and then oldest first; count the attempt.

    Nobody else gets them before `LEASE` is over. `via` None: by whatever they go out. `next_attempt_at` of
    the answer, when the lease ends, tells this claim from a later one: pass the same `Mail` to the functions
    below.
    """
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            """
            update mail set attempts = attempts + 1, next_attempt_at = $1 + $3
            where mail_id in (
                select mail_id from mail
                where state = 'queued' and next_attempt_at <= $1
                    and ($4::boolean is null or (recipients[1] like '%:%') = $4)
                order by urgent desc, next_attempt_at, mail_id limit $2 for update skip locked
            )
            returning *
            """,
            now,
            limit,
            LEASE,
            None if via is None else via is Via.CHANNEL,
        )
    return sorted((mail_of(r) for r in rows), key=lambda m: m.mail_id)


async def mark_sent(pool: Pool, mail: Mail, now: datetime) -> None:
    """The server accepted `mail`.

    It holds even when the lease was over: an accepted mail must not be sent by anybody else.
    """
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set state = 'sent', sent_at = $2, next_attempt_at = null, last_error = null
            where mail_id = $1 and state = 'queued'
            """,
            mail.mail_id,
            now,
        )


async def mark_failed(pool: Pool, mail: Mail, retry_at: datetime, error: str) -> None:
    """Nobody accepted `mail` this time. Does nothing when the claim is no longer ours."""
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set next_attempt_at = $3, last_error = $4
            where mail_id = $1 and next_attempt_at = $2 and state = 'queued'
            """,
            mail.mail_id,
            mail.next_attempt_at,
            retry_at,
            error,
        )


async def release(pool: Pool, mail: Mail, look_again: datetime, reason: str) -> None:
    """Nobody could be asked to take `mail`: it waits as if it had not been claimed, and says why.

    Does nothing when the claim is no longer ours.
    """
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set attempts = attempts - 1, next_attempt_at = $3, last_error = $4
            where mail_id = $1 and next_attempt_at = $2 and state = 'queued'
            """,
            mail.mail_id,
            mail.next_attempt_at,
            look_again,
            reason,
        )


async def hold_back(pool: Pool, mail: Mail, now: datetime, until: datetime, reason: str) -> None:
    """Let everything that is due wait that goes out by the same server or channel as `mail`, and say why.

    No attempt is counted.
    """
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set next_attempt_at = $3, last_error = $4
            where mail_id in (
                select mail_id from mail
                where state = 'queued' and next_attempt_at <= $2
                    and case when $1 like '%:%' then recipients[1] = $1 else recipients[1] not like '%:%' end
                for update skip locked
            )
            """,
            mail.recipients[0],
            now,
            until,
            reason,
        )


async def mark_dead(pool: Pool, mail: Mail, error: str) -> None:
    """Make `mail` a dead letter, kept with its reason. Does nothing when the claim is no longer ours."""
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set state = 'dead', next_attempt_at = null, last_error = $3
            where mail_id = $1 and next_attempt_at = $2 and state = 'queued'
            """,
            mail.mail_id,
            mail.next_attempt_at,
            error,
        )


async def explain_queue(pool: Pool, now: datetime, reason: str) -> None:
    """Say of every due mail to an address why nobody tries to send it."""
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set last_error = $2
            where state = 'queued' and next_attempt_at <= $1 and recipients[1] not like '%:%'
                and last_error is distinct from $2
            """,
            now,
            reason,
        )


async def next_due(pool: Pool) -> datetime | None:
    """When the next queued mail is to be tried; None when nothing is queued."""
    async with transaction(pool) as conn:
        return await conn.fetchval("select min(next_attempt_at) from mail where state = 'queued'")


async def resend(conn: Conn, mail_id: int, actor: str, now: datetime) -> str:
    """Send a mail again by hand, under the Message-ID that it had; returns its subject.

    A dead letter gets its attempts anew, and is told as given up anew if it comes to that. Raises Refused
    when there is no such mail, or it waits already.
    """
    row = await conn.fetchrow(
        "select state, subject, recipients from mail where mail_id = $1 for update", mail_id
    )
    if row is None:
        raise Refused(f"There is no mail {mail_id}.")
    if row["state"] == "queued":
        raise Refused(f"Mail {mail_id} waits to be sent already.")
    await conn.execute(
        """
        update mail set state = 'queued', attempts = 0, next_attempt_at = $2, sent_at = null,
            last_error = null, given_up_seen_at = null
        where mail_id = $1
        """,
        mail_id,
        now,
    )
    detail = {"mail": mail_id, "was": row["state"], "to": row["recipients"]}
    await log(conn, now, actor, "mail sent again", f"mail {mail_id}", detail)
    return row["subject"]


def mail_of(r: Record) -> Mail:
    """A mail from all columns of its row."""
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
        kind=MailKind(r["kind"]),
        in_reply_to=r["in_reply_to"],
        reference_ids=tuple(r["reference_ids"]),
        urgent=r["urgent"],
        picture=r["picture"],
        payload=r["payload"],
        unsubscribe_url=r["unsubscribe_url"],
    )

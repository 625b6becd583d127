"""The queue of mails: claimed under a lease, and marked as sent only after a server accepted.

The mails of a thread reach a recipient in the order in which they were written, so that the last word arrives
last: see `queued`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from asyncpg import Record

from storage.model.alerts.alerts import Mail, MailKind, MailState, Via
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Pool, Refused, transaction

LEASE = timedelta(minutes=10)
"""How long a claimed mail is nobody else's: longer than the slowest delivery may take."""


BEHIND = "An older email of the same thread to the same recipient is not sent yet; this one follows it."


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail that waits to be sent, and its place in line."""

    mail_id: int
    urgent: bool
    behind: int | None
    """The oldest queued mail to the same recipient that goes first; None when it is first in line."""


async def queued(conn: Conn) -> list[QueuedMail]:
    """Every queued mail, oldest first.

    Mails to one recipient go one after the other when they continue one story or concern the same account,
    by whatever rule; and so do digests, notices to operators and notices of engagements, labels and networks,
    each behind those of its kind. A mail that was sent or failed permanently holds up nothing.
    """
    rows = await conn.fetch(
        """
        with waiting as (
            select mail_id, urgent, kind, story_id, min(mail_id) over same as recipient,
                count(*) over same > 1 as has_company
            from mail where state = 'queued' window same as (partition by recipients[1])
        ),
        part as (
            select mail_id, recipient, 'story' as what, story_id as which from waiting
            where has_company and story_id is not null
            union all
            select mail_id, recipient, kind, 0 from waiting
            where has_company and kind in ('digest', 'operator', 'engagement', 'labels', 'networks')
            union all
            select w.mail_id, w.recipient, 'account', c.account_id
            from waiting w join mail_alert using (mail_id) join alert using (alert_id)
            join change c using (change_id)
            where w.has_company
        ),
        thread as (
            select recipient, what, which, min(mail_id) as first from part
            group by 1, 2, 3 having min(mail_id) < max(mail_id)
        ),
        line as (
            select part.mail_id, min(thread.first) as behind
            from part join thread using (recipient, what, which)
            where thread.first < part.mail_id group by 1
        )
        select w.mail_id, w.urgent, line.behind from waiting w left join line using (mail_id) order by 1
        """
    )
    return [QueuedMail(r["mail_id"], r["urgent"], r["behind"]) for r in rows]


async def first_in_line(conn: Conn) -> list[int]:
    """The queued mails that wait for no older one. They stay so: what is queued later goes behind them."""
    return [mail.mail_id for mail in await queued(conn) if mail.behind is None]


async def claim_due(pool: Pool, now: datetime, limit: int, via: Via | None = None) -> list[Mail]:
    """Take up to `limit` queued mails that are due, urgent ones and then oldest first; count the attempt.

    From now on a server may have accepted them: they are merged into no other mail, unless the attempt is
    known to have failed.
    A mail waits while an older one of its thread is queued, also when another notifier sends that one just
    now. A mail that an urgent one waits for is urgent itself. Nobody else gets the mails before `LEASE` is
    over. `via` None: by whatever they go out. `next_attempt_at` of the answer, when the lease ends, tells
    this claim from a later one: pass the same `Mail` to the functions below.
    """
    async with transaction(pool) as conn:
        line = await queued(conn)
        rows = await conn.fetch(
            """
            update mail set attempts = attempts + 1, uncertain_offers = uncertain_offers + 1,
                next_attempt_at = $1 + $3
            where mail_id in (
                select mail_id from mail
                where state = 'queued' and next_attempt_at <= $1 and mail_id = any($5::bigint[])
                    and ($4::boolean is null or (recipients[1] like '%:%') = $4)
                order by urgent or mail_id = any($6::bigint[]) desc, next_attempt_at, mail_id
                limit $2 for update skip locked
            )
            returning *, (select story_key from story s where s.story_id = mail.story_id) as story_key
            """,
            now,
            limit,
            LEASE,
            None if via is None else via is Via.CHANNEL,
            [mail.mail_id for mail in line if mail.behind is None],
            [mail.behind for mail in line if mail.urgent and mail.behind is not None],
        )
    found = [replace(mail_of(r), story_key=r["story_key"]) for r in rows]
    return sorted(found, key=lambda m: m.mail_id)


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


async def mark_failed(pool: Pool, mail: Mail, retry_at: datetime, error: str, *, uncertain: bool) -> None:
    """No server said that it accepted `mail` this time; those behind it wait as long, and say so.

    `uncertain`: a server may have accepted it all the same. Does nothing when the claim is no longer ours.
    """
    async with transaction(pool) as conn:
        ours = await conn.fetchval(
            """
            update mail set next_attempt_at = $3, last_error = $4,
                uncertain_offers = uncertain_offers - case when $5 then 0 else 1 end
            where mail_id = $1 and next_attempt_at = $2 and state = 'queued' returning true
            """,
            mail.mail_id,
            mail.next_attempt_at,
            retry_at,
            error,
            uncertain,
        )
        if ours:
            await conn.execute(
                """
                update mail set next_attempt_at = greatest(next_attempt_at, $3), last_error = $2
                where mail_id in (
                    select mail_id from mail where mail_id = any($1::bigint[]) and state = 'queued'
                    for update skip locked
                )
                """,
                [one.mail_id for one in await queued(conn) if one.behind == mail.mail_id],
                BEHIND,
                retry_at,
            )


async def release(pool: Pool, mail: Mail, look_again: datetime, reason: str) -> None:
    """Nobody could be asked to take `mail`: it waits as if it had not been claimed, and says why.

    Does nothing when the claim is no longer ours.
    """
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update mail set attempts = attempts - 1, uncertain_offers = uncertain_offers - 1,
                next_attempt_at = $3, last_error = $4
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
    """When the next queued mail that is first in line is to be tried; None when nothing is queued."""
    async with transaction(pool) as conn:
        return await conn.fetchval(
            "select min(next_attempt_at) from mail where state = 'queued' and mail_id = any($1::bigint[])",
            await first_in_line(conn),
        )


async def resend(conn: Conn, mail_id: int, actor: str, now: datetime) -> str:
    """Send a mail again by hand, under the Message-ID that it had; returns its subject.

    A dead letter gets its attempts anew, and is told as given up anew if it comes to that. Raises Refused
    when there is no such mail, it waits already, or a later one says the same.
    """
    row = await conn.fetchrow(
        "select state, subject, recipients, merged_into from mail where mail_id = $1 for update", mail_id
    )
    if row is None:
        raise Refused(f"There is no mail {mail_id}.")
    if row["state"] == "queued":
        raise Refused(f"Mail {mail_id} is already waiting to be sent.")
    if row["merged_into"] is not None:
        into = row["merged_into"]
        raise Refused(
            f"Mail {mail_id} was merged into mail {into}, which contains both. Send mail {into} again."
        )
    await conn.execute(
        """
        update mail set state = 'queued', attempts = 0, next_attempt_at = $2, sent_at = null,
            last_error = null, given_up_seen_at = null, uncertain_offers = greatest(uncertain_offers, 1)
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
        merged_into=r["merged_into"],
    )

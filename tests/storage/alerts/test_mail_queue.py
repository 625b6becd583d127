"""The order of the queue: mails of one thread reach a recipient in the order in which they were written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from storage.alerts import mail_queue, outbox
from storage.alerts.mail_queue import BEHIND, claim_due, next_due
from storage.health.maintenance_tasks_report import outbox as outbox_report
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import blocked, queue, store, tell_by
from tests.support.samples.readings import T0, minutes

DESK, NIGHT, HOOK = "desk@example.org", "night@example.org", "webhook:desk"


@dataclass(frozen=True, slots=True)
class Written:
    """A mail as it is queued."""

    to: str = DESK
    kind: MailKind = MailKind.WAVE
    story: int | None = None
    about: tuple[int, ...] = ()
    """Accounts."""
    state: str = "queued"
    urgent: bool = False


async def write(pool: Pool, mails: Sequence[Written]) -> None:
    """Queue these mails; their numbers begin with 1."""
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, blocked(4))
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into story (story_key, rule_id, recipients)
            select n, rule_id, '{}' from alert_rule cross join generate_series(1, 2) as n
            """
        )
        for n, mail in enumerate(mails):
            draft = MailDraft(f"<{n}@b>", mail.to, f"mail {n}", "text", "html", mail.kind, urgent=mail.urgent)
            mail_id = await outbox.queue(conn, draft, T0, mail.story, None)
            await conn.execute(
                """
                insert into mail_alert (mail_id, alert_id)
                select $1, alert_id from alert join change using (change_id) join account using (account_id)
                where native_id = any($2::text[])
                """,
                mail_id,
                [str(account) for account in mail.about],
            )
            await conn.execute("update mail set state = $2 where mail_id = $1", mail_id, mail.state)


STORY = Written(story=1)


async def test_a_mail_that_waits_says_why_and_is_neither_due_nor_overdue(pool: Pool) -> None:
    await write(pool, [STORY, STORY, Written(to=NIGHT)])
    (mine, other) = await claim_due(pool, minutes(1), 10)
    await mail_queue.mark_sent(pool, other, minutes(1))
    await mail_queue.mark_failed(pool, mine, minutes(50), "450 busy", uncertain=False)
    assert [(state, error) for state, _, _, error in await queue(pool)] == [
        ("queued", "450 busy"),
        ("queued", BEHIND),
        ("sent", None),
    ]
    assert await next_due(pool) == minutes(50)
    assert await pool.fetchval("select next_attempt_at from mail where mail_id = 2") == minutes(50)
    async with transaction(pool) as conn:
        found = await outbox_report(conn, minutes(40))
    assert (found.waiting, found.overdue, found.retry_at) == (2, 0, minutes(50))
    (mine,) = await claim_due(pool, minutes(50), 10)
    await mail_queue.mark_dead(pool, mine, "550 gone")
    (last,) = await claim_due(pool, minutes(50), 10)
    assert last.mail_id == 2


async def test_a_dead_letter_that_is_sent_again_goes_before_those_that_still_wait(pool: Pool) -> None:
    await write(pool, [replace(STORY, state="dead"), STORY])
    async with transaction(pool) as conn:
        await mail_queue.resend(conn, 1, "ada", minutes(1))
    assert [m.mail_id for m in await claim_due(pool, minutes(1), 10)] == [1]

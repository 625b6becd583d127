"""The order of the queue: mails of one thread reach a recipient in the order in which they were written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from storage.alerts import mail_queue, outbox
from storage.alerts.mail_queue import BEHIND, claim_due, first_in_line, next_due
from storage.health.maintenance_tasks_report import outbox as outbox_report
from storage.model.alerts.alerts import MailDraft, MailKind, Via
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Pool, open_pool, transaction
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
ABOUT = Written(about=(1, 2))
NOTICE = Written(kind=MailKind.OPERATOR)


@pytest.mark.parametrize(
    ("mails", "first"),
    [
        pytest.param([STORY, STORY, STORY], [1], id="the mails of a story go one after the other"),
        pytest.param([STORY, replace(STORY, story=2)], [1, 2], id="two stories do not wait for each other"),
        pytest.param([STORY, replace(STORY, to=NIGHT)], [1, 2], id="no recipient waits for another"),
        pytest.param(
            [STORY, replace(STORY, kind=MailKind.REMINDER)], [1], id="a reminder follows what it reminds of"
        ),
        pytest.param([ABOUT, Written(about=(2, 3))], [1], id="mails of two rules about one account"),
        pytest.param([ABOUT, Written(about=(3,))], [1, 2], id="other accounts are another thread"),
        pytest.param(
            [ABOUT, Written(kind=MailKind.DIGEST, about=(1,)), Written(about=(1,))],
            [1],
            id="a digest follows the wave about one of its accounts, and is followed",
        ),
        pytest.param([Written(kind=MailKind.DIGEST)] * 2, [1], id="digests in their order, also empty ones"),
        pytest.param([NOTICE, NOTICE], [1], id="that a condition is over follows that it is so"),
        pytest.param([STORY, NOTICE], [1, 2], id="operators do not wait for alerts"),
        pytest.param([Written(kind=MailKind.TEST)] * 2, [1, 2], id="tests wait for nothing"),
        pytest.param([replace(STORY, to=HOOK)] * 2, [1], id="a channel hears in order as well"),
        pytest.param([replace(STORY, to=HOOK), STORY], [1, 2], id="a mail does not wait for a channel"),
        pytest.param([replace(STORY, state="sent"), STORY], [2], id="what was sent holds up nothing"),
        pytest.param([replace(STORY, state="dead"), STORY], [2], id="a dead letter holds up nothing"),
        pytest.param(
            [Written(story=1, about=(1,)), Written(story=2, about=(2,)), Written(about=(1, 2))],
            [1, 2],
            id="one that goes on with two threads waits for both",
        ),
    ],
)
async def test_only_what_is_first_in_line_is_claimed(
    pool: Pool, mails: list[Written], first: list[int]
) -> None:
    await write(pool, mails)
    async with transaction(pool) as conn:
        assert await first_in_line(conn) == first
    claimed = await claim_due(pool, minutes(1), 10)
    assert [mail.mail_id for mail in claimed] == first
    assert await claim_due(pool, minutes(1), 10) == [], "those behind wait also while it is handed over"
    for mail in claimed:
        await mail_queue.mark_sent(pool, mail, minutes(1))
    waiting = [n for n, mail in enumerate(mails, 1) if mail.state == "queued" and n not in first]
    assert [m.mail_id for m in await claim_due(pool, minutes(1), 10)] == waiting[:1]


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


async def test_what_an_urgent_mail_waits_for_is_urgent(pool: Pool) -> None:
    one, two = Written(about=(1,)), Written(about=(2,))
    await write(pool, [Written(to=NIGHT), one, two, replace(two, urgent=True)])
    order: list[int] = []
    while claimed := await claim_due(pool, minutes(1), 1):
        order.append(claimed[0].mail_id)
        await mail_queue.mark_sent(pool, claimed[0], minutes(1))
    assert order == [3, 4, 1, 2]


async def test_a_dead_letter_that_is_sent_again_goes_before_those_that_still_wait(pool: Pool) -> None:
    await write(pool, [replace(STORY, state="dead"), STORY])
    async with transaction(pool) as conn:
        await mail_queue.resend(conn, 1, "ada", minutes(1))
    assert [m.mail_id for m in await claim_due(pool, minutes(1), 10)] == [1]


async def test_many_notifiers_at_once_hand_each_thread_over_in_order(dsn: str) -> None:
    async with open_pool(dsn, max_size=8) as pool:
        await write(pool, [Written(to=to, about=(n % 4,)) for n in range(40) for to in (DESK, NIGHT, HOOK)])
        sent: list[int] = []

        async def notify(via: Via | None) -> None:
            idle = 0
            while idle < 40:
                claimed = await claim_due(pool, minutes(1), 1, via)
                idle = 0 if claimed else idle + 1
                await asyncio.sleep(0.002)
                for mail in claimed:
                    sent.append(mail.mail_id)
                    await mail_queue.mark_sent(pool, mail, minutes(1) + timedelta(seconds=1))

        async with asyncio.TaskGroup() as all_of_them:
            for via in (None, None, Via.SMTP, Via.SMTP, Via.CHANNEL):
                all_of_them.create_task(notify(via))
    assert sorted(sent) == list(range(1, 121))
    threads = [[n for n in sent if n % 12 == thread] for thread in range(12)]
    assert threads == [sorted(thread) for thread in threads]

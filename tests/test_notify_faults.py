"""Mails that are refused, delayed, repeated or claimed twice, on a real database and real mail servers."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.compose import Letterhead
from jobs.inbox import Inbox, SmtpServer
from jobs.notify import GIVE_UP_AFTER, TickReport, decide_alerts, next_due, retry_delay, tick
from jobs.policy import AlertRule
from storage import mails, outbox
from storage.db import Pool, StaleState, open_pool, transaction
from storage.model.alerts import AlertDecision
from tests.alert_factories import ORDER, REPORTERS, a_change, an_alert, blocked, decisions, queue, store
from tests.factories import MINUTE, minutes
from tests.mail_servers import Refusing, sender_to, serving

RULE = AlertRule(("desk@example.org", "night@example.org"), zone="Asia/Kolkata")
HEAD = Letterhead("https://blockline.example.org/")
NOTHING = TickReport(0, 0, 0, 0)


async def test_a_temporary_failure_is_tried_again_later_and_then_forgotten(pool: Pool) -> None:
    await store(pool, blocked(1))
    inbox = Refusing("RCPT", "450 busy", "450 busy")
    async with serving(inbox) as sender:
        assert await tick(pool, sender, RULE, minutes(5), HEAD) == TickReport(1, 0, 1, 0)
        ((state, _, attempts, error),) = await queue(pool)
        assert (state, attempts) == ("queued", 1)
        assert error is not None
        assert "450 busy" in error
        again = await next_due(pool, sender, RULE, minutes(5))
        assert again is not None
        assert minutes(5.8) <= again <= minutes(6.2)
        assert await tick(pool, sender, RULE, again - timedelta(seconds=1), HEAD) == NOTHING
        assert await tick(pool, sender, RULE, again, HEAD) == TickReport(0, 1, 0, 0)
    assert await queue(pool) == [("sent", RULE.recipients, 2, None)]
    assert len(inbox.mails()) == 1


async def test_a_greylisting_server_is_left_alone_for_as_long_as_it_asked(pool: Pool) -> None:
    await store(pool, blocked(1))
    async with serving(
        Refusing("RCPT", "450 try again in 600 seconds", "450 try again in 600 seconds")
    ) as sender:
        await tick(pool, sender, RULE, minutes(5), HEAD)
        assert await next_due(pool, sender, RULE, minutes(5)) == minutes(15)


async def test_a_permanent_refusal_makes_a_dead_letter_at_once(pool: Pool) -> None:
    await store(pool, blocked(1))
    async with serving(Refusing("RCPT", "550 no such user", "550 no such user")) as sender:
        assert await tick(pool, sender, RULE, minutes(5), HEAD) == TickReport(1, 0, 0, 1)
        assert await tick(pool, sender, RULE, minutes(500), HEAD) == NOTHING
    ((state, _, _, error),) = await queue(pool)
    assert state == "dead"
    assert error is not None
    assert "550 no such user" in error


async def test_a_server_that_stays_away_for_a_day_makes_a_dead_letter(pool: Pool) -> None:
    await store(pool, blocked(1))
    with SmtpServer(Inbox()) as gone:
        sender = sender_to(gone.port)
    now, reports = minutes(5), list[TickReport]()
    while (due := await next_due(pool, sender, RULE, now)) is not None:
        now = max(now, due)
        reports.append(await tick(pool, sender, RULE, now, HEAD))
    assert [r.dead for r in reports] == [0] * (len(reports) - 1) + [1]
    assert GIVE_UP_AFTER * 0.8 <= now - minutes(5) <= GIVE_UP_AFTER * 1.25
    ((state, _, attempts, error),) = await queue(pool)
    assert (state, attempts) == ("dead", len(reports))
    assert error is not None
    assert error.startswith("Cannot hand mails to the server at 127.0.0.1")


async def test_a_recipient_who_is_refused_gets_a_mail_of_his_own_and_nobody_gets_it_twice(pool: Pool) -> None:
    await store(pool, blocked(1))
    inbox = Refusing("RCPT", "450 mailbox busy", recipient="night@")
    async with serving(inbox) as sender:
        assert await tick(pool, sender, RULE, minutes(5), HEAD) == TickReport(1, 1, 0, 0)
        assert [(state, to) for state, to, _, _ in await queue(pool)] == [
            ("sent", ("desk@example.org",)),
            ("queued", ("night@example.org",)),
        ]
        assert await tick(pool, sender, RULE, minutes(8), HEAD) == TickReport(0, 1, 0, 0)
    assert sorted(m.recipients for m in inbox.mails()) == [RULE.recipients, ("night@example.org",)]
    assert [m.copies for m in inbox.mails()] == [1, 1]


async def test_a_recipient_who_is_refused_for_good_is_a_dead_letter_of_his_own(pool: Pool) -> None:
    await store(pool, blocked(1))
    async with serving(Refusing("RCPT", "550 gone", recipient="night@")) as sender:
        await tick(pool, sender, RULE, minutes(5), HEAD)
    assert [(state, to, error) for state, to, _, error in await queue(pool)] == [
        ("sent", ("desk@example.org",), None),
        ("dead", ("night@example.org",), "The mail server refused night@example.org: 550 gone."),
    ]


async def test_a_notifier_killed_after_acceptance_repeats_the_same_bytes(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    await store(pool, blocked(3))
    inbox = Inbox(tmp_path / "mails")
    with SmtpServer(inbox) as server:
        script = """
            import asyncio, os, signal, sys
            from tests.test_notify_faults import HEAD, RULE, sender_to
            from jobs.notify import decide_alerts
            from storage import mails
            from storage.db import open_pool
            from tests.factories import minutes

            async def main():
                async with open_pool(sys.argv[1]) as pool:
                    await decide_alerts(pool, RULE, minutes(5), HEAD)
                    (mail,) = await mails.claim_due(pool, minutes(5), 1)
                    await sender_to(int(sys.argv[2])).send(mail)
                    os.kill(os.getpid(), signal.SIGKILL)

            asyncio.run(main())
        """
        command = [sys.executable, "-c", textwrap.dedent(script), dsn, str(server.port)]
        killed = await asyncio.to_thread(
            subprocess.run, command, env={**os.environ, "PYTHONPATH": "."}, check=False, capture_output=True
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        assert [m.copies for m in inbox.mails()] == [1]
        first = inbox.mails()[0].raw

        sender = sender_to(server.port)
        assert await tick(pool, sender, RULE, minutes(6), HEAD) == NOTHING, "the lease is not over"
        later = minutes(5) + mails.LEASE
        assert await tick(pool, sender, RULE, later, HEAD) == TickReport(0, 1, 0, 0)
    (mail,) = inbox.mails()
    assert mail.copies == 2
    copies = {path.read_bytes() for path in (tmp_path / "mails").glob("*.eml")}
    assert copies == {first}


async def test_two_notifiers_at_once_send_each_mail_once(dsn: str) -> None:
    async with open_pool(dsn) as one, open_pool(dsn) as two:
        alerts = [an_alert(i, a_change(i, at=minutes(i * 30)), minutes(i * 30 + 1), ORDER) for i in range(12)]
        await store(one, [*alerts, *(replace(a, cohorts=(REPORTERS,)) for a in blocked(6, first=50))])
        inbox = Inbox()
        with SmtpServer(inbox) as server:
            async with asyncio.TaskGroup() as both:
                ticks = [
                    both.create_task(tick(pool, sender_to(server.port), RULE, minutes(5000), HEAD))
                    for pool in (one, two, one, two)
                ]
        decided = sum(t.result().mails_decided for t in ticks)
        assert decided == sum(t.result().sent for t in ticks) == len(inbox.mails())
        assert [m.copies for m in inbox.mails()] == [1] * decided
        assert await decisions(one) == [("mailed", True)] * 18


async def test_alerts_that_another_notifier_decided_are_not_decided_again(pool: Pool) -> None:
    await store(pool, blocked(3))
    async with transaction(pool) as conn:
        ids = [a.alert_id for a in await outbox.open_alerts(conn)]
    await decide_alerts(pool, RULE, minutes(5), HEAD)
    with pytest.raises(StaleState, match="3 of 3 alerts"):
        async with transaction(pool) as conn:
            await outbox.decide(conn, [], dict.fromkeys(ids, AlertDecision.FLAPPING), [], minutes(6))
    assert await decisions(pool) == [("mailed", True)] * 3


async def test_a_claim_that_was_lost_changes_nothing_except_that_sent_is_sent(pool: Pool) -> None:
    await store(pool, blocked(1))
    await decide_alerts(pool, RULE, minutes(5), HEAD)
    (old,) = await mails.claim_due(pool, minutes(5), 10)
    assert await mails.claim_due(pool, minutes(5), 10) == []
    (new,) = await mails.claim_due(pool, minutes(5) + mails.LEASE, 10)
    assert (old.attempts, new.attempts) == (1, 2)
    await mails.mark_failed(pool, old, minutes(6), "too late")
    await mails.give_up(pool, old, "too late")
    assert await queue(pool) == [("queued", RULE.recipients, 2, None)]
    await mails.mark_sent(pool, old, minutes(20))
    await mails.give_up(pool, new, "never mind")
    assert await queue(pool) == [("sent", RULE.recipients, 2, None)]


@pytest.mark.parametrize("message_id", ["<a@b>", "<c@d>"])
def test_pauses_double_from_a_minute_to_an_hour_and_end_after_a_day(message_id: str) -> None:
    pauses = [d for n in range(1, 100) if (d := retry_delay(message_id, n)) is not None]
    nominal = [min(2**n, 60) for n in range(len(pauses))]
    assert all(0.8 * m * MINUTE <= p <= 1.2 * m * MINUTE for p, m in zip(pauses, nominal, strict=True))
    assert timedelta(hours=24) <= sum(nominal) * MINUTE < timedelta(hours=25)
    assert retry_delay(message_id, 3) == retry_delay(message_id, 3)
    assert retry_delay(message_id, 3) != retry_delay("<other@b>", 3)

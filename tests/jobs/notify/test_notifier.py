"""From alert rows to accepted mails, on a real database and a real mail server."""

from datetime import timedelta

import pytest

from jobs.delivery.local_inbox import Inbox
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import TickReport, next_due, tick
from storage.alerts.incidents import IncidentFilter, incident_lines
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import (
    ORDER,
    a_change,
    an_alert,
    blocked,
    decisions,
    store,
    tell_by,
)
from tests.support.samples.readings import (
    minutes,
)
from tests.support.servers.mail import serving

DESK, NIGHT = "desk@example.org", "night@example.org"
HEAD = Letterhead("https://blockline.example.org/")
NOTHING = TickReport(0, 0, 0, 0)
SETTLED = 0.5 / 60


async def test_every_email_of_an_incident_leads_to_its_page(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, blocked(40))
    await store(pool, blocked(60, minutes(30), first=40))
    inbox = Inbox()
    async with serving(inbox) as sender:
        for now in (2, 62):
            await tick(pool, sender, minutes(now), HEAD)
    async with transaction(pool) as conn:
        (incident,) = await incident_lines(conn, IncidentFilter(), 9)
    page = f"The incident: {HEAD.dashboard_url}incidents/{incident.work.story_key}"
    assert [mail.text.count(page) for mail in inbox.mails()] == [1, 1]


async def test_a_change_committed_after_its_group_was_sent_is_sent_seconds_later(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    inbox = Inbox()
    async with serving(inbox) as sender:
        await store(pool, blocked(98, minutes(30)))
        assert (await tick(pool, sender, minutes(30 + SETTLED), HEAD)).sent == 1
        await store(pool, blocked(98, minutes(30) + timedelta(seconds=0.3), first=98))
        assert await tick(pool, sender, minutes(30 + SETTLED), HEAD) == NOTHING
        due = await next_due(pool, sender, minutes(30 + SETTLED))
        assert due is not None
        assert due == minutes(30 + SETTLED) + timedelta(seconds=5)
        assert (await tick(pool, sender, due, HEAD)).sent == 1
    assert [m.subject.partition(" - ")[0] for m in inbox.mails()] == [
        "Update: 196 of 257 accounts withheld in India (IN), 98 in this mail",
        "98 of 257 accounts withheld in India (IN)",
    ]


@pytest.mark.slow
async def test_1178_blocks_over_four_days_are_a_few_emails_that_report_every_account_once(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    scattered = [(i * 7919) % (4 * 1440) for i in range(1178)]
    alerts = [an_alert(i, a_change(i, at=minutes(m)), minutes(m + 1), ORDER) for i, m in enumerate(scattered)]
    await store(pool, sorted(alerts, key=lambda a: a.created_at))
    inbox = Inbox()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(10_000), HEAD)
    assert len(inbox.mails()) <= 12
    assert {d for d, _ in await decisions(pool)} <= {"grouped", "mailed"}
    told = await pool.fetch("select alert_id, count(*) as mails from mail_alert group by 1")
    assert [r["mails"] for r in told] == [1] * 1178


async def test_the_notifier_does_not_run_more_often_than_an_email_is_due(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, blocked(30, minutes(1)))
    await store(pool, blocked(30, minutes(2), first=30))
    inbox = Inbox()
    async with serving(inbox) as sender:
        now = minutes(0)
        for _ in range(5):
            due = await next_due(pool, sender, now)
            if due is None:
                break
            now = max(due, now + timedelta(milliseconds=1))
            await tick(pool, sender, now, HEAD)
    assert len(inbox.mails()) == 2
    assert await next_due(pool, None, now) is None

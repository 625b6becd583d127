"""From alert rows to accepted mails, on a real database and a real mail server."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import astuple, replace
from datetime import time, timedelta

import pytest

from collectors.x.declaration import X
from jobs.alerting.policy import AlertGroup
from jobs.delivery.local_inbox import Inbox
from jobs.delivery.sender import NO_SERVER
from jobs.messages.compose import Letterhead
from jobs.notify import wave_chart
from jobs.notify.notifier import TickReport, next_due, tick
from storage.accounts.accounts import stop_watching
from storage.alerts import mutes, open_alerts
from storage.alerts.incidents import IncidentFilter, incident_lines
from storage.alerts.rules import keep_to_settings
from storage.model.alerts.alerts import AlertDecision, AlertStage, ListStatus
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.pipelines.late_batches import deliver
from tests.support.samples.alerts import (
    ORDER,
    REPORTERS,
    a_change,
    a_rule,
    an_alert,
    blocked,
    decisions,
    queue,
    store,
    tell_by,
)
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    NOT_FOUND,
    PROTECTED,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    minutes,
)
from tests.support.seeds.changes import enlist
from tests.support.servers.mail import serving

DESK, NIGHT = "desk@example.org", "night@example.org"
RULE = AlertRule((DESK, NIGHT), zone="Asia/Kolkata")
HEAD = Letterhead("https://blockline.example.org/")
NOTHING = TickReport(0, 0, 0, 0)
SETTLED = 0.5 / 60
ASKED = timedelta(milliseconds=500)
"""How long before its answer a request was made: the old state is known to have been so then."""


async def test_a_group_of_257_is_one_email_per_recipient_half_a_second_after_it_is_complete(
    pool: Pool,
) -> None:
    await tell_by(pool, RULE)
    await store(pool, blocked(257))
    inbox = Inbox()
    async with serving(inbox) as sender:
        assert await tick(pool, sender, minutes(1), HEAD) == NOTHING
        assert await decisions(pool) == [("waiting", False)] * 257
        assert await next_due(pool, sender, minutes(1)) == minutes(1 + SETTLED)
        assert await tick(pool, sender, minutes(1 + SETTLED), HEAD) == TickReport(2, 2, 0, 0)
        assert await tick(pool, sender, minutes(30), HEAD) == NOTHING
        assert await next_due(pool, sender, minutes(30)) is None
    assert sorted(m.recipients for m in inbox.mails()) == [(DESK,), (NIGHT,)]
    for mail in inbox.mails():
        assert mail.subject == "257 of 257 accounts withheld in India (IN) - order MeitY 2021-01-31"
        assert mail.date == minutes(1), "a header knows whole seconds"
        assert "withheld in India (IN): 257 of 257 named accounts, 257 more in this email" in mail.text
    assert await decisions(pool) == [("grouped", True)] * 257
    assert await queue(pool) == [("sent", DESK, 1, None), ("sent", NIGHT, 1, None)]


async def test_an_update_continues_the_thread_and_counts_what_was_known_when_it_was_complete(
    pool: Pool,
) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, blocked(40))
    await store(pool, blocked(60, minutes(30), first=40))
    back = [
        an_alert(i, a_change(i, AVAILABLE, WITHHELD_IN, at=minutes(90)), minutes(95), ORDER)
        for i in range(50)
    ]
    await store(pool, back)
    inbox = Inbox()
    async with serving(inbox) as sender:
        for now in (2, 62, 96, 500):
            await tick(pool, sender, minutes(now), HEAD)
    first, update, restored = inbox.mails()[::-1]
    order = " - order MeitY 2021-01-31"
    assert first.subject == f"40 of 257 accounts withheld in India (IN){order}"
    assert "40 of 257 named accounts, 40 more in this email" in first.text
    assert update.subject == f"Update: 100 of 257 accounts withheld in India (IN), 60 in this mail{order}"
    assert "100 of 257 named accounts, 60 more in this email" in update.text
    assert restored.subject == f"Update: 50 accounts available again (before: withheld in India (IN)){order}"
    assert "withheld in India (IN): 50 of 257 named accounts, 50 fewer in this email" in restored.text
    headers = [m.raw.decode().split("\r\n\r\n", 1)[0] for m in (first, update, restored)]
    assert "In-Reply-To" not in headers[0]
    assert f"In-Reply-To: {first.message_id}" in headers[1]
    assert f"In-Reply-To: {update.message_id}" in headers[2]
    assert first.message_id in headers[2].partition("References")[2]


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


async def test_the_status_of_a_list_counts_every_watched_account_once(pool: Pool) -> None:
    await store(pool, [*blocked(3), an_alert(9, a_change(9, NOT_FOUND), T0, ORDER)])
    await store(pool, [an_alert(0, a_change(0, AVAILABLE, WITHHELD_IN, at=minutes(9)), minutes(10), ORDER)])
    async with transaction(pool) as conn:
        await stop_watching(conn, X, "1", minutes(1), is_id=True)
        list_id = (await open_alerts.open_alerts(conn))[0].cohorts[0].list_id
        assert await open_alerts.standing(conn, list_id, minutes(20)) == ListStatus(
            3, ((X, AVAILABLE, 1), (X, NOT_FOUND, 1), (X, WITHHELD_IN, 1))
        )
        assert await open_alerts.standing(conn, list_id, minutes(5)) == ListStatus(
            3, ((X, WITHHELD_IN, 2), (X, NOT_FOUND, 1))
        )
        assert await open_alerts.standing(conn, list_id, minutes(-60)) == ListStatus(0, ())


async def test_the_status_of_a_list_has_its_posts_apart_and_its_timeline_has_none(pool: Pool) -> None:
    posts = [an_alert(n, a_change(n, is_post=True), T0, ORDER) for n in (7, 8)]
    await store(pool, [*blocked(3), *posts, an_alert(9, a_change(9, SUSPENDED, is_post=True), T0, ORDER)])
    async with transaction(pool) as conn:
        alerts = await open_alerts.open_alerts(conn)
        list_id = alerts[0].cohorts[0].list_id
        assert [a.change.is_post for a in alerts] == [False] * 3 + [True] * 3
        assert await open_alerts.standing(conn, list_id, minutes(20)) == ListStatus(
            3, ((X, WITHHELD_IN, 3),), ListStatus(3, ((X, WITHHELD_IN, 2), (X, SUSPENDED, 1)))
        )
        course = await open_alerts.timeline(conn, list_id, minutes(-60), minutes(20))
        drawn = {change.account_id for change in course.changes}
        assert drawn == {a.change.account_id for a in alerts[:3]}

        status = await open_alerts.standing(conn, list_id, minutes(20))
        rule, cohort = a_rule(AlertRule(("desk@example.org",))), alerts[0].cohorts[0]
        group = AlertGroup(rule, (), cohort, tuple(alerts), (), minutes(20), None)
        picture = await wave_chart.picture(conn, group, status, minutes(20))
        assert picture is not None
        assert picture.alternative.startswith("3 of 3 watched accounts were blocked")
        of_posts = replace(group, alerts=tuple(alerts[3:]))
        assert await wave_chart.picture(conn, of_posts, status, minutes(20)) is None


async def test_the_timeline_of_a_list_has_each_block_and_restoration_and_the_state_before(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, X, ["1", "2", "3"], ("Desk",))
    one, two, three = accounts
    for at, states in [
        (0, [AVAILABLE, AVAILABLE, SUSPENDED]),
        (15, [WITHHELD_IN, AVAILABLE, SUSPENDED]),
        (17, [WITHHELD_IN, AVAILABLE, SUSPENDED]),
        (60, [AVAILABLE, NOT_FOUND, SUSPENDED]),
        (62, [AVAILABLE, NOT_FOUND, SUSPENDED]),
    ]:
        await deliver(pool, list(zip(accounts, states, strict=True)), minutes(at))
    async with transaction(pool) as conn:
        list_id = await conn.fetchval("select list_id from watch_list")
        whole = await open_alerts.timeline(conn, list_id, minutes(-60), minutes(70))
        later = await open_alerts.timeline(conn, list_id, minutes(20), minutes(70))
        before = await open_alerts.timeline(conn, list_id, minutes(-60), minutes(16))
    found = (three.account_id, True, None, minutes(0))
    blocked_at = (one.account_id, True, minutes(0) - ASKED, minutes(15))
    back = (one.account_id, False, minutes(17) - ASKED, minutes(60))
    assert [astuple(c) for c in whole.changes] == [found, blocked_at, back]
    assert (whole.blocked_before, later.blocked_before) == (0, 2)
    assert [astuple(c) for c in later.changes] == [back]
    assert [astuple(c) for c in before.changes] == [found], "the block was not confirmed then"
    assert two.account_id not in {c.account_id for c in whole.changes}, "who vanished is not called blocked"


async def test_alerts_that_are_not_mailed_are_closed_with_their_reason(pool: Pool) -> None:
    await store(pool, [an_alert(1, a_change(1, PROTECTED), T0), an_alert(2, a_change(2, SUSPENDED), T0)])
    await tell_by(pool, AlertRule(()))
    await tick(pool, None, minutes(0), HEAD)
    assert await decisions(pool) == [(AlertDecision.NO_RULE, True), (AlertDecision.NO_RECIPIENT, True)]
    assert await queue(pool) == []
    assert await next_due(pool, None, minutes(1)) is None


async def test_without_a_mail_server_mails_wait_and_say_why(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, blocked(2))
    assert await tick(pool, None, minutes(5), HEAD) == TickReport(1, 0, 0, 0)
    assert await tick(pool, None, minutes(50_000), HEAD) == NOTHING
    assert await queue(pool) == [("queued", DESK, 0, NO_SERVER)]
    inbox = Inbox()
    async with serving(inbox) as sender:
        assert await tick(pool, sender, minutes(50_001), HEAD) == TickReport(0, 1, 0, 0)
    assert len(inbox.mails()) == 1


async def test_the_same_changes_make_the_same_mails_whatever_the_order_of_their_rows(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> None:
    alerts = [
        an_alert(
            i,
            a_change(i, SUSPENDED if i % 7 == 0 else WITHHELD_IN, at=minutes(i // 20)),
            minutes(i // 20 + 1),
            ORDER,
            *([REPORTERS] if i % 5 == 0 else []),
        )
        for i in range(100)
    ]
    found: list[set[bytes]] = []
    for rows in (alerts, alerts[::-1]):
        inbox = Inbox()
        with fresh_database() as dsn:
            async with open_pool(dsn) as pool, serving(inbox) as sender:
                await tell_by(pool, RULE)
                await store(pool, rows)
                await tick(pool, sender, minutes(100), replace(HEAD, dashboard_url=None))
        found.append({m.raw for m in inbox.mails()})
    assert found[0] == found[1]
    assert len(found[0]) == 4


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


async def test_a_notifier_that_was_down_sends_each_incident_in_its_own_thread(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    for cohort, first in ((ORDER, 0), (REPORTERS, 100)):
        for begins, confirmed in ((0, 1), (40, 90)):
            rows = range(first + begins, first + begins + 40)
            at = minutes(confirmed)
            await store(pool, [an_alert(i, a_change(i, at=at - MINUTE), at, cohort) for i in rows])
    inbox = Inbox()
    async with serving(inbox) as sender:
        assert await tick(pool, sender, minutes(600), HEAD) == TickReport(4, 4, 0, 0)
    told = await pool.fetch(
        """
        select s.story_key, array_agg(m.in_reply_to order by m.wave) as before,
            array_agg(m.message_id order by m.wave) as ids, array_agg(m.wave order by m.wave) as waves
        from mail m join story s using (story_id) group by 1
        """
    )
    assert [r["waves"] for r in told] == [[1, 2], [1, 2]]
    assert [r["before"] for r in told] == [[None, r["ids"][0]] for r in told]
    assert all(len(r["story_key"]) == 32 for r in told)


async def test_flapping_is_reported_once_and_then_silenced(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    states = [AVAILABLE, SUSPENDED]
    inbox = Inbox()
    async with serving(inbox) as sender:
        for i in range(6):
            change = a_change(1, states[(i + 1) % 2], states[i % 2], at=minutes(100 * i), handle="pendulum")
            await store(pool, [an_alert(i, change, minutes(100 * i + 1), REPORTERS)])
            await tick(pool, sender, minutes(100 * i + 90), HEAD)
    assert [m.subject for m in inbox.mails()][::-1] == [
        "@pendulum suspended - list Reporters",
        "Update: @pendulum available again (before: suspended) - list Reporters",
        "Update: @pendulum suspended - list Reporters",
        "Update: @pendulum going back and forth (now available) - list Reporters",
    ]
    assert [d for d, _ in await decisions(pool)] == ["mailed"] * 4 + ["flapping"] * 2


async def test_each_rule_decides_independently_and_no_recipient_is_notified_twice(pool: Pool) -> None:
    everything = AlertRule((DESK, NIGHT), name="everything")
    india = AlertRule((DESK,), name="india", match=Match(countries=frozenset({"IN"})))
    quiet = AlertRule(("law@example.org",), name="quiet", quiet=QuietHours(time(0), time(6)))
    await tell_by(pool, india, everything, quiet)
    await store(pool, [an_alert(1, a_change(1), T0, ORDER)])
    inbox = Inbox()
    async with serving(inbox) as sender:
        assert await tick(pool, sender, minutes(5), HEAD) == TickReport(2, 2, 0, 0)
        assert await decisions(pool) == [("mailed", True), ("mailed", True), ("quiet", False)]
        assert await next_due(pool, sender, minutes(5)) == minutes(360)
        assert await tick(pool, sender, minutes(360), HEAD) == TickReport(1, 1, 0, 0)
    assert sorted(m.recipients for m in inbox.mails()) == [(DESK,), ("law@example.org",), (NIGHT,)]
    assert await decisions(pool) == [("mailed", True)] * 3
    assert await pool.fetchval("select count(*) from alert where decided_at is null") == 0


async def test_alerts_that_a_rule_kept_are_closed_when_the_rule_is_removed(pool: Pool) -> None:
    quiet = AlertRule((DESK,), name="quiet", quiet=QuietHours(time(0), time(6)))
    await tell_by(pool, quiet)
    await store(pool, blocked(2))
    await tick(pool, None, minutes(5), HEAD)
    await tell_by(pool)
    await tick(pool, None, minutes(6), HEAD)
    assert await decisions(pool) == [("no_rule", True)] * 2
    assert await queue(pool) == []


async def test_a_mute_silences_new_alerts_and_earlier_ones_are_still_sent(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, [an_alert(1, a_change(1), T0, REPORTERS)])
    await tick(pool, None, minutes(1), HEAD)
    await store(pool, [an_alert(2, a_change(2), minutes(2), REPORTERS)])
    await tick(pool, None, minutes(2), HEAD)
    assert await decisions(pool) == [("mailed", True), ("spaced", False)]
    async with transaction(pool) as conn:
        mute = await mutes.mute_list(
            conn, "Reporters", minutes(3), minutes(90), "court hearing", "desk", minutes(3)
        )
    await store(pool, [an_alert(3, a_change(3), minutes(80), REPORTERS)])
    await tick(pool, None, minutes(81), HEAD)
    assert await decisions(pool) == [("mailed", True), ("mailed", True), ("muted", True)]
    assert await pool.fetchval("select count(*) from alert_decision where mute_id = $1", mute) == 1
    # Nobody looks while it goes on, and somebody ends it by hand.
    await store(pool, [an_alert(5, a_change(5), minutes(84), REPORTERS)])
    async with transaction(pool) as conn:
        await mutes.end_mute(conn, mute, "desk", minutes(85))
    await store(pool, [an_alert(6, a_change(6), minutes(86), REPORTERS)])
    await tick(pool, None, minutes(87), HEAD)
    assert (await decisions(pool))[3:] == [("muted", True), ("digest", False)]
    await store(pool, [an_alert(4, a_change(4), minutes(91), REPORTERS)])
    await tick(pool, None, minutes(2000), HEAD)
    assert (await decisions(pool))[3:] == [("muted", True), ("grouped", True), ("grouped", True)]


async def test_a_renamed_rule_does_not_resend_what_a_digest_still_keeps(pool: Pool) -> None:
    weekly = AlertRule((NIGHT,), name="weekly", digest=Digest.WEEKLY)
    await tell_by(pool, AlertRule((DESK,), name="desk"), weekly)
    await store(pool, blocked(3, minutes(2000)))
    await tick(pool, None, minutes(2001), HEAD)
    async with transaction(pool) as conn:
        await keep_to_settings(conn, [AlertRule((DESK,), name="newsroom"), weekly], minutes(2002))
    await tick(pool, None, minutes(2003), HEAD)
    assert [recipient for _, recipient, *_ in await queue(pool)].count(DESK) == 1
    # What nobody has looked at is told, though the rule is younger.
    await store(pool, blocked(1, minutes(2001.5), first=9))
    await tick(pool, None, minutes(2004), HEAD)
    assert [recipient for _, recipient, *_ in await queue(pool)].count(DESK) == 2


async def test_a_correction_is_sent_even_if_its_rule_was_removed(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, [an_alert(1, a_change(1, handle="reporter"), T0, REPORTERS)])
    await tick(pool, None, minutes(1), HEAD)
    await tell_by(pool)
    await pool.execute(
        "insert into alert (change_id, created_at, stage) select change_id, $1, 'withdrawn' from change",
        minutes(5),
    )
    await tick(pool, None, minutes(6), HEAD)
    subject = await pool.fetchval("select subject from mail order by mail_id desc limit 1")
    assert (
        subject
        == "Taken back: @reporter seen as withheld in India (IN), not confirmed after all - list Reporters"
    )


async def test_only_recipients_of_a_provisional_change_are_notified_that_it_was_refuted(
    pool: Pool,
) -> None:
    eager = AlertRule((DESK,), name="eager", match=Match(provisional=True))
    await tell_by(pool, eager, AlertRule((NIGHT,), name="patient"))
    (alert,) = [an_alert(1, a_change(1, handle="reporter"), T0, REPORTERS)]
    await store(pool, [alert])
    await pool.execute("update alert set stage = 'provisional'")
    inbox = Inbox()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(1), HEAD)
        await pool.execute(
            "insert into alert (change_id, created_at, stage) select change_id, $1, 'withdrawn' from change",
            minutes(5),
        )
        await tick(pool, sender, minutes(6), HEAD)
    back, seen = inbox.mails()
    assert (seen.recipients, back.recipients) == ((DESK,), (DESK,))
    assert seen.subject == (
        "Provisional: @reporter seen as withheld in India (IN), not confirmed yet - list Reporters"
    )
    assert "Further readings will decide, and you will be notified either way" in seen.text
    assert (
        back.subject
        == "Taken back: @reporter seen as withheld in India (IN), not confirmed after all - list Reporters"
    )
    assert "Later readings do not support it" in back.text
    async with transaction(pool) as conn:
        assert await open_alerts.open_alerts(conn) == []
    assert AlertStage.WITHDRAWN in {r["stage"] for r in await pool.fetch("select stage from alert")}


async def test_a_mail_has_the_timeline_of_its_cohort_as_an_inline_picture(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, blocked(40))
    inbox = Inbox()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(5), HEAD)
    (mail,) = inbox.mails()
    assert 'src="cid:picture"' in mail.html
    assert "Content-ID: <picture>" in mail.raw.decode()
    assert "40 of 40" in mail.html.partition('alt="')[2].partition('"')[0]


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

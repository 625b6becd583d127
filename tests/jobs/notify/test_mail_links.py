"""The links in mails say which group they acknowledge, and are signed with the key of the moment."""

import re
from dataclasses import replace
from datetime import timedelta

from dashboard.auth.signed_links import Link, LinkAction, read_token
from jobs.delivery.local_inbox import Inbox
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import tick
from storage.model.alerts.rules import AlertRule, Digest, EscalationStep
from storage.postgres.audit_log import acts
from storage.postgres.installation import link_key, login_key, rotate_keys
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import a_change, an_alert, blocked, store, tell_by
from tests.support.samples.readings import MINUTE, T0, minutes
from tests.support.servers.mail import serving

DAY = timedelta(days=1)
DESK, CHIEF = "desk@example.org", "chief@example.org"
HEAD = Letterhead("https://blockline.example.org/")
RULE = AlertRule((DESK,), remind_every=30 * MINUTE, escalation=(EscalationStep(60 * MINUTE, (CHIEF,)),))


async def links(pool: Pool) -> list[tuple[str, Link | None]]:
    """By kind of mail, oldest first, what its link says; None: it was signed with another key."""
    async with transaction(pool) as conn:
        key = await link_key(conn)
        mails = await conn.fetch("select kind, text_body from mail order by mail_id")
    found = [(m["kind"], re.findall(r"/mail-link/(\S+)", m["text_body"])) for m in mails]
    return [(kind, read_token(key, text)) for kind, tokens in found for text in tokens]


async def rotate(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await rotate_keys(conn, "command line", T0)


async def test_each_mail_of_an_incident_names_the_newest_group_that_it_reports(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, blocked(20, T0))
    for now in (1, 31, 62):
        await tick(pool, None, minutes(now), HEAD)
    await store(pool, blocked(60, minutes(310), first=20))
    for now in (311, 345):
        await tick(pool, None, minutes(now), HEAD)
    key = await pool.fetchval("select story_key from story")
    closed = [r["closed_at"] for r in await pool.fetch("select closed_at from story_wave order by wave")]
    found = await links(pool)
    assert [(kind, link and (link.recipient, link.group)) for kind, link in found] == [
        ("wave", (DESK, 1)),
        ("reminder", (DESK, 1)),
        ("escalation", (CHIEF, 1)),
        ("reminder", (DESK, 1)),
        ("wave", (DESK, 2)),
        ("reminder", (DESK, 2)),
    ]
    assert {link and (link.act, link.subject) for _, link in found} == {(LinkAction.ACKNOWLEDGE, key)}
    issued = [link.issued_at for kind, link in found if kind == "wave" and link is not None]
    assert issued == [at.replace(microsecond=0) for at in closed], "a time of the group, and of no clock"


async def test_a_link_to_unsubscribe_is_as_old_as_the_period_of_its_digest(pool: Pool) -> None:
    await tell_by(pool, replace(RULE, digest=Digest.DAILY, remind_every=None))
    await store(pool, [an_alert(1, a_change(1), T0)])
    await tick(pool, None, T0 + DAY + timedelta(hours=10), HEAD)
    ((kind, link),) = (await links(pool))[-1:]
    until = (T0 + DAY).replace(hour=8, minute=0)
    assert (kind, link) == ("digest", Link(LinkAction.UNSUBSCRIBE, RULE.name, DESK, until))


async def test_mails_after_a_rotation_have_links_that_work_and_those_before_have_none(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, blocked(20, T0))
    await tick(pool, None, minutes(1), HEAD)
    assert [(kind, link is not None) for kind, link in await links(pool)] == [("wave", True)]
    await rotate(pool)
    await tick(pool, None, minutes(31), HEAD)
    await store(pool, blocked(60, minutes(310), first=20))
    await tick(pool, None, minutes(311), HEAD)
    assert [(kind, link is not None) for kind, link in await links(pool)] == [
        ("wave", False),
        ("reminder", True),
        ("wave", True),
    ]


async def test_a_rotation_renews_every_key_and_is_in_the_audit_log(pool: Pool) -> None:
    async with transaction(pool) as conn:
        before = await link_key(conn), await login_key(conn)
        await conn.execute("insert into installation_key (name, key) values ('synthetic', '')")
    await rotate(pool)
    async with transaction(pool) as conn:
        after = await link_key(conn), await login_key(conn)
        (entry,) = await acts(conn, 9)
        marked = await conn.fetchval("select key from installation_key where name = 'synthetic'")
    assert len({*before, *after}) == 4
    assert {len(key) for key in after} == {32}
    assert (entry.at, entry.actor, entry.action) == (T0, "command line", "keys rotated")
    assert marked == b"", "a mark is no key"


async def test_a_reminder_goes_to_nobody_who_left_the_rule(pool: Pool) -> None:
    """Such a mail would ask for what its reader may not do any more."""
    await tell_by(pool, replace(RULE, recipients=(DESK, "left@example.org")))
    await store(pool, blocked(20, T0))
    await tick(pool, None, minutes(1), HEAD)
    await tell_by(pool, RULE)
    inbox = Inbox()
    async with serving(inbox) as sender:
        await tick(pool, sender, minutes(31), HEAD)
    reminded = [m.recipients for m in inbox.mails() if m.subject.startswith("Reminder")]
    assert reminded == [(DESK,)]


async def test_a_reply_to_who_left_the_rule_has_no_link(pool: Pool) -> None:
    await tell_by(pool, replace(RULE, recipients=(DESK, "left@example.org")))
    await store(pool, [an_alert(1, a_change(1), T0)])
    await tick(pool, None, minutes(1), HEAD)
    await tell_by(pool, RULE)
    await pool.execute(
        "insert into alert (change_id, created_at, stage) select change_id, $1, 'withdrawn' from change",
        minutes(5),
    )
    await tick(pool, None, minutes(9), HEAD)
    rows = await pool.fetch(
        "select kind, text_body from mail where recipients[1] = 'left@example.org' order by mail_id"
    )
    assert [r["kind"] for r in rows] == ["wave", "reply"]
    assert "/mail-link/" not in rows[1]["text_body"]

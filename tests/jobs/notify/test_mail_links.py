"""The links in mails say which group they acknowledge, and are signed with the key of the moment."""

import re
from dataclasses import replace
from datetime import timedelta

from dashboard.auth.signed_links import Link, LinkAction, read_token
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import tick
from storage.model.alerts.rules import AlertRule, Digest, EscalationStep
from storage.postgres.audit_log import acts
from storage.postgres.installation import link_key, login_key, rotate_keys
from storage.postgres.pool import Pool, transaction
from tests.support.samples.alerts import a_change, an_alert, store, tell_by
from tests.support.samples.readings import MINUTE, T0, minutes

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


async def test_a_link_to_unsubscribe_is_as_old_as_the_period_of_its_digest(pool: Pool) -> None:
    await tell_by(pool, replace(RULE, digest=Digest.DAILY, remind_every=None))
    await store(pool, [an_alert(1, a_change(1), T0)])
    await tick(pool, None, T0 + DAY + timedelta(hours=10), HEAD)
    ((kind, link),) = (await links(pool))[-1:]
    until = (T0 + DAY).replace(hour=8, minute=0)
    assert (kind, link) == ("digest", Link(LinkAction.UNSUBSCRIBE, RULE.name, DESK, until))


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

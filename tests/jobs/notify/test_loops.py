"""The notifier as it runs, its previews and the links in its mails: one mail holds up no other."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.base.clock import SimulatedClock
from jobs.delivery.channel_config import Channels
from jobs.delivery.channel_router import channel_router
from jobs.messages.compose import Letterhead
from jobs.notify.alert_preview import files, waves_on_trial
from jobs.notify.loops import DecisionLoop, DeliveryLoop, MailRateLimit
from jobs.notify.notifier import decide_alerts, decide_due, tick
from jobs.selfmonitoring import watchdog
from storage.alerts import mail_queue
from storage.health.condition_facts import Thresholds
from storage.health.conditions import open_conditions
from storage.model.alerts.alerts import Mail, MailDraft, Via
from storage.model.alerts.rules import AlertRule, EscalationStep
from storage.postgres.audit_log import acts
from storage.postgres.installation import link_key, login_key, rotate_keys
from storage.postgres.pool import (
    Connection,
    Pool,
    PoolLimits,
    StorageError,
    close,
    connect,
    open_pool,
    transaction,
)
from tests.support.samples.alerts import (
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
from tests.support.samples.readings import MINUTE, T0, minutes

DESK, NIGHT, HOOK = "desk@example.org", "night@example.org", "webhook:desk"


class Blotted(Letterhead):
    """Cannot write a mail in which a word occurs."""

    def render(self, name: str, content: Mapping[str, object]) -> str:
        text = super().render(name, content)
        if "unspeakable" in text:
            raise LookupError("no word for it")
        return text


class Fake:
    """Takes every mail, but for those to one recipient, at which it fails as it is told to."""

    def __init__(self, bad: str = "", fault: Exception | None = None) -> None:
        self.taken: list[str] = []
        self.bad = bad
        self.fault = fault
        self.hung = asyncio.Event()

    async def send(self, mail: Mail) -> None:
        (recipient,) = mail.recipients
        if recipient == self.bad:
            self.hung.set()
            if self.fault is None:
                await asyncio.Event().wait()
            else:
                raise self.fault
        self.taken.append(recipient)

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_group_that_cannot_be_composed_waits_and_the_others_are_sent(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    bad = an_alert(0, a_change(900, handle="unspeakable"), minutes(1), REPORTERS)
    await store(pool, [bad, *blocked(3)])
    with pytest.raises(ExceptionGroup) as failed:
        await decide_alerts(pool, minutes(5), Blotted())
    assert [str(e) for e in failed.value.exceptions] == ["no word for it"]
    assert await queue(pool) == [("queued", DESK, 0, None)]
    assert await decisions(pool) == [("grouped", True)] * 3
    # Whoever mends the fault finds it told.
    assert await decide_alerts(pool, minutes(6), Letterhead()) == 1
    assert await decisions(pool) == [("mailed", True), *[("grouped", True)] * 3]


async def test_later_groups_of_its_incident_wait_with_one_that_cannot_be_composed(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    first = an_alert(0, a_change(900, handle="unspeakable"), minutes(1), REPORTERS)
    later = an_alert(0, a_change(901, at=minutes(180)), minutes(181), REPORTERS)
    await store(pool, [first, later, *blocked(1)])
    with pytest.raises(ExceptionGroup) as failed:
        await decide_alerts(pool, minutes(300), Blotted())
    assert len(failed.value.exceptions) == 1
    assert await decisions(pool) == [("mailed", True)]
    assert await decide_alerts(pool, minutes(301), Letterhead()) == 2


async def test_a_mail_server_that_hangs_delays_no_decision_and_no_channel(pool: Pool) -> None:
    await tell_by(pool, AlertRule((DESK, HOOK)))
    clock = SimulatedClock(minutes(5))
    decision = DecisionLoop(pool, Letterhead(), clock)
    hanging, channels = Fake(DESK), Fake()
    await store(pool, blocked(1))
    await decision.turn()
    async with asyncio.TaskGroup() as group:
        mailing = group.create_task(DeliveryLoop(pool, hanging, Via.SMTP, clock).turn())
        await hanging.hung.wait()
        await DeliveryLoop(pool, channels, Via.CHANNEL, clock).turn()
        await store(pool, blocked(300, minutes(181), first=1))
        clock.set(minutes(185))
        await decision.turn()
        await DeliveryLoop(pool, channels, Via.CHANNEL, clock).turn()
        mailing.cancel()
    assert channels.taken == [HOOK, HOOK]


@given(
    per_minute=st.integers(1, 5),
    steps=st.lists(st.integers(0, 40), max_size=60),
)
def test_no_minute_has_more_mails_than_are_allowed(per_minute: int, steps: list[int]) -> None:
    pace, now, sent = MailRateLimit(per_minute), T0, list[datetime]()
    for seconds in steps:
        now += timedelta(seconds=seconds)
        if pace.allows(now):
            pace.count(now)
            sent.append(now)
        else:
            assert len([s for s in sent if s > now - timedelta(minutes=1)]) == per_minute
    for begin in sent:
        assert len([s for s in sent if begin <= s < begin + timedelta(minutes=1)]) <= per_minute


async def test_a_message_to_a_missing_channel_waits_until_it_is_configured(pool: Pool) -> None:
    await tell_by(pool, AlertRule((HOOK,)))
    await store(pool, [*blocked(1), an_alert(0, a_change(900), minutes(1), REPORTERS)])
    await decide_due(pool, minutes(5), Letterhead())
    clock = SimulatedClock(minutes(5))
    sending = DeliveryLoop(
        pool, channel_router(None, Channels(), clock, "https://desk.example"), Via.CHANNEL, clock
    )
    for hour in range(50):
        clock.set(minutes(5 + 60 * hour))
        await sending.turn()
    said = "webhook:desk names no channel in the settings, so this alert waits: define it, or take it out of"
    assert [(state, tries, said in str(error)) for state, _, tries, error in await queue(pool)] == [
        ("queued", 0, True),
        ("queued", 0, True),
    ]
    await watchdog.tick(pool, clock(), Letterhead(), Thresholds(timedelta(minutes=15)))
    async with transaction(pool) as conn:
        found = next(k for k in await open_conditions(conn) if k.condition.key.kind == "outbox_stuck")
    assert found.condition.sentence == "2 emails written more than 1 h ago were not accepted"
    assert said in found.condition.detail
    back = Fake()
    clock.set(clock() + timedelta(minutes=1))
    await DeliveryLoop(pool, back, Via.CHANNEL, clock).turn()
    assert back.taken == [HOOK, HOOK]


class Locking(Fake):
    """Accepts a mail, and from then on nobody can write to the queue."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.dsn = dsn
        self.lock: Connection | None = None

    async def send(self, mail: Mail) -> None:
        await super().send(mail)
        self.lock = await connect(self.dsn)
        await self.lock.execute("begin; lock table mail in share mode")


async def test_an_accepted_mail_is_recorded_once_the_database_can_be_written_to_and_not_sent_again(
    dsn: str, pool: Pool
) -> None:
    await tell_by(pool, AlertRule((DESK,)))
    await store(pool, blocked(1))
    await decide_due(pool, minutes(5), Letterhead())
    clock, fake = SimulatedClock(minutes(5)), Locking(dsn)
    async with open_pool(dsn, limits=PoolLimits(2, 5.0, 1, 1, 5)) as impatient:
        loop = DeliveryLoop(impatient, fake, Via.SMTP, clock)
        with pytest.raises(StorageError):
            await loop.turn()
        assert fake.lock is not None
        await close(fake.lock)
        clock.set(minutes(6) + mail_queue.LEASE)
        await loop.turn()
    assert fake.taken == [DESK]
    assert await queue(pool) == [("sent", DESK, 1, None)]
    assert await pool.fetchval("select sent_at from mail") == minutes(5)


ALERT_PREVIEW_DESK, ALERT_PREVIEW_NIGHT = "desk@example.org", "night@example.org"
NONE = AlertRule((), name="Nobody yet")


def test_the_trial_recipient_replaces_those_that_a_rule_lacks() -> None:
    assert waves_on_trial(blocked(1), [a_rule(NONE)], None, None) == []
    (wave,) = waves_on_trial(blocked(1), [a_rule(NONE)], None, ALERT_PREVIEW_DESK)
    assert wave.recipients == (ALERT_PREVIEW_DESK,)


BARE = MailDraft(
    "<1@x>", ALERT_PREVIEW_DESK, "A subject", "A text\n", "", payload='{"headline":"A subject","kind":"wave"}'
)


def test_a_file_has_the_name_of_its_rule_in_letters_that_every_disk_takes() -> None:
    names = [f.name for f in files(BARE, 3, "../Night: só & more", "alerts@example.org", T0)]
    assert names == [f"3-night-s-more.{ending}" for ending in ("eml", "html", "json", "txt")]
    assert files(BARE, 1, "報道", "alerts@example.org", T0)[0].name == "1-rule.eml"


MAIL_LINKS_DESK, CHIEF = "desk@example.org", "chief@example.org"
MAIL_LINKS_HEAD = Letterhead("https://blockline.example.org/")
RULE = AlertRule(
    (MAIL_LINKS_DESK,), remind_every=30 * MINUTE, escalation=(EscalationStep(60 * MINUTE, (CHIEF,)),)
)


async def rotate(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await rotate_keys(conn, "command line", T0)


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
    await tell_by(pool, replace(RULE, recipients=(MAIL_LINKS_DESK, "left@example.org")))
    await store(pool, [an_alert(1, a_change(1), T0)])
    await tick(pool, None, minutes(1), MAIL_LINKS_HEAD)
    await tell_by(pool, RULE)
    await pool.execute(
        "insert into alert (change_id, created_at, stage) select change_id, $1, 'withdrawn' from change",
        minutes(5),
    )
    await tick(pool, None, minutes(9), MAIL_LINKS_HEAD)
    rows = await pool.fetch(
        "select kind, text_body from mail where recipients[1] = 'left@example.org' order by mail_id"
    )
    assert [r["kind"] for r in rows] == ["wave", "reply"]
    assert "/mail-link/" not in rows[1]["text_body"]

"""From alert rows to accepted mails, on a real database and a real mail server."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.delivery.smtp import MailServer, Security, SmtpSender
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import (
    GIVE_UP_AFTER,
    TickReport,
    decide_alerts,
    decide_due,
    next_decision,
    next_due,
    tick,
)
from jobs.selfmonitoring import watchdog
from storage.alerts import outbox
from storage.alerts.open_alerts import open_alerts
from storage.alerts.rules import (
    enable_rule,
    load_rules,
    remove_rule,
    save_rule,
    unreadable_rules,
)
from storage.health.condition_facts import Thresholds
from storage.model.alerts.alerts import Mail, MailDraft
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Pool, Refused, StorageError, open_pool, transaction
from tests.support.samples.alerts import (
    ORDER,
    REPORTERS,
    a_change,
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
    T0,
    WITHHELD_IN,
    minutes,
)
from tests.support.servers.mail import SENDER, Refusing, sender_to, serving
from tests.support.servers.ports import closed_port

DESK, NIGHT = "desk@example.org", "night@example.org"
HEAD = Letterhead("https://blockline.example.org/")
NOTHING = TickReport(0, 0, 0, 0)
SETTLED = 0.5 / 60


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


RULE = AlertRule(("desk@example.org",), zone="Asia/Kolkata")
NOTIFIER_FAULTS_DESK = "desk@example.org"


async def test_a_permanent_refusal_makes_a_dead_letter_at_once(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, blocked(1))
    async with serving(Refusing("RCPT", "550 no such user")) as sender:
        assert await tick(pool, sender, minutes(5), HEAD) == TickReport(1, 0, 0, 1)
        assert await tick(pool, sender, minutes(500), HEAD) == NOTHING
    ((state, _, _, error),) = await queue(pool)
    assert state == "dead"
    assert error is not None
    assert "550 no such user" in error


async def test_a_server_that_stays_away_for_a_day_makes_a_dead_letter(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, blocked(1))
    sender = sender_to(closed_port())
    now, reports = minutes(5), list[TickReport]()
    while (due := await next_due(pool, sender, now)) is not None:
        now = max(now, due)
        reports.append(await tick(pool, sender, now, HEAD))
    assert [r.dead for r in reports] == [0] * (len(reports) - 1) + [1]
    assert GIVE_UP_AFTER * 0.8 <= now - minutes(5) <= GIVE_UP_AFTER * 1.25
    ((state, _, attempts, error),) = await queue(pool)
    assert (state, attempts) == ("dead", len(reports))
    assert error is not None
    assert error.startswith("Cannot hand mails to the server at 127.0.0.1")


THREE = ("a@example.org", "b@example.org", "c@example.org")


class Faulty(Inbox):
    """An inbox whose server misbehaves towards one recipient for as long as `faults` last."""

    def __init__(self, *faults: str, recipient: str = "b@") -> None:
        super().__init__()
        self.faults = list(faults)
        self.recipient = recipient

    async def handle_RCPT(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: Sequence[str]
    ) -> str:
        if address.startswith(self.recipient) and self.faults:
            fault = self.faults.pop(0)
            if fault == "hang":
                await asyncio.Event().wait()  # the server ends it when the client has gone away
            if fault not in {"reset after DATA", "reset before the answer"}:
                return fault
            self.faults.insert(0, fault)  # for the command where it happens
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if (
            self.faults
            and self.faults[0].startswith("reset")
            and envelope.rcpt_tos[0].startswith(self.recipient)
        ):
            fault = self.faults.pop(0)
            if fault == "reset before the answer":
                await super().handle_DATA(server, session, envelope)
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "451 never heard"
        return await super().handle_DATA(server, session, envelope)


class PatientSender(SmtpSender):
    """Waits long for each answer, and only a moment for one that never comes."""

    def __init__(self, port: int, inbox: Faulty) -> None:
        self._inbox = inbox
        super().__init__(MailServer("127.0.0.1", port, SENDER, Security.NONE))

    async def send(self, mail: Mail) -> None:
        hangs = mail.recipients[0].startswith(self._inbox.recipient) and "hang" in self._inbox.faults
        self._server = replace(self._server, timeout_s=0.5 if hangs else 60)
        if self._smtp is not None:
            self._smtp.timeout = self._server.timeout_s
        await super().send(mail)


@pytest.mark.parametrize(
    ("faults", "states", "copies"),
    [
        pytest.param(
            ["550 no such user"] * 9, ["sent", "dead", "sent"], [1, 0, 1], id="550 for one of three"
        ),
        pytest.param(["450 busy"] * 3, ["sent"] * 3, [1, 1, 1], id="busy for a while"),
        pytest.param(["451 greylisted, try again in 300 seconds"], ["sent"] * 3, [1, 1, 1], id="greylisted"),
        pytest.param(["hang"] * 2, ["sent"] * 3, [1, 1, 1], id="hangs"),
        pytest.param(
            ["reset after DATA"] * 2, ["sent"] * 3, [1, 1, 1], id="hangs up after DATA, before taking it"
        ),
        pytest.param(
            ["reset before the answer"], ["sent"] * 3, [1, 2, 1], id="takes it and hangs up before saying so"
        ),
        pytest.param(["421 going down"], ["sent"] * 3, [1, 1, 1], id="goes away"),
    ],
)
async def test_a_failure_for_one_recipient_loses_nothing_and_affects_no_other(
    pool: Pool, faults: list[str], states: list[str], copies: list[int]
) -> None:
    await tell_by(pool, AlertRule(THREE))
    await store(pool, blocked(1))
    inbox = Faulty(*faults)
    with SmtpServer(inbox) as server:
        sender = PatientSender(server.port, inbox)
        now = minutes(5)
        await tick(pool, sender, now, HEAD)
        while (due := await next_due(pool, sender, now)) is not None and due < minutes(2000):
            now = max(now, due)
            await tick(pool, sender, now, HEAD)
    assert [state for state, *_ in await queue(pool)] == states
    received = {m.recipients[0]: m.copies for m in inbox.mails()}
    assert [received.get(to, 0) for to in THREE] == copies


async def test_two_notifiers_at_once_send_each_mail_once(dsn: str) -> None:
    async with open_pool(dsn) as one, open_pool(dsn) as two:
        alerts = [an_alert(i, a_change(i, at=minutes(i * 30)), minutes(i * 30 + 1), ORDER) for i in range(12)]
        await tell_by(one, RULE)
        await store(one, [*alerts, *(replace(a, cohorts=(REPORTERS,)) for a in blocked(6, first=50))])
        inbox = Inbox()
        with SmtpServer(inbox) as server:
            async with asyncio.TaskGroup() as both:
                ticks = [
                    both.create_task(tick(pool, sender_to(server.port), minutes(5000), HEAD))
                    for pool in (one, two, one, two)
                ]
        decided = sum(t.result().mails_decided for t in ticks)
        assert decided == sum(t.result().sent for t in ticks) == len(inbox.mails())
        assert [m.copies for m in inbox.mails()] == [1] * decided
        assert {d for d, is_final in await decisions(one) if is_final} == {"mailed", "grouped"}
        assert len(await decisions(one)) == 18


TWO = [
    an_alert(n, a_change(n, handle=handle), minutes(1), REPORTERS)
    for n, handle in ((1, "reporter"), (2, "another"))
]
"""What a mail about one of them does not make pointless."""


async def test_an_undeliverable_email_delays_its_thread_for_a_day_and_no_longer(
    pool: Pool,
) -> None:
    await tell_by(pool, AlertRule((NOTIFIER_FAULTS_DESK,), update_after=MINUTE))
    await store(pool, TWO)
    await decide_alerts(pool, minutes(5), HEAD)
    back = a_change(1, AVAILABLE, WITHHELD_IN, at=minutes(90), handle="reporter")
    await store(pool, [an_alert(2, back, minutes(91), REPORTERS)])
    await decide_alerts(pool, minutes(95), HEAD)
    sender, now = Breaking("2 accounts withheld"), minutes(95)
    while (due := await next_due(pool, sender, now)) is not None:
        now = max(now, due)
        with suppress(ZeroDivisionError):
            await tick(pool, sender, now, HEAD)
    assert [state for state, *_ in await queue(pool)] == ["dead", "sent"]
    assert GIVE_UP_AFTER * 0.8 <= now - minutes(95) <= GIVE_UP_AFTER * 1.25
    assert [subject.partition(" - ")[0] for subject in sender.taken] == [
        "Update: @reporter available again (before: withheld in India (IN))"
    ]


class Breaking:
    """Takes every mail, but breaks at those whose subject begins so."""

    def __init__(self, beginning: str) -> None:
        self.beginning = beginning
        self.taken: list[str] = []

    async def send(self, mail: Mail) -> None:
        if mail.subject.startswith(self.beginning):
            raise ZeroDivisionError
        self.taken.append(mail.subject)

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_message_id_of_another_email_is_refused(pool: Pool) -> None:
    await tell_by(pool, RULE, replace(RULE, name="same people"))
    await store(pool, blocked(2))
    draft = MailDraft("<a@b>", NOTIFIER_FAULTS_DESK, "subject", "text", "html")
    async with transaction(pool) as conn:
        first, second = [r.rule_id for r in await load_rules(conn)]
        one, other = sorted(a.alert_id for a in await open_alerts(conn))
        await outbox.tell(conn, [draft], [one], first, minutes(5))
        await outbox.tell(conn, [draft], [one], second, minutes(6))
    with pytest.raises(StorageError, match="<a@b> belongs to an email with other content"):
        async with transaction(pool) as conn:
            await outbox.tell(conn, [draft], [other], first, minutes(7))
    assert await queue(pool) == [("queued", NOTIFIER_FAULTS_DESK, 0, None)]
    assert await decisions(pool) == [("mailed", True)] * 2, "of the first alert"


GONE = AlertRule((NIGHT,), name="gone")


async def forget_zone(pool: Pool) -> None:
    """Let the rule name a zone that this machine does not know."""
    async with transaction(pool) as conn:
        await conn.execute(
            """
            update alert_rule set definition = definition || '{"zone": "Asia/Gone"}' where name = 'gone'
            """
        )


@pytest.fixture
async def by_hand(pool: Pool) -> Pool:
    await tell_by(pool, AlertRule((DESK,)))
    async with transaction(pool) as conn:
        await save_rule(conn, GONE, "anna", T0)
    await forget_zone(pool)
    return pool


async def names(pool: Pool) -> tuple[list[str], list[str]]:
    """The rules that can be read, and those that cannot."""
    async with transaction(pool) as conn:
        readable = [r.rule.name for r in await load_rules(conn)]
        return readable, [r.name for r in await unreadable_rules(conn)]


async def test_the_other_rules_send_their_alerts(by_hand: Pool) -> None:
    await store(by_hand, blocked(1))
    assert await next_decision(by_hand, minutes(5)) == minutes(5)
    assert await decide_due(by_hand, minutes(5), Letterhead()) == 1
    assert await queue(by_hand) == [("queued", DESK, 0, None)]


async def test_alerts_that_no_other_rule_sends_wait_until_the_rule_is_rewritten(pool: Pool) -> None:
    await tell_by(pool)
    async with transaction(pool) as conn:
        await save_rule(conn, GONE, "anna", T0)
    await forget_zone(pool)
    await store(pool, blocked(1))
    assert await decide_due(pool, minutes(5), Letterhead()) == 0
    assert await next_decision(pool, minutes(5)) == minutes(65)
    async with transaction(pool) as conn:
        await save_rule(conn, GONE, "anna", minutes(70))
    assert await decide_due(pool, minutes(71), Letterhead()) == 1
    assert await queue(pool) == [("queued", NIGHT, 0, None)]


async def test_it_ends_when_the_rule_is_rewritten(by_hand: Pool) -> None:
    thresholds = Thresholds(15 * MINUTE)
    await watchdog.tick(by_hand, minutes(5), Letterhead(), thresholds)
    async with transaction(by_hand) as conn:
        await save_rule(conn, GONE, "anna", minutes(6))
    assert await names(by_hand) == (["default", "gone"], [])
    assert (await watchdog.tick(by_hand, minutes(7), Letterhead(), thresholds)).over == 1


async def test_an_unreadable_rule_can_be_removed_but_not_enabled(by_hand: Pool) -> None:
    async with transaction(by_hand) as conn:
        with pytest.raises(
            Refused, match=r"'gone' cannot be read .*Asia/Gone.*: save it again, or remove it"
        ):
            await enable_rule(conn, "gone", "anna", minutes(6), enabled=True)
        await remove_rule(conn, "gone", "anna", minutes(6))
    assert await names(by_hand) == (["default"], [])

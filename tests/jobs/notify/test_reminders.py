"""Reminders until somebody acknowledges, and escalation when nobody does."""

import asyncio
import json
from dataclasses import replace
from datetime import time, timedelta

import pytest

from jobs.delivery.local_inbox import Inbox
from jobs.messages.compose import Letterhead
from jobs.notify import reminders
from jobs.notify.notifier import tick
from jobs.notify.reminders import nudges
from storage.alerts import mutes, threads
from storage.alerts.incidents import assignee_called, edit_incident
from storage.alerts.reminders import Outstanding
from storage.model.alerts.alerts import MailKind
from storage.model.alerts.incidents import IncidentEdit
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import ASK_FOR, AlertRule, EscalationStep, Mute, Severity
from storage.model.core.people import Role
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from tests.jobs.messages.test_webhook_payload import SCHEMA, faults
from tests.support.samples.alerts import REPORTERS, a_change, a_rule, an_alert, blocked, store, tell_by
from tests.support.samples.readings import MINUTE, T0, minutes
from tests.support.seeds.people import a_person
from tests.support.servers.mail import serving

DESK, CHIEF = "desk@example.org", "chief@example.org"
RULE = AlertRule((DESK,), remind_every=30 * MINUTE, escalation=(EscalationStep(60 * MINUTE, (CHIEF,)),))
HEAD = Letterhead("https://blockline.example.org/")
STORY = Outstanding(1, "key", 1, 5, (DESK,), 1, T0, 0, None, escalated_steps=0)


@pytest.mark.parametrize(
    ("rule", "story", "mute", "expected"),
    [
        pytest.param(
            RULE, STORY, None, [(30, "reminder"), (60, "escalation")], id="asked, then told to others"
        ),
        pytest.param(
            RULE,
            replace(STORY, reminders=1, reminded_at=minutes(30)),
            None,
            [(60, "escalation"), (60, "reminder")],
            id="asked again",
        ),
        pytest.param(RULE, replace(STORY, escalated_steps=1), None, [(30, "reminder")], id="escalated once"),
        pytest.param(replace(RULE, remind_every=None), STORY, None, [(60, "escalation")], id="never asked"),
        pytest.param(AlertRule((DESK,)), STORY, None, [], id="nobody wants it"),
        pytest.param(
            replace(RULE, quiet=QuietHours(time(0), time(6))),
            STORY,
            None,
            [(360, "escalation"), (360, "reminder")],
            id="not in quiet hours",
        ),
        pytest.param(
            replace(RULE, quiet=QuietHours(time(0), time(6)), severity=Severity.CRITICAL),
            STORY,
            None,
            [(30, "reminder"), (60, "escalation")],
            id="what is critical is asked at night too",
        ),
        pytest.param(RULE, STORY, Mute(1, None, None, T0, None, "", "desk"), [], id="not in maintenance"),
        pytest.param(RULE, STORY, Mute(1, None, 5, T0, None, "", "desk"), [], id="not of a muted list"),  # pyright: ignore[reportArgumentType]
        pytest.param(
            RULE,
            STORY,
            Mute(1, None, 6, T0, None, "", "desk"),  # pyright: ignore[reportArgumentType]
            [(30, "reminder"), (60, "escalation")],
            id="a mute of another list",
        ),
        pytest.param(
            replace(RULE, escalation=(), remind_every=timedelta(hours=80)),
            STORY,
            None,
            [],
            id="not after three days",
        ),
    ],
)
def test_when_reminders_are_due(
    rule: AlertRule, story: Outstanding, mute: Mute | None, expected: list[tuple[float, str]]
) -> None:
    found = nudges([story], [a_rule(rule)], [mute] if mute else [], minutes(10))
    assert [((n.at - T0) / MINUTE, n.kind.value) for n in found] == expected


def test_a_disabled_or_removed_rule_sends_no_reminders() -> None:
    assert nudges([STORY], [a_rule(RULE, enabled=False)], [], minutes(99)) == []
    assert nudges([STORY], [a_rule(RULE, 2)], [], minutes(99)) == []


async def story_key(pool: Pool) -> str:
    return await pool.fetchval("select story_key from story")


async def test_reminders_stop_when_acknowledged_and_start_again_with_the_next_group(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, blocked(20, T0))
    inbox = Inbox()
    async with serving(inbox) as sender:
        for now in (1, 29, 31, 62, 63):
            await tick(pool, sender, minutes(now), HEAD)
        kinds = await pool.fetch("select kind, recipients[1] as to from mail order by mail_id")
        assert [tuple(r) for r in kinds] == [
            ("wave", DESK),
            ("reminder", DESK),
            ("escalation", CHIEF),
            ("reminder", DESK),
        ]
        async with transaction(pool) as conn:
            done = await threads.acknowledge(
                conn, await story_key(pool), "anna", "I call the lawyer", minutes(64)
            )
            again = await threads.acknowledge(conn, await story_key(pool), "ben", "", minutes(65))
        assert (done.first, again.first, again.by, again.note) == (True, False, "anna", "I call the lawyer")
        await tick(pool, sender, minutes(300), HEAD)
        assert len(inbox.mails()) == 4, "nobody is asked any more"
        await store(pool, blocked(60, minutes(310), first=20))
        for now in (311, 345):
            await tick(pool, sender, minutes(now), HEAD)
    assert [r["kind"] for r in await pool.fetch("select kind from mail order by mail_id")][4:] == [
        "wave",
        "reminder",
    ]
    by_kind = {m.subject.split(":")[0]: m for m in inbox.mails()}
    assert by_kind["Reminder"].text.startswith("Nobody has acknowledged this for 30 minutes")
    assert "https://blockline.example.org/mail-link/" in by_kind["Reminder"].text
    assert by_kind["Nobody acknowledged"].recipients == (CHIEF,)


async def test_after_an_undone_acknowledgement_asking_goes_on_as_if_there_had_been_none(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, blocked(20, T0))
    inbox = Inbox()
    async with serving(inbox) as sender:
        for now in (1, 31):
            await tick(pool, sender, minutes(now), HEAD)
        key = await story_key(pool)
        async with transaction(pool) as conn:
            await threads.acknowledge(conn, key, "anna", "", minutes(35))
        await tick(pool, sender, minutes(70), HEAD)
        assert len(inbox.mails()) == 2, "nobody is asked meanwhile"
        async with transaction(pool) as conn:
            await threads.undo_acknowledgement(conn, key, "ben", minutes(75))
        for now in (76, 77, 100, 107):
            await tick(pool, sender, minutes(now), HEAD)
    kinds = await pool.fetch("select kind, recipients[1] as to, created_at from mail order by mail_id")
    assert [(r["kind"], r["to"], (r["created_at"] - T0) / MINUTE) for r in kinds] == [
        ("wave", DESK, 1),
        ("reminder", DESK, 31),
        ("escalation", CHIEF, 76),
        ("reminder", DESK, 76),
        ("reminder", DESK, 107),
    ]
    async with transaction(pool) as conn:
        logged = [(a.actor, a.action) for a in await acts(conn, 50) if "acknowledge" in a.action]
    assert logged == [("ben", "acknowledgement undone"), ("anna", "acknowledged")]


async def test_an_undo_leaves_the_acknowledgement_of_an_earlier_group(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, blocked(20, T0))
    await tick(pool, None, minutes(1), HEAD)
    key = await story_key(pool)
    async with transaction(pool) as conn:
        await threads.acknowledge(conn, key, "anna", "first", minutes(2))
    await store(pool, blocked(60, minutes(310), first=20))
    await tick(pool, None, minutes(311), HEAD)
    async with transaction(pool) as conn:
        await threads.acknowledge(conn, key, "ben", "", minutes(312))
        after = await threads.undo_acknowledgement(conn, key, "ben", minutes(313))
    assert (after.acknowledged_wave, after.acknowledged_by, after.acknowledged_note) == (1, "anna", "first")
    assert after.acknowledged_at == minutes(2)
    assert after.is_waiting


async def test_an_acknowledgement_is_in_the_audit_log_and_a_repeat_is_not(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, [an_alert(1, a_change(1), T0, REPORTERS)])
    await tick(pool, None, minutes(1), HEAD)
    async with transaction(pool) as conn:
        for actor in ("anna", "ben"):
            await threads.acknowledge(conn, await story_key(pool), actor, "", minutes(2))
        logged = [a for a in await acts(conn, 50) if a.action == "acknowledged"]
    assert [a.actor for a in logged] == ["anna"]


async def test_two_notifiers_at_once_send_one_reminder(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, [an_alert(1, a_change(1), T0, REPORTERS)])
    await tick(pool, None, minutes(1), HEAD)
    made = await asyncio.gather(*(reminders.tick(pool, minutes(61), HEAD) for _ in range(4)))
    assert sum(made) == 2
    kinds = await pool.fetch("select kind from mail order by kind")
    assert [r["kind"] for r in kinds] == [MailKind.ESCALATION, MailKind.REMINDER, MailKind.WAVE]


BOSS = "boss@example.org"
IN_STEPS = AlertRule(
    (DESK,), escalation=(EscalationStep(60 * MINUTE, (CHIEF,)), EscalationStep(120 * MINUTE, (BOSS, CHIEF)))
)


async def escalated(pool: Pool, *at: float) -> list[tuple[float, str]]:
    """To whom it was escalated, and at which minute, when a notifier looks at these minutes."""
    for minute in at:
        await reminders.tick(pool, minutes(minute), HEAD)
    rows = await pool.fetch(
        "select created_at, recipients[1] as to from mail where kind = 'escalation' order by mail_id"
    )
    return [((r["created_at"] - T0) / MINUTE, r["to"]) for r in rows]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ([59], []),
        ([61, 62, 100], [(61, CHIEF)]),
        ([61, 122, 123, 400], [(61, CHIEF), (122, BOSS), (122, CHIEF)]),
        ([300, 301], [(300, CHIEF), (300, BOSS), (300, CHIEF)]),
    ],
    ids=["not due", "the first step", "each step once", "both are due after an outage"],
)
async def test_each_step_of_an_escalation_is_sent_once(
    pool: Pool, at: list[float], expected: list[tuple[float, str]]
) -> None:
    await tell_by(pool, IN_STEPS)
    await store(pool, [an_alert(1, a_change(1), T0, REPORTERS)])
    await tick(pool, None, minutes(0.5), HEAD)
    assert await escalated(pool, *at) == expected


@pytest.mark.parametrize(
    ("looked_at", "is_sent"),
    [
        pytest.param(3 * 24 * 60, False, id="not due"),
        pytest.param(3 * 24 * 60 + 2, True, id="the latest step that there can be"),
        pytest.param(3 * 24 * 60 + 120, False, id="nobody looked when it was due, and three days are over"),
    ],
)
async def test_a_step_of_three_days_is_sent(pool: Pool, looked_at: float, *, is_sent: bool) -> None:
    await tell_by(pool, AlertRule((DESK,), escalation=(EscalationStep(ASK_FOR, (CHIEF,)),)))
    await store(pool, [an_alert(1, a_change(1), T0, REPORTERS)])
    await tick(pool, None, minutes(0.5), HEAD)
    assert await escalated(pool, looked_at) == ([(looked_at, CHIEF)] if is_sent else [])


@pytest.mark.parametrize("how", ["acknowledged", "assigned", "closed"])
async def test_no_step_follows_once_an_incident_was_acknowledged_assigned_or_closed(
    pool: Pool, how: str
) -> None:
    await tell_by(pool, IN_STEPS)
    await store(pool, [an_alert(1, a_change(1), T0, REPORTERS)])
    await tick(pool, None, minutes(0.5), HEAD)
    assert await escalated(pool, 61) == [(61, CHIEF)]
    await a_person(pool, "anna", Role.ANALYST, T0)
    async with transaction(pool) as conn:
        edits = {
            "acknowledged": IncidentEdit(acknowledge=""),
            "assigned": IncidentEdit(owner=await assignee_called(conn, "anna")),
            "closed": IncidentEdit(close="a test"),
        }
        await edit_incident(conn, await story_key(pool), edits[how], None, "anna", minutes(62))
    assert await escalated(pool, 122, 300) == [(61, CHIEF)]


async def test_a_muted_list_gets_no_reminders(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, [an_alert(1, a_change(1), T0, REPORTERS)])
    await tick(pool, None, minutes(1), HEAD)
    async with transaction(pool) as conn:
        await mutes.mute_list(conn, "Reporters", minutes(2), minutes(500), "hearing", "anna", minutes(2))
    assert await reminders.tick(pool, minutes(61), HEAD) == 0


async def test_a_webhook_gets_reminders_in_its_own_format(pool: Pool) -> None:
    rule = replace(
        RULE,
        recipients=("webhook:desk",),
        escalation=(EscalationStep(60 * MINUTE, ("webhook:pager", CHIEF)),),
    )
    await tell_by(pool, rule)
    await store(pool, [an_alert(1, a_change(1), T0, REPORTERS)])
    await tick(pool, None, minutes(1), HEAD)
    await reminders.tick(pool, minutes(61), HEAD)
    rows = await pool.fetch("select * from mail where kind <> 'wave' order by kind, recipients")
    to = [(r["kind"], r["recipients"][0], r["payload"] is not None) for r in rows]
    assert to == [
        ("escalation", CHIEF, False),
        ("escalation", "webhook:pager", True),
        ("reminder", "webhook:desk", True),
    ]
    (key,) = [r["story_key"] for r in await pool.fetch("select story_key from story")]
    assert all(f"The incident: {HEAD.dashboard_url}incidents/{key}\n" in r["text_body"] for r in rows)
    for row in rows[1:]:
        told = json.loads(row["payload"])
        assert faults(told, SCHEMA) == []
        assert told["id"] == row["message_id"].strip("<>")
        assert (told["kind"], told["headline"], told["text"]) == (
            row["kind"],
            row["subject"],
            row["text_body"],
        )

"""Reminders until somebody acknowledges, and escalation when nobody does."""

import asyncio
import json
from dataclasses import replace

import pytest

from jobs.messages.compose import Letterhead
from jobs.notify import reminders
from jobs.notify.notifier import tick
from jobs.notify.reminders import nudges
from storage.alerts import threads
from storage.alerts.incidents import assignee_called, edit_incident
from storage.alerts.reminders import Outstanding
from storage.model.alerts.alerts import MailKind
from storage.model.alerts.incidents import IncidentEdit
from storage.model.alerts.rules import AlertRule, EscalationStep
from storage.model.core.people import Role
from storage.postgres.pool import Pool, transaction
from tests.jobs.messages.test_webhook_payload import SCHEMA, faults
from tests.support.samples.alerts import REPORTERS, a_change, a_rule, an_alert, blocked, store, tell_by
from tests.support.samples.readings import MINUTE, T0, minutes
from tests.support.seeds.people import a_person

DESK, CHIEF = "desk@example.org", "chief@example.org"
RULE = AlertRule((DESK,), remind_every=30 * MINUTE, escalation=(EscalationStep(60 * MINUTE, (CHIEF,)),))
HEAD = Letterhead("https://blockline.example.org/")
STORY = Outstanding(1, "key", 1, 5, (DESK,), 1, T0, 0, None, escalated_steps=0)


def test_a_disabled_or_removed_rule_sends_no_reminders() -> None:
    assert nudges([STORY], [a_rule(RULE, enabled=False)], [], minutes(99)) == []
    assert nudges([STORY], [a_rule(RULE, 2)], [], minutes(99)) == []


async def story_key(pool: Pool) -> str:
    return await pool.fetchval("select story_key from story")


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

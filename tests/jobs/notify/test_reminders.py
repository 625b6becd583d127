"""Reminders until somebody acknowledges, and escalation when nobody does."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import time, timedelta

import pytest

from collectors.x.declaration import X
from jobs.delivery.channel_config import Channels
from jobs.delivery.channel_router import channel_router
from jobs.messages.compose import Letterhead
from jobs.notify import reminders
from jobs.notify.notifier import next_due, tick
from jobs.notify.reminders import nudges
from storage.accounts.accounts import stop_watching
from storage.accounts.watch_lists import take_accounts_off
from storage.alerts import mutes, rules, threads
from storage.alerts.incidents import assignee_called, edit_incident
from storage.alerts.reminders import Outstanding
from storage.countries.measured_networks import record_days
from storage.model.alerts.alerts import MailKind
from storage.model.alerts.incidents import IncidentEdit
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule, EscalationStep, Match
from storage.model.core.availability import ChangeKind
from storage.model.core.people import Role
from storage.postgres.pool import Conn, Pool, transaction
from tests.jobs.messages.test_compose import SCHEMA, faults
from tests.jobs.notify.test_network_alerts import DAY, measured
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.alerts import REPORTERS, a_change, a_rule, an_alert, blocked, store, tell_by
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.people import a_person
from tests.support.servers.mail import InOrder, Receiver, receiving, says, serving

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


A, W, S = AVAILABLE, WITHHELD_IN, SUSPENDED
PAGER = "pagerduty:duty"
INCIDENT_ENDS_RULE = AlertRule((PAGER,), match=Match(kinds=frozenset({ChangeKind.BLOCK})))
BLOCKED = [Sent(0, {"1": A, "2": A}), Sent(10, {"1": W, "2": W}), Sent(20, {"1": W, "2": W})]
BACK = [Sent(30, {"1": A, "2": A}), Sent(50, {"1": A, "2": A})]


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    await tell_by(pool, INCIDENT_ENDS_RULE)
    return desk


async def notify(pool: Pool, receiver: Receiver, *at: float) -> list[tuple[str, str]]:
    """Let the notifier work at these minutes; returns what the pager got in all: action and key."""
    channels = Channels(pagers={"duty": "k" * 32}, pagerduty_url=receiver.url)
    for minute in at:
        router = channel_router(None, channels, lambda m=minute: minutes(m), "https://desk.example")
        await tick(pool, router, minutes(minute), Letterhead("https://desk.example/"))
    events = [json.loads(request.body) for request in receiver.requests]
    return [(event["event_action"], event["dedup_key"]) for event in events]


async def take(desk: Desk, readings: Sequence[Sent]) -> None:
    for sent in readings:
        await desk.take(sent)


async def test_an_incident_that_reported_no_block_is_ended_at_once(desk: Desk) -> None:
    await tell_by(desk.pool, AlertRule((PAGER,), match=Match(kinds=frozenset({ChangeKind.RESTORATION}))))
    async with receiving(says(202)) as receiver:
        await take(desk, [*BLOCKED, *BACK])
        sent = await notify(desk.pool, receiver, 51, 52)
    assert [action for action, _ in sent] == ["trigger", "resolve"]


async def test_a_purge_of_the_blocked_account_ends_nothing(desk: Desk) -> None:
    async with receiving(says(202)) as receiver:
        await take(desk, BLOCKED)
        await notify(desk.pool, receiver, 21)
        await desk.pool.execute("delete from alert")
        sent = await notify(desk.pool, receiver, 52)
    assert [action for action, _ in sent] == ["trigger"]


async def test_other_recipients_get_no_end(desk: Desk) -> None:
    await tell_by(desk.pool, AlertRule(("desk@example.org", "webhook:desk")))
    async with receiving(says(202)) as receiver:
        await take(desk, [*BLOCKED])
        await notify(desk.pool, receiver, 21)
        await take(desk, BACK)
        await notify(desk.pool, receiver, 51, 52)
    assert await desk.pool.fetchval("select count(*) from mail where kind = 'end'") == 0


PROMISES_A, PROMISES_W = AVAILABLE, WITHHELD_IN
EDITOR, NIGHT = "editor@example.org", "night@example.org"
EAGER = AlertRule((EDITOR,), "eager", Match(lists=frozenset({"Desk"}), provisional=True))
TWO_WEEKS = 14 * 1440

SEEN = "Provisional: @h1 seen as withheld in India (IN), not confirmed yet"
CONFIRMED = "@h1 withheld in India (IN)"
REFUTED = "Taken back: @h1 seen as withheld in India (IN), not confirmed after all"
UNWATCHED = "Unresolved: @h1 seen as withheld in India (IN), no longer watched"

Step = Callable[["Newsroom"], Awaitable[object]]


class Newsroom:
    """A desk whose notifier looks whenever something is due, and sends by a real server."""

    def __init__(self, desk: Desk) -> None:
        self.pool = desk.pool
        self.desk = desk
        self.inbox = InOrder()

    async def rules(self, *those: AlertRule, at: float = 0) -> None:
        async with transaction(self.pool) as conn:
            await rules.keep_to_settings(conn, those, minutes(at))

    async def run(self, since: float, until: float) -> None:
        async with serving(self.inbox) as sender:
            now = minutes(since)
            while now < minutes(until):
                await tick(self.pool, sender, now, HEAD)
                due = await next_due(self.pool, sender, now)
                now = minutes(until) if due is None else max(due, now + timedelta(milliseconds=1))

    def told(self, *, to: str = EDITOR) -> list[str]:
        """The subjects that somebody got, in their order, without the names of lists."""
        return [m.subject.partition(" - ")[0] for m in self.inbox.mails() if m.recipients == (to,)]

    def newest(self) -> str:
        return self.inbox.mails()[-1].text

    async def do(self, act: Callable[[Conn], Awaitable[object]]) -> None:
        async with transaction(self.pool) as conn:
            await act(conn)


def plain(subject: str) -> str:
    """Without what says that a mail goes on with another one."""
    return subject.removeprefix("Update: ").removeprefix("Confirmed: ")


@pytest.fixture
async def newsroom(pool: Pool) -> Newsroom:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    return Newsroom(desk)


async def seen_once(newsroom: Newsroom, *those: AlertRule) -> None:
    """The editor was told of an account that was seen as withheld once."""
    await newsroom.rules(*(those or (EAGER,)))
    for sent in (Sent(0, {"1": PROMISES_A, "2": PROMISES_A}), Sent(10, {"1": PROMISES_W, "2": PROMISES_A})):
        await newsroom.desk.take(sent)
    await newsroom.run(11, 12)
    assert newsroom.told() == [SEEN]


# how it ends ---------------------------------------------------------------------------------------------


async def confirmed(newsroom: Newsroom) -> None:
    await newsroom.desk.take(Sent(20, {"1": PROMISES_W, "2": PROMISES_A}))


async def refuted(newsroom: Newsroom) -> None:
    await newsroom.desk.take(Sent(20, {"1": PROMISES_A, "2": PROMISES_A}))


async def unwatched(newsroom: Newsroom) -> None:
    await newsroom.do(lambda conn: stop_watching(conn, X, "h1", minutes(20)))


ENDS: dict[Step, str] = {confirmed: CONFIRMED, refuted: REFUTED, unwatched: UNWATCHED}

# what happens meanwhile ----------------------------------------------------------------------------------


async def nothing(_newsroom: Newsroom) -> None:
    """Everything stays as it is."""


def by(*those: AlertRule) -> Step:
    return lambda newsroom: newsroom.rules(*those, at=12)


def about(**match: object) -> AlertRule:
    return replace(EAGER, match=replace(EAGER.match, **match))


async def switched_off(newsroom: Newsroom) -> None:
    await newsroom.pool.execute("update alert_rule set enabled = false")


async def off_the_list(newsroom: Newsroom) -> None:
    one = newsroom.desk.ids["1"]
    await newsroom.do(lambda conn: take_accounts_off(conn, "Desk", [one], "ada", minutes(12)))


async def account_muted(newsroom: Newsroom) -> None:
    one = newsroom.desk.ids["1"]
    await newsroom.do(lambda conn: mutes.mute_account(conn, one, minutes(12), None, "", "ada", minutes(12)))


async def list_muted(newsroom: Newsroom) -> None:
    await newsroom.do(lambda conn: mutes.mute_list(conn, "Desk", minutes(12), None, "", "ada", minutes(12)))


async def maintenance(newsroom: Newsroom) -> None:
    end = minutes(TWO_WEEKS)
    await newsroom.do(lambda conn: mutes.maintenance(conn, minutes(12), end, "move", "ada", minutes(12)))


async def unreachable(newsroom: Newsroom) -> None:
    """Networks in India do not reach X, and the rule sends no changes from there meanwhile."""
    await newsroom.rules(replace(EAGER, not_if_unreachable=True), at=12)
    days = measured("bad", "bad", until=T0.date() - DAY)
    await newsroom.do(
        lambda conn: record_days(conn, "IN", (T0.date() - 3 * DAY, T0.date()), days, minutes(12))
    )


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(nothing, id="nothing else happens"),
        pytest.param(switched_off, id="the rule is switched off"),
        pytest.param(by(), id="the rule is removed"),
        pytest.param(by(replace(EAGER, name="other")), id="another rule takes its place"),
        pytest.param(by(about(kinds=frozenset({ChangeKind.RESTORATION}))), id="it asks for other kinds"),
        pytest.param(by(about(lists=frozenset({"Others"}))), id="it is about another list"),
        pytest.param(by(about(provisional=False)), id="it asks for what is confirmed only"),
        pytest.param(by(replace(EAGER, recipients=(NIGHT,))), id="it tells others"),
        pytest.param(by(replace(EAGER, recipients=(NIGHT, EDITOR))), id="it tells others as well"),
        pytest.param(by(replace(EAGER, recipients=())), id="it tells nobody"),
        pytest.param(by(replace(EAGER, quiet=QuietHours(time(0), time(6)))), id="quiet hours begin"),
        pytest.param(by(replace(EAGER, flapping_changes=2)), id="the account goes back and forth"),
        pytest.param(off_the_list, id="the account is taken off its list"),
        pytest.param(account_muted, id="the account is muted"),
        pytest.param(list_muted, id="the list is muted"),
        pytest.param(maintenance, id="a maintenance window begins"),
        pytest.param(unreachable, id="the platform becomes unreachable"),
    ],
)
async def test_a_recipient_who_is_owed_an_outcome_gets_it_once(
    newsroom: Newsroom, meanwhile: Step, end: Step
) -> None:
    await seen_once(newsroom)
    await meanwhile(newsroom)
    await end(newsroom)
    await newsroom.run(21, TWO_WEEKS)
    assert [plain(subject) for subject in newsroom.told()] == [SEEN, ENDS[end]]
    assert {plain(subject) for subject in newsroom.told(to=NIGHT)} <= {CONFIRMED}


async def test_a_reply_says_that_the_rule_sends_nothing_while_the_platform_is_unreachable(
    newsroom: Newsroom,
) -> None:
    await seen_once(newsroom)
    await unreachable(newsroom)
    await confirmed(newsroom)
    await newsroom.run(21, 60)
    assert "sends no changes while most measurements from their countries do not reach" in newsroom.newest()


# what comes late, or too early ---------------------------------------------------------------------------


async def late(newsroom: Newsroom, *those: Sent) -> None:
    newsroom.desk.now = minutes(24)
    for sent in those:
        await newsroom.desk.take(sent)


async def test_an_outcome_that_a_late_reading_corrects_is_sent_again(newsroom: Newsroom) -> None:
    await seen_once(newsroom)
    await newsroom.desk.take(Sent(13, {"2": PROMISES_A}))
    await unwatched(newsroom)
    await newsroom.run(21, 23)
    await late(newsroom, Sent(12, {"1": PROMISES_W}))
    await newsroom.run(26, TWO_WEEKS)
    assert [plain(subject) for subject in newsroom.told()] == [SEEN, UNWATCHED, CONFIRMED]

"""An incident at a pager is ended once it is over, on a real database and from real readings."""

import json
from collections.abc import Sequence

import pytest

from jobs.delivery.channel_config import Channels
from jobs.delivery.channel_router import channel_router
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import tick
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.availability import ChangeKind
from storage.postgres.pool import Pool
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, SUSPENDED, WITHHELD_IN, minutes
from tests.support.servers.mail import Receiver, receiving, says

A, W, S = AVAILABLE, WITHHELD_IN, SUSPENDED
PAGER = "pagerduty:duty"
RULE = AlertRule((PAGER,), match=Match(kinds=frozenset({ChangeKind.BLOCK})))
BLOCKED = [Sent(0, {"1": A, "2": A}), Sent(10, {"1": W, "2": W}), Sent(20, {"1": W, "2": W})]
BACK = [Sent(30, {"1": A, "2": A}), Sent(50, {"1": A, "2": A})]


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    await tell_by(pool, RULE)
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

"""An incident at a pager is ended once it is over, on a real database and from real readings."""

import json
from collections.abc import Sequence

import pytest

from jobs.delivery.channel_config import Channels
from jobs.delivery.channel_router import channel_router
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import next_decision, tick
from storage.alerts.incidents import edit_incident, incident_sendings
from storage.model.alerts.incidents import IncidentEdit
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.availability import ChangeKind
from storage.postgres.pool import Pool, transaction
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


async def key_of(pool: Pool) -> str:
    return await pool.fetchval("select story_key from story")


@pytest.mark.parametrize(
    ("later", "is_ended"),
    [
        pytest.param([], False, id="nothing was read since"),
        pytest.param([Sent(30, {"1": A, "2": A})], False, id="one reading confirms nothing"),
        pytest.param(
            [Sent(30, {"1": A, "2": None}), Sent(50, {"1": A, "2": None})], False, id="one was not read"
        ),
        pytest.param(
            [Sent(30, {"1": A, "2": S}), Sent(50, {"1": A, "2": S})], False, id="one is suspended instead"
        ),
        pytest.param(BACK, True, id="both are back"),
    ],
)
async def test_a_pager_ends_an_incident_only_once_each_account_is_known_to_be_back(
    desk: Desk, later: Sequence[Sent], is_ended: bool
) -> None:
    async with receiving(says(202)) as receiver:
        await take(desk, BLOCKED)
        await notify(desk.pool, receiver, 21)
        await take(desk, later)
        sent = await notify(desk.pool, receiver, 51, 52)
    key = await key_of(desk.pool)
    assert sent == [("trigger", key), *([("resolve", key)] if is_ended else [])]


async def test_an_incident_that_grows_after_its_end_is_opened_and_ended_again(pool: Pool) -> None:
    desk, everybody = Desk(pool), [str(n) for n in range(10)]
    await desk.enlist(*everybody)
    await tell_by(pool, RULE)
    available = dict.fromkeys(everybody, A)
    async with receiving(says(202)) as receiver:
        for blocked, at in ((everybody[:1], 0), (everybody[1:], 60)):
            for minute, state in ((0, A), (10, W), (20, W), (30, A), (50, A)):
                await desk.take(Sent(at + minute, available | dict.fromkeys(blocked, state)))
                await notify(pool, receiver, at + minute + 1)
        sent = await notify(pool, receiver, 400, 401)
    key = await key_of(pool)
    assert sent == [("trigger", key), ("resolve", key)] * 2


async def test_who_closes_an_incident_ends_it_at_the_pager_too(desk: Desk) -> None:
    async with receiving(says(202)) as receiver:
        await take(desk, BLOCKED)
        await notify(desk.pool, receiver, 21)
        key = await key_of(desk.pool)
        async with transaction(desk.pool) as conn:
            await edit_incident(
                conn, key, IncidentEdit(close="the list was wrong."), None, "anna", minutes(22)
            )
        assert await next_decision(desk.pool, minutes(23)) == minutes(23)
        sent = await notify(desk.pool, receiver, 23, 24)
    assert sent == [("trigger", key), ("resolve", key)]
    text = await desk.pool.fetchval("select text_body from mail where kind = 'end'")
    assert "anna closed it: the list was wrong." in text
    assert "says nothing of its accounts" in text
    async with transaction(desk.pool) as conn:
        sendings = await incident_sendings(conn, key)
    assert [(s.kind, s.recipients) for s in sendings] == [("end", (PAGER,)), ("wave", (PAGER,))]


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

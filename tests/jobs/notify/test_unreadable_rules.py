"""A rule on file that cannot be read keeps no other from telling, is said everywhere, and can be mended."""

import pytest

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_due, next_decision
from jobs.selfmonitoring import watchdog
from storage.alerts.rules import (
    enable_rule,
    load_rules,
    remove_rule,
    save_rule,
    unreadable_rules,
)
from storage.health.condition_facts import Thresholds
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Pool, Refused, transaction
from tests.support.samples.alerts import blocked, queue, store, tell_by
from tests.support.samples.readings import MINUTE, T0, minutes

DESK, NIGHT = "desk@example.org", "night@example.org"
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

"""A change of a platform that its country does not reach is recorded and shown, and not sent by its rule."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts, next_decision, tick
from storage.countries.measured_networks import record_days
from storage.model.alerts.alerts import AlertDecision
from storage.model.alerts.rule_codec import from_table, to_table
from storage.model.alerts.rules import AlertRule, Digest
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import Pool, transaction
from tests.jobs.notify.test_network_alerts import DAY, measured
from tests.support.clients.page_text import said
from tests.support.samples.alerts import ORDER, a_change, an_alert, decisions, queue, store, tell_by
from tests.support.samples.readings import T0, minutes
from tests.support.servers.dashboard import SETTINGS, page_of

DESK, LAW = "desk@example.org", "law@example.org"
RULE = AlertRule((DESK,), name="Accounts", not_if_unreachable=True)
HEAD = Letterhead("https://blockline.example.org/")
YESTERDAY = T0.date() - DAY


async def read(pool: Pool, days: list[MeasuredDay], at: datetime) -> None:
    async with transaction(pool) as conn:
        await record_days(conn, "IN", (YESTERDAY - 9 * DAY, YESTERDAY + DAY), days, at)


async def shown(pool: Pool, path: str, now: datetime) -> str:
    async with transaction(pool) as conn:
        return said(await page_of(conn, path, now, SETTINGS, "light"))


async def test_a_change_is_not_sent_while_its_platform_is_unreachable_and_the_next_one_is(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await read(pool, measured("bad", "bad", until=YESTERDAY), minutes(1))
    await store(pool, [an_alert(1, a_change(1), minutes(2), ORDER)])
    assert await next_decision(pool, minutes(3)) == minutes(3)
    await tick(pool, None, minutes(3), HEAD)
    assert await decisions(pool) == [("unreachable", True)]
    assert await queue(pool) == []
    assert await pool.fetchval("select decision from alert where decided_at is not null") == "unreachable"
    for path in ("/alerts", "/alerts/decisions/unreachable", "/account/1"):
        text = await shown(pool, path, minutes(4))
        assert "account_0001" in text
        assert "most measurements from its countries did not reach the platform" in text
    await read(pool, measured("good", until=YESTERDAY), minutes(5))
    await store(pool, [an_alert(2, a_change(2), minutes(6), ORDER)])
    await tick(pool, None, minutes(7), HEAD)
    assert await decisions(pool) == [("unreachable", True), ("mailed", True)]
    assert [recipient for _, recipient, *_ in await queue(pool)] == [DESK]


async def test_a_change_from_before_the_measurements_were_known_is_sent(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, [an_alert(1, a_change(1), minutes(1), ORDER)])
    await read(pool, measured("bad", "bad", until=YESTERDAY), minutes(2))
    await tick(pool, None, minutes(3), HEAD)
    assert await decisions(pool) == [("mailed", True)]


async def test_another_rule_sends_the_change_to_the_same_recipient(pool: Pool) -> None:
    await tell_by(pool, RULE, replace(RULE, name="All", recipients=(DESK, LAW), not_if_unreachable=False))
    await read(pool, measured("bad", "bad", until=YESTERDAY), minutes(1))
    await store(pool, [an_alert(1, a_change(1), minutes(2), ORDER)])
    for minute in (3, 4):
        await tick(pool, None, minutes(minute), HEAD)
    assert await decisions(pool) == [("unreachable", True), ("mailed", True)]
    assert [recipient for _, recipient, *_ in await queue(pool)] == [DESK, LAW]


async def test_a_digest_counts_changes_that_were_not_sent_because_the_platform_was_unreachable(
    pool: Pool,
) -> None:
    await tell_by(pool, replace(RULE, digest=Digest.DAILY))
    await read(pool, measured("bad", "bad", until=YESTERDAY), minutes(1))
    await store(pool, [an_alert(1, a_change(1), minutes(2), ORDER)])
    await decide_alerts(pool, T0 + timedelta(hours=9), HEAD)
    (text,) = [row["text_body"] for row in await pool.fetch("select text_body from mail")]
    why = "from countries from which most measurements did not reach the platform"
    assert f"1 change is not reported here ({why})" in text


@pytest.mark.parametrize("wanted", [True, False])
def test_a_rule_stores_that_it_waits_for_no_unreachable_platform(wanted: bool) -> None:
    rule = replace(RULE, not_if_unreachable=wanted)
    assert from_table(to_table(rule)) == rule
    assert ("not_if_unreachable" in to_table(rule)) is wanted


def test_the_decision_is_final_and_is_no_sending() -> None:
    assert not AlertDecision.UNREACHABLE.is_open
    assert not AlertDecision.UNREACHABLE.is_sent

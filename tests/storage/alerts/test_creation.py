"""What recording does to alerts: they are born with what they tell, and closed when it is overtaken."""

import pytest

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from storage.alerts import outbox
from storage.alerts.deliveries_report import DeliveryFilter, deliveries
from storage.alerts.history import alerts_of_change
from storage.alerts.open_alerts import open_alerts, recent_alerts
from storage.alerts.rules import load_rules
from storage.model.alerts.alerts import AlertDecision
from storage.model.alerts.rules import AlertRule, Digest
from storage.postgres.pool import Pool, StaleState, transaction
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes

A, W = AVAILABLE, WITHHELD_IN
AT_ONCE = AlertRule(("desk@example.org",), "at once")
WEEKLY = AlertRule(("board@example.org",), "weekly", digest=Digest.WEEKLY)


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2", "3")
    return desk


async def mails(desk: Desk, at: float) -> list[tuple[str, str]]:
    """Recipients and subjects, once a notifier has looked."""
    await decide_alerts(desk.pool, minutes(at), Letterhead())
    rows = await desk.rows("select recipients[1], subject from mail order by mail_id")
    return [(str(to).partition("@")[0], str(subject).partition(" - ")[0]) for to, subject in rows]


async def decided(desk: Desk) -> list[tuple[object, ...]]:
    """Of each alert its stage and decision, and what each rule decided that spoke its last word."""
    return await desk.rows(
        """
        select a.stage, a.decision, array(
            select d.decision from alert_decision d
            where d.alert_id = a.alert_id and d.decided_at is not null order by d.rule_id
        ), (select count(*)::int from alert_decision d where d.alert_id = a.alert_id and d.decided_at is null)
        from alert a order by a.alert_id
        """
    )


async def test_what_is_taken_back_stays_on_record_as_told_and_waits_for_no_digest(desk: Desk) -> None:
    await tell_by(desk.pool, AT_ONCE, WEEKLY)
    for sent in (Sent(0, {"1": A}), Sent(10, {"1": W}), Sent(20, {"1": W})):
        await desk.take(sent)
    told = ("desk", "@h1 withheld in India (IN)")
    assert await mails(desk, 21) == [told]
    desk.now = minutes(29)
    await desk.take(Sent(14, {"1": A}))
    back = ("desk", "Taken back: @h1 seen as withheld in India (IN), not confirmed after all")
    assert await mails(desk, 31) == [told, back]
    assert await decided(desk) == [
        ("confirmed", "mailed", ["mailed", "corrected"], 0),
        ("withdrawn", "mailed", ["mailed"], 0),
    ]


async def test_nobody_keeps_an_alert_that_was_closed_meanwhile(desk: Desk) -> None:
    await tell_by(desk.pool, WEEKLY)
    for sent in (Sent(0, {"1": A}), Sent(10, {"1": W}), Sent(20, {"1": W})):
        await desk.take(sent)
    async with transaction(desk.pool) as conn:
        (alert,) = await open_alerts(conn)
        (rule,) = await load_rules(conn)
    await desk.take(Sent(14, {"1": A}))
    kept = outbox.DeferredDecision(alert.alert_id, rule.rule_id, AlertDecision.DIGEST, minutes(999))
    with pytest.raises(StaleState):
        async with transaction(desk.pool) as conn:
            await outbox.settle(conn, [], [kept], [], minutes(50_010))
    assert await decided(desk) == [("confirmed", "corrected", [], 0)]


@pytest.mark.parametrize("late", [Sent(5, {"1": A}), Sent(5, {"1": W})], ids=["narrower", "earlier"])
async def test_who_was_told_is_not_told_again_when_only_the_interval_is_corrected(
    desk: Desk, late: Sent
) -> None:
    await tell_by(desk.pool, AT_ONCE, WEEKLY)
    for sent in (Sent(0, {"1": A, "2": A}), Sent(10, {"1": W, "2": W}), Sent(20, {"1": W, "2": W})):
        await desk.take(sent)
    told = ("desk", "2 accounts withheld in India (IN)")
    assert await mails(desk, 21) == [told]
    desk.now = minutes(29)
    await desk.take(late)
    week = ("board", "2 accounts withheld in India (IN)")
    assert await mails(desk, 8 * 1440) == [told, week]
    assert sorted(await decided(desk)) == [
        ("confirmed", "corrected", [], 0),
        ("confirmed", "grouped", ["grouped", "grouped"], 0),
        ("confirmed", "grouped", ["grouped", "grouped"], 0),
    ]
    was = await desk.pool.fetchval("select change_id from alert where decision = 'corrected'")
    async with transaction(desk.pool) as conn:
        assert [d.mail.changes for d in await deliveries(conn, DeliveryFilter(), 9)] == [2, 2]
        assert len(await alerts_of_change(conn, was)) == 2, "it is explained with what corrected it"
        account = await conn.fetchval("select account_id from change where change_id = $1", was)
        assert len(await recent_alerts(conn, [account], T0)) == 1, "and counts as one change of the account"

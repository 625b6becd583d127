"""Who has an incident, and when it counts as resolved, on a real database and from real readings."""

from collections.abc import Iterable

import pytest

from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from storage.alerts import outbox
from storage.alerts.deliveries_report import DeliveryFilter, deliveries
from storage.alerts.history import alerts_of_change
from storage.alerts.incidents import (
    ChangedMeanwhile,
    IncidentFilter,
    assignable,
    assignee_called,
    edit_incident,
    incident_acts,
    incident_line,
    incident_lines,
    incident_sendings,
)
from storage.alerts.open_alerts import cohorts_of, open_alerts, recent_alerts
from storage.alerts.reminders import outstanding
from storage.alerts.rule_scope_report import cohorts
from storage.alerts.rules import load_rules
from storage.alerts.threads import acknowledge
from storage.alerts.threads_report import count_open_stories
from storage.health.metrics import incidents
from storage.model.alerts.alerts import AlertDecision, Cohort
from storage.model.alerts.incidents import IncidentEdit, IncidentFault, IncidentWork
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.core.orders import NewOrder
from storage.model.core.people import Role
from storage.orders.orders import add_order
from storage.people.people import disable
from storage.postgres.pool import Pool, Refused, StaleState, transaction
from storage.replay.alert_inputs import account_facts
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import enlist
from tests.support.seeds.people import a_person
from tests.support.seeds.posts import turn_into_posts

A, W, S = AVAILABLE, WITHHELD_IN, SUSPENDED
RULE = AlertRule(("desk@example.org",), match=Match(provisional=True))
BLOCKED = [Sent(0, {"1": A, "2": A}), Sent(10, {"1": W, "2": W}), Sent(20, {"1": W, "2": W})]


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    """Two accounts that were withheld, and the incident about them."""
    desk = Desk(pool)
    await desk.enlist("1", "2")
    await tell_by(pool, RULE)
    for sent in BLOCKED:
        await desk.take(sent)
    await notify(desk, 21)
    return desk


async def notify(desk: Desk, at: float) -> None:
    await decide_alerts(desk.pool, minutes(at), Letterhead())


async def read(pool: Pool) -> IncidentWork:
    async with transaction(pool) as conn:
        (line,) = await incident_lines(conn, IncidentFilter(), 10)
    return line.work


async def edited(
    pool: Pool, edit: IncidentEdit, seen: int | None = None, actor: str = "anna"
) -> IncidentWork:
    work = await read(pool)
    async with transaction(pool) as conn:
        return await edit_incident(conn, work.story_key, edit, seen, actor, minutes(30))


async def test_the_second_of_two_is_told_what_the_first_did_and_changes_nothing(desk: Desk) -> None:
    pool = desk.pool
    await a_person(pool, "anna", Role.ANALYST, T0)
    await a_person(pool, "ben", Role.ADMIN, T0)
    seen = (await read(pool)).revision
    async with transaction(pool) as conn:
        anna, ben = await assignee_called(conn, "Anna"), await assignee_called(conn, "ben")
    first = await edited(pool, IncidentEdit(owner=anna), seen)
    with pytest.raises(ChangedMeanwhile) as told:
        await edited(pool, IncidentEdit(owner=ben, note="mine"), seen, "ben")
    assert str(told.value) == (
        "Nothing was changed, because the incident changed meanwhile: anna assigned it to anna. "
        "Look at it again."
    )
    assert await read(pool) == first
    await edited(pool, IncidentEdit(owner=ben), first.revision, "ben")
    async with transaction(pool) as conn:
        acts = await incident_acts(conn, first.story_key)
    assert [(a.actor, a.words) for a in acts] == [
        ("ben", "assigned it to ben; anna had it before"),
        ("anna", "assigned it to anna"),
    ]


async def test_who_acts_after_a_newer_group_is_told_so(desk: Desk) -> None:
    seen = (await read(desk.pool)).revision
    for sent in (Sent(100, {"1": A, "2": A}), Sent(120, {"1": A, "2": A})):
        await desk.take(sent)
    await notify(desk, 200)
    with pytest.raises(ChangedMeanwhile, match="meanwhile: a newer group of changes was sent"):
        await edited(desk.pool, IncidentEdit(close="done"), seen)


async def test_a_fault_stores_nothing_and_logs_nothing(desk: Desk) -> None:
    before = await read(desk.pool)
    with pytest.raises(IncidentFault):
        await edited(desk.pool, IncidentEdit(note="stays out", close=""))
    async with transaction(desk.pool) as conn:
        with pytest.raises(Refused, match="There is no such incident"):
            await edit_incident(conn, "gone", IncidentEdit(note="x"), None, "anna", T0)
        assert await incident_acts(conn, before.story_key) == []
    assert await read(desk.pool) == before


async def test_the_database_and_the_model_agree_on_who_waits(desk: Desk) -> None:
    """`waiting_stories` says in SQL what `IncidentWork.is_waiting` says of one incident."""
    pool = desk.pool
    await a_person(pool, "anna", Role.ANALYST, T0)
    await a_person(pool, "ben", Role.ADMIN, T0)

    async def waits() -> bool:
        work = await read(pool)
        async with transaction(pool) as conn:
            asked = len(await outstanding(conn, T0)), await count_open_stories(conn)
        assert asked == ((1, 1) if work.is_waiting else (0, 0))
        return work.is_waiting

    assert await waits()
    async with transaction(pool) as conn:
        anna = await assignee_called(conn, "anna")
    await edited(pool, IncidentEdit(owner=anna))
    assert not await waits()
    async with transaction(pool) as conn:
        await disable(conn, "anna", "ben", T0)
        assert [p.login for p in await assignable(conn)] == ["ben"]
        assert len(await incident_lines(conn, IncidentFilter(unassigned=True), 10)) == 1
    assert await waits(), "who cannot log in works on nothing"
    await edited(pool, IncidentEdit(close="a test"))
    assert not await waits()
    await edited(pool, IncidentEdit(reopen=True))
    assert await waits()
    async with transaction(pool) as conn:
        await acknowledge(conn, (await read(pool)).story_key, "ben", "", T0)
    assert not await waits()
    await pool.execute(
        "update story set acknowledged_wave = null, acknowledged_at = null, "
        "acknowledged_by = null, acknowledged_note = null"
    )
    for sent in (Sent(30, {"1": A, "2": A}), Sent(50, {"1": A, "2": A})):
        await desk.take(sent)
    assert not await waits()


async def test_what_was_sent_about_an_incident_is_listed_by_time(desk: Desk) -> None:
    key = (await read(desk.pool)).story_key
    async with transaction(desk.pool) as conn:
        sendings = await incident_sendings(conn, key)
        assert await incident_line(conn, "gone") is None
    assert [(s.kind, s.recipients) for s in sendings][-1] == ("wave", ("desk@example.org",))


async def are_open(pool: Pool, at: float) -> list[bool]:
    async with transaction(pool) as conn:
        return [one.is_open for one in await incidents(conn, minutes(at))]


async def test_the_metric_of_a_closed_incident_is_zero_for_a_day(desk: Desk) -> None:
    await edited(desk.pool, IncidentEdit(close="the list was wrong"))
    assert [await are_open(desk.pool, at) for at in (31, 31 + 24 * 60)] == [[False], []]


CREATION_A, CREATION_W = AVAILABLE, WITHHELD_IN
AT_ONCE = AlertRule(("desk@example.org",), "at once")
WEEKLY = AlertRule(("board@example.org",), "weekly", digest=Digest.WEEKLY)


@pytest.fixture
async def creation_desk(pool: Pool) -> Desk:
    creation_desk = Desk(pool)
    await creation_desk.enlist("1", "2", "3")
    return creation_desk


async def mails(creation_desk: Desk, at: float) -> list[tuple[str, str]]:
    """Recipients and subjects, once a notifier has looked."""
    await decide_alerts(creation_desk.pool, minutes(at), Letterhead())
    rows = await creation_desk.rows("select recipients[1], subject from mail order by mail_id")
    return [(str(to).partition("@")[0], str(subject).partition(" - ")[0]) for to, subject in rows]


async def decided(creation_desk: Desk) -> list[tuple[object, ...]]:
    """Of each alert its stage and decision, and what each rule decided that spoke its last word."""
    return await creation_desk.rows(
        """
        select a.stage, a.decision, array(
            select d.decision from alert_decision d
            where d.alert_id = a.alert_id and d.decided_at is not null order by d.rule_id
        ), (select count(*)::int from alert_decision d where d.alert_id = a.alert_id and d.decided_at is null)
        from alert a order by a.alert_id
        """
    )


async def test_what_is_taken_back_stays_on_record_as_told_and_waits_for_no_digest(
    creation_desk: Desk,
) -> None:
    await tell_by(creation_desk.pool, AT_ONCE, WEEKLY)
    for sent in (Sent(0, {"1": CREATION_A}), Sent(10, {"1": CREATION_W}), Sent(20, {"1": CREATION_W})):
        await creation_desk.take(sent)
    told = ("desk", "@h1 withheld in India (IN)")
    assert await mails(creation_desk, 21) == [told]
    creation_desk.now = minutes(29)
    await creation_desk.take(Sent(14, {"1": CREATION_A}))
    back = ("desk", "Taken back: @h1 seen as withheld in India (IN), not confirmed after all")
    assert await mails(creation_desk, 31) == [told, back]
    assert await decided(creation_desk) == [
        ("confirmed", "mailed", ["mailed", "corrected"], 0),
        ("withdrawn", "mailed", ["mailed"], 0),
    ]


async def test_nobody_keeps_an_alert_that_was_closed_meanwhile(creation_desk: Desk) -> None:
    await tell_by(creation_desk.pool, WEEKLY)
    for sent in (Sent(0, {"1": CREATION_A}), Sent(10, {"1": CREATION_W}), Sent(20, {"1": CREATION_W})):
        await creation_desk.take(sent)
    async with transaction(creation_desk.pool) as conn:
        (alert,) = await open_alerts(conn)
        (rule,) = await load_rules(conn)
    await creation_desk.take(Sent(14, {"1": CREATION_A}))
    kept = outbox.DeferredDecision(alert.alert_id, rule.rule_id, AlertDecision.DIGEST, minutes(999))
    with pytest.raises(StaleState):
        async with transaction(creation_desk.pool) as conn:
            await outbox.settle(conn, [], [kept], [], minutes(50_010))
    assert await decided(creation_desk) == [("confirmed", "corrected", [], 0)]


@pytest.mark.parametrize(
    "late", [Sent(5, {"1": CREATION_A}), Sent(5, {"1": CREATION_W})], ids=["narrower", "earlier"]
)
async def test_who_was_told_is_not_told_again_when_only_the_interval_is_corrected(
    creation_desk: Desk, late: Sent
) -> None:
    await tell_by(creation_desk.pool, AT_ONCE, WEEKLY)
    for sent in (
        Sent(0, {"1": CREATION_A, "2": CREATION_A}),
        Sent(10, {"1": CREATION_W, "2": CREATION_W}),
        Sent(20, {"1": CREATION_W, "2": CREATION_W}),
    ):
        await creation_desk.take(sent)
    told = ("desk", "2 accounts withheld in India (IN)")
    assert await mails(creation_desk, 21) == [told]
    creation_desk.now = minutes(29)
    await creation_desk.take(late)
    week = ("board", "2 accounts withheld in India (IN)")
    assert await mails(creation_desk, 8 * 1440) == [told, week]
    assert sorted(await decided(creation_desk)) == [
        ("confirmed", "corrected", [], 0),
        ("confirmed", "grouped", ["grouped", "grouped"], 0),
        ("confirmed", "grouped", ["grouped", "grouped"], 0),
    ]
    was = await creation_desk.pool.fetchval("select change_id from alert where decision = 'corrected'")
    async with transaction(creation_desk.pool) as conn:
        assert [d.mail.changes for d in await deliveries(conn, DeliveryFilter(), 9)] == [2, 2]
        assert len(await alerts_of_change(conn, was)) == 2, "it is explained with what corrected it"
        account = await conn.fetchval("select account_id from change where change_id = $1", was)
        assert len(await recent_alerts(conn, [account], T0)) == 1, "and counts as one change of the account"


def counted(found: Iterable[Cohort]) -> list[tuple[str, tuple[int, int] | None]]:
    return [(c.name, c.order and (c.order.named_count, c.order.listed_posts)) for c in found]


async def test_posts_on_the_list_of_an_order_are_counted_apart_wherever_a_cohort_is_read(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two, three = await enlist(conn, X, ["1", "2", "3"], ("Farmers",))
        (other,) = await enlist(conn, X, ["4"], ("Press",))
        await turn_into_posts(conn, [two.account_id, three.account_id, other.account_id])
        order = NewOrder("R 1", "T", "MeitY", "IN", "69A", T0, None, None, None, 257, "Farmers", T0)
        await add_order(conn, order, T0)
        ids = [one.account_id, two.account_id, other.account_id]
        found = await cohorts_of(conn, ids)
        replayed = await account_facts(conn, ids)
        of_rule = await cohorts(conn, Match(), ids, T0)
    of_order = ("Farmers", (257, 2))
    assert [counted(found[i]) for i in ids] == [[of_order], [of_order], [("Press", None)]]
    assert [counted(d.cohort for d in replayed[i].cohorts) for i in ids] == [
        [of_order],
        [of_order],
        [("Press", None)],
    ]
    assert counted(of_rule) == [of_order, ("Press", None)]

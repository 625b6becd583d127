"""Who has an incident, and when it counts as resolved, on a real database and from real readings."""

import pytest

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
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
from storage.alerts.reminders import outstanding
from storage.alerts.threads import acknowledge
from storage.alerts.threads_report import count_open_stories
from storage.health.metrics import incidents
from storage.model.alerts.incidents import IncidentEdit, IncidentFault, IncidentWork
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.people import Role
from storage.people.people import disable
from storage.postgres.pool import Pool, Refused, transaction
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.people import a_person

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

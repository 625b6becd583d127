"""Readings that a clock dated a year ahead: they are set aside, and nothing that rests on them is claimed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from collectors.x.declaration import X
from jobs.base.clock import SimulatedClock, system_clock
from jobs.base.errors import CommandError
from jobs.config.settings import settings_from
from jobs.doctor.future_readings import set_aside_future, set_aside_readings
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.canaries import doubt
from storage.accounts.side_facts import observe, open_facts
from storage.changes.hash_chain import verify_chain
from storage.changes.rebuild import rebuild
from storage.changes.spells import lock
from storage.executives.signals import add_executive
from storage.health.collector_state import CollectorState, save_state
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Flag, State
from storage.model.core.side_facts import FactSighting
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, Refused, StorageError, transaction
from storage.postgres.recording_order import moment
from storage.readings.coverage import ensure_month
from tests.support.clients.api import states_at
from tests.support.clients.command_line import blockline, forget_settings
from tests.support.pipelines.late_batches import Desk, Record, Sent
from tests.support.pipelines.monitor import World
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes

YEAR = 365 * 24 * 60
TOLD = """
    select c.status, c.last_seen_old, c.first_seen_new, o.outcome from standing_change c
    left join change_outcome o using (change_id) join account a using (account_id)
    where a.native_id = '1' and c.kind <> 'baseline' and o.reason is distinct from 'set_aside'
    order by c.first_seen_new
"""


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


async def read(world: World, states: Sequence[tuple[float, State]]) -> None:
    """Read the accounts at these minutes, each time by a monitor that was just started."""
    for minute, state in states:
        world.platform.truth["1"] = state
        world.clock.set(minutes(minute))
        await (await world.start()).tick()


@pytest.mark.parametrize(
    ("before", "ahead", "after", "expected"),
    [
        pytest.param(
            [(0, AVAILABLE)],
            [(YEAR, AVAILABLE)],
            [(240, AVAILABLE)],
            [],
            id="what was as before changes nothing",
        ),
        pytest.param(
            [(0, AVAILABLE)],
            [(YEAR, WITHHELD_IN), (YEAR + 1, WITHHELD_IN)],
            [(240, WITHHELD_IN), (241, WITHHELD_IN)],
            [("withheld", minutes(0), minutes(240), "confirmed")],
            id="a change that was seen then is found again, between readings whose times are known",
        ),
        pytest.param(
            [(0, AVAILABLE)],
            [(YEAR, WITHHELD_IN), (YEAR + 1, WITHHELD_IN)],
            [(240, AVAILABLE)],
            [],
            id="a change that was seen then and is over is not told",
        ),
        pytest.param(
            [(0, AVAILABLE), (120, NOT_FOUND)],
            [(YEAR, NOT_FOUND), (YEAR + 60, NOT_FOUND), (YEAR + 120, NOT_FOUND)],
            [],
            [("not_found", minutes(0), minutes(120), None)],
            id="a change that was confirmed then is provisional again",
        ),
        pytest.param(
            [(0, AVAILABLE), (120, WITHHELD_IN)],
            [(YEAR, AVAILABLE)],
            [(240, WITHHELD_IN)],
            [("withheld", minutes(0), minutes(120), "confirmed")],
            id="a change that was refuted then is provisional again, and confirmed by the next reading",
        ),
        pytest.param(
            [], [(YEAR, AVAILABLE)], [(240, AVAILABLE)], [], id="of a first reading nothing is known"
        ),
    ],
)
async def test_what_a_clock_that_was_ahead_dated_is_set_aside(
    world: World,
    before: list[tuple[float, State]],
    ahead: list[tuple[float, State]],
    after: list[tuple[float, State]],
    expected: list[tuple[str, datetime, datetime, str | None]],
) -> None:
    await world.enlist(["1", "2"])
    await read(world, before)
    await read(world, ahead)
    world.clock.set(minutes(239))
    with pytest.raises(StorageError, match="blockline doctor --set-aside"):
        await world.start()
    stored = await counted(world, "coverage")
    report = await set_aside_future(world.pool, world.clock)
    assert (report.batches, report.first, report.last) == (
        await counted(world, "coverage_aside"),
        minutes(ahead[0][0]),
        minutes(ahead[-1][0]),
    )
    assert await counted(world, "coverage") == stored - report.batches
    await read(world, after)
    assert await world.rows(TOLD) == expected
    assert await world.rows("select count(*) from change where kind = 'baseline' and supersedes is null") == [
        (2 if before else 4,)
    ]
    async with transaction(world.pool) as conn:
        assert not (await rebuild(conn)).differs
        (entry,) = await acts(conn, 5)
    assert (entry.actor, entry.action, entry.at) == ("command line", "readings set aside", minutes(239))
    assert entry.detail["batches"] == report.batches


RECORDED = """
    select greatest(
        (select max(recorded_at) from standing_change),
        (select max(o.decided_at) from standing_change join change_outcome o using (change_id)),
        (select max(s.recorded_at) from standing_change join pending_step s using (change_id)),
        (select max(recorded_at) from coverage),
        (select max(greatest(lower(recorded), upper(recorded))) from spell)
    ) as at
"""


@pytest.mark.parametrize(
    "ahead", [[AVAILABLE, AVAILABLE], [WITHHELD_IN, WITHHELD_IN], [WITHHELD_IN, AVAILABLE]]
)
@pytest.mark.parametrize("before", [[], [(0.0, AVAILABLE)], [(0.0, AVAILABLE), (120.0, WITHHELD_IN)]])
async def test_what_is_recorded_afterwards_is_known_when_it_is_recorded(
    world: World, before: list[tuple[float, State]], ahead: list[State]
) -> None:
    """Nothing counts as known in a year because a row of that year was recorded before it."""
    await world.enlist(["1"])
    await read(world, before)
    await read(world, [(YEAR + 60 * n, state) for n, state in enumerate(ahead)])
    world.clock.set(minutes(239))
    await set_aside_future(world.pool, world.clock)
    await read(world, [(240, AVAILABLE), (241, AVAILABLE), (360, WITHHELD_IN), (361, WITHHELD_IN)])
    async with transaction(world.pool) as conn:
        known = [(await states_at(conn, known_at=minutes(at))).values() for at in (300, 361, YEAR * 2)]
        assert [one.state for (one,) in known] == [AVAILABLE, WITHHELD_IN, WITHHELD_IN]
        assert await conn.fetchval(RECORDED) < minutes(362)
        assert not (await rebuild(conn)).differs
        assert (await verify_chain(conn)).broken is None


async def test_what_was_only_recorded_by_that_clock_is_recorded_again(pool: Pool) -> None:
    """A late answer and somebody's record came in then. The times that they tell of are not of that clock."""
    desk, clock = Desk(pool), SimulatedClock(minutes(239))
    await desk.enlist("1", "2")
    for sent in (Sent(0, {"1": AVAILABLE, "2": AVAILABLE}), Sent(120, {"1": WITHHELD_IN, "2": WITHHELD_IN})):
        await desk.take(sent)
    desk.now = minutes(YEAR)
    for taken in (
        Sent(119, {"1": AVAILABLE}),
        Sent(121.5, {"2": AVAILABLE}),
        Record("theirs", "2", [(50, SUSPENDED)]),
    ):
        await desk.take(taken)
    truth = await desk.truth()
    assert (await set_aside_future(pool, clock)).as_json() == {
        "batches": 0,
        "first": None,
        "last": None,
        "corrected": 2,
    }
    assert await desk.truth() == truth
    assert (await set_aside_future(pool, clock)).corrected == 0
    await desk.take(Sent(240, {"1": WITHHELD_IN, "2": WITHHELD_IN}))
    assert await pool.fetchval(RECORDED) == minutes(240)
    async with transaction(pool) as conn:
        assert not (await rebuild(conn)).differs
        known = {i: one.state for i, one in (await states_at(conn, known_at=minutes(241))).items()}
    assert known == {desk.ids["1"]: WITHHELD_IN, desk.ids["2"]: AVAILABLE}


async def test_what_was_taken_back_by_that_clock_is_taken_back_when_it_is_set_right(pool: Pool) -> None:
    """A change that was confirmed before, and that a late answer of that time shows to be none."""
    desk = Desk(pool)
    await desk.enlist("1")
    for minute, state in (
        (0, AVAILABLE),
        (120, NOT_FOUND),
        (121, NOT_FOUND),
        (135, NOT_FOUND),
        (180, NOT_FOUND),
    ):
        await desk.take(Sent(minute, {"1": state}))
    desk.now = minutes(YEAR)
    await desk.take(Sent(130, {"1": AVAILABLE}))
    await set_aside_future(pool, SimulatedClock(minutes(239)))
    async with transaction(pool) as conn:
        for known_at, state in ((238, NOT_FOUND), (240, AVAILABLE), (YEAR * 2, AVAILABLE)):
            (one,) = (await states_at(conn, known_at=minutes(known_at))).values()
            assert one.state == state
        assert not (await rebuild(conn)).differs


async def test_what_waited_for_the_time_of_that_clock_waits_no_more(world: World) -> None:
    await world.enlist(["1"])
    await read(world, [(0, AVAILABLE), (120, WITHHELD_IN)])
    async with transaction(world.pool) as conn:
        await add_executive(conn, X, "99", "chief", "Ada Chief", "", minutes(0))
        await conn.execute("update executive set last_polled_at = $1", minutes(YEAR))
        await conn.execute("update pending_change set next_read_at = $1", minutes(YEAR))
        down = CollectorState(X, False, "network", "", minutes(YEAR), minutes(YEAR + 15), "there")
        await save_state(conn, down)
        await save_state(conn, replace(down, since=minutes(100), retry_at=minutes(300), place="here"))
        await ensure_month(conn, minutes(YEAR).date())
        await conn.execute(
            """
            insert into coverage_row (slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome)
            select $1, $1, $1, min(roster_id), 0, 0, 1 from roster
            """,
            minutes(YEAR),
        )
        ((control,),) = await conn.fetch("select min(account_id) from canary")
        await doubt(conn, control, minutes(YEAR))
    world.clock.set(minutes(200))
    assert (await set_aside_future(world.pool, world.clock)).batches
    assert await world.rows("select next_read_at from pending_change") == [(minutes(200),)]
    assert await world.rows("select from canary where doubts > 0 or doubted_since is not null") == []
    assert await world.rows("select place from collector_state") == [("here",)]
    assert await world.rows("select last_polled_at from executive") == [(None,)]


async def test_who_was_told_of_a_change_that_is_taken_back_is_told_so_at_once(world: World) -> None:
    await tell_by(world.pool, AlertRule(("desk@example.org",)))
    await world.enlist(["1"])
    await read(world, [(0, AVAILABLE), (YEAR, WITHHELD_IN), (YEAR + 1, WITHHELD_IN)])
    await decide_alerts(world.pool, minutes(YEAR + 30), Letterhead())
    world.clock.set(minutes(239))
    await set_aside_future(world.pool, world.clock)
    assert await world.rows("select created_at from alert where stage = 'withdrawn'") == [(minutes(239),)]


async def test_who_was_sent_emails_by_that_clock_gets_the_next_ones_when_they_are_due(world: World) -> None:
    await tell_by(world.pool, AlertRule(("desk@example.org",)))
    await world.enlist(["1", "2"], ("Desk",))
    await read(world, [(0, AVAILABLE), (YEAR, WITHHELD_IN), (YEAR + 1, WITHHELD_IN)])
    await decide_alerts(world.pool, minutes(YEAR + 30), Letterhead())
    world.clock.set(minutes(239))
    await set_aside_future(world.pool, world.clock)
    await read(world, [(240, WITHHELD_IN), (241, WITHHELD_IN)])
    await decide_alerts(world.pool, minutes(300), Letterhead())
    subjects = [str(subject) for (subject,) in await world.rows("select subject from mail order by mail_id")]
    block, taken_back, block_again = subjects
    assert block == block_again.removeprefix("Update: ") == "@h1 withheld in India (IN) - list Desk"
    assert taken_back.startswith("Taken back: "), subjects
    assert await world.rows("select max(next_attempt_at) <= '2021-02-01 05:00Z' from mail") == [(True,)]


async def test_side_facts_are_as_they_were_last_seen_before(world: World) -> None:
    """One that ended then lasts, one that began then is gone, and the next look counts."""
    await world.enlist(["1"])
    account_id = AccountId(await world.pool.fetchval("select account_id from account where native_id = '1'"))

    async def look(*kinds: Flag, at: float) -> None:
        seen = frozenset((kind, "") for kind in kinds)
        async with transaction(world.pool) as conn:
            await observe(conn, "", [FactSighting(account_id, seen, minutes(at - 1), minutes(at))])

    await look(Flag.LIMITED, at=10)
    await world.pool.execute("update fact set recorded_at = $1", minutes(YEAR))
    await read(world, [(0, AVAILABLE), (YEAR, AVAILABLE)])
    await look(Flag.COPYRIGHT_WITHHELD, at=YEAR)
    world.clock.set(minutes(239))
    await set_aside_future(world.pool, world.clock)
    async with transaction(world.pool) as conn:
        assert await open_facts(conn, X) == {account_id: {(Flag.LIMITED, "")}}
        assert await conn.fetchval("select recorded_at from fact") == minutes(239)
    await look(at=240)
    async with transaction(world.pool) as conn:
        assert await open_facts(conn, X) == {}


async def test_who_was_put_on_the_watch_or_a_list_by_that_clock_is_there_from_now_on(world: World) -> None:
    await world.enlist(["1"])
    await read(world, [(0, AVAILABLE)])
    async with transaction(world.pool) as conn:
        await add_accounts(conn, [NewAccount(X, i, f"h{i}", ("Desk",)) for i in "12"], minutes(YEAR))
    await read(world, [(YEAR, AVAILABLE)])
    async with transaction(world.pool) as conn:
        await stop_watching(conn, X, "1", minutes(YEAR + 5))
    world.clock.set(minutes(239))
    await set_aside_future(world.pool, world.clock)
    now = minutes(239)
    assert await world.rows("select since, until from watch_period order by since") == [
        (T0, now),
        (now, None),
    ]
    assert await world.rows("select added_at, removed_at from membership") == [(now, None)] * 2


async def test_countries_that_answers_speak_of_since_then_are_spoken_of_from_now_on(world: World) -> None:
    """Else a withholding in a country of a new labeler would not be told for a year."""
    await world.enlist(["1"])
    world.platform.spoken_of = frozenset({"DE"})
    await read(world, [(0, AVAILABLE)])
    world.platform.spoken_of = frozenset({"DE", "IN"})
    await read(world, [(YEAR, AVAILABLE)])
    world.clock.set(minutes(239))
    await set_aside_future(world.pool, world.clock)
    await read(world, [(240, AVAILABLE), (360, WITHHELD_IN), (361, WITHHELD_IN)])
    assert await world.rows(TOLD) == [("withheld", minutes(240), minutes(360), "confirmed")]


async def test_a_monitor_that_records_meanwhile_comes_first_and_is_not_undone(world: World) -> None:
    """It holds accounts and then takes the turn of recording: so does the doctor, in this order."""
    await world.enlist(["1"])
    await read(world, [(0, AVAILABLE), (YEAR, WITHHELD_IN)])
    world.clock.set(minutes(239))
    async with asyncio.TaskGroup() as group, transaction(world.pool) as conn:
        await lock(conn, await conn.fetchval("select array_agg(account_id) from account"))
        setting_aside = group.create_task(set_aside_future(world.pool, world.clock))
        waits = """
            select count(*) = 1 from pg_locks
            where not granted
                and database = (select oid from pg_database where datname = current_database())
        """
        while not await conn.fetchval(waits):  # noqa: ASYNC110 - it is the server that counts
            await asyncio.sleep(0.01)
        await moment(conn, world.clock)
    assert setting_aside.result().batches == 1


async def test_a_second_time_nothing_is_left_to_do(world: World) -> None:
    await world.enlist(["1"])
    await read(world, [(0, AVAILABLE), (YEAR, AVAILABLE)])
    world.clock.set(minutes(239))
    first, second = [await set_aside_future(world.pool, world.clock) for _ in range(2)]
    assert first.sentence == (
        "This clock shows 2021-02-01 03:59 UTC. 1 request dated 2022-02-01 00:00 UTC to 2022-02-01 00:00 "
        "UTC was set aside. No change was corrected."
    )
    assert second.sentence == (
        "This clock shows 2021-02-01 03:59 UTC. No reading is dated later. No change was corrected."
    )
    assert await world.rows("select count(*) from audit_log where action = 'readings set aside'") == [(1,)]


async def test_what_is_set_aside_is_kept_as_it_was_recorded(world: World) -> None:
    await world.enlist(["1"])
    await read(world, [(0, AVAILABLE), (YEAR, AVAILABLE)])
    columns = "slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, lacked::text"
    before = await world.rows(f"select {columns} from coverage_row where observed_at > '2022-01-01Z'")  # noqa: S608
    world.clock.set(minutes(239))
    await set_aside_future(world.pool, world.clock)
    assert await world.rows(f"select {columns} from coverage_aside") == before  # noqa: S608
    with pytest.raises(Refused, match="append-only"):
        await world.rows("delete from coverage_aside returning 1")


def test_the_command_says_what_it_did_and_takes_no_other_task_with_it(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    run = blockline(capsys)
    assert "No reading is dated later." in run("doctor", "--set-aside").said[0]
    assert run("doctor", "--set-aside", "--json").json == {
        "batches": 0,
        "first": None,
        "last": None,
        "corrected": 0,
    }
    ran = run("doctor", "--set-aside", "--rebuild")
    assert (ran.code, ran.complaints) == (1, ["Give one of --rebuild, --set-aside and --email."])


async def test_a_clock_that_is_not_that_of_the_database_sets_nothing_aside(dsn: str, pool: Pool) -> None:
    settings = settings_from({"database_url": dsn})
    with pytest.raises(CommandError, match=r"Nothing was set aside\. The database .* this machine"):
        await set_aside_readings(settings, dsn, lambda: system_clock() - timedelta(days=1))


async def counted(world: World, table: str) -> int:
    ((n,),) = await world.rows(f"select count(*) from {table}")  # noqa: S608
    assert isinstance(n, int)
    return n

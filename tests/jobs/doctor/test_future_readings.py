"""Readings that a clock dated a year ahead: they are set aside, and nothing that rests on them is claimed."""

from collections.abc import Sequence
from datetime import timedelta
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
from storage.changes.rebuild import rebuild
from storage.model.alerts.rules import AlertRule
from storage.model.core.availability import State
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import states_at
from tests.support.clients.command_line import blockline, forget_settings
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.pipelines.monitor import World
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, T0, WITHHELD_IN, minutes

YEAR = 365 * 24 * 60


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


async def read(world: World, states: Sequence[tuple[float, State]]) -> None:
    """Read the accounts at these minutes, each time by a monitor that was just started."""
    for minute, state in states:
        world.platform.truth["1"] = state
        world.clock.set(minutes(minute))
        await (await world.start()).tick()


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


async def test_who_was_told_of_a_change_that_is_taken_back_is_told_so_at_once(world: World) -> None:
    await tell_by(world.pool, AlertRule(("desk@example.org",)))
    await world.enlist(["1"])
    await read(world, [(0, AVAILABLE), (YEAR, WITHHELD_IN), (YEAR + 1, WITHHELD_IN)])
    await decide_alerts(world.pool, minutes(YEAR + 30), Letterhead())
    world.clock.set(minutes(239))
    await set_aside_future(world.pool, world.clock)
    assert await world.rows("select created_at from alert where stage = 'withdrawn'") == [(minutes(239),)]


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

"""The time of commands: that of a running demonstration on its data, and on all other data the machine's."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.x.declaration import X
from collectors.x.scenario.india import scenario
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.config.demonstration import CLOCK_VARIABLE, command_clock, write_clock
from jobs.rehearsal import demo
from storage.postgres.installation import mark_synthetic
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.clients.command_line import Ran, console
from tests.support.seeds.changes import batch, enlist, read, roster_of

AT = datetime(2021, 2, 1, 12, 30, tzinfo=UTC)
CAUSE = ("court ruling", "--account", "1", "--said-by", "owner", "--source", "a letter", "--on", "2021-01-05")


def unheard(_at: datetime, _tally: demo.MonitorCounts) -> None:
    """Nobody watches the progress."""


@pytest.mark.slow
async def test_what_a_command_records_in_a_running_demonstration_is_known_at_its_time(
    dsn: str, tmp_path: Path
) -> None:
    start = scenario().start
    called_at = start + timedelta(minutes=40)
    ran: list[Ran] = []

    async def before(at: datetime) -> None:
        if at >= called_at and not ran:
            environ = {"BLOCKLINE_DATABASE_URL": dsn, CLOCK_VARIABLE: str(demo.clock_of(tmp_path))}
            ran.append(await asyncio.to_thread(console, "causes", "add", *CAUSE, **environ))

    played = replace(scenario(), end=start + timedelta(hours=2))
    await demo.play(dsn, tmp_path, played, dashboard_url=None, before=before, after=unheard)

    assert [(one.code, one.out) for one in ran] == [(0, "Recorded as cause 1.\n")], ran
    async with open_pool(dsn, max_size=1) as pool:
        recorded_at = await pool.fetchval("select recorded_at from cause")
        next_at = await pool.fetchval("select next_at from recording_order")
    assert called_at - timedelta(minutes=30) <= recorded_at <= called_at + timedelta(minutes=15)
    assert recorded_at <= next_at <= played.end, "what it sees later is not late"


def test_the_clock_of_a_demonstration_is_that_of_its_last_event(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    for at in (AT, AT + timedelta(minutes=15)):
        write_clock(file, at)
        assert command_clock({CLOCK_VARIABLE: str(file)}) == at
    assert [one.name for one in tmp_path.iterdir()] == ["clock"]


@pytest.mark.parametrize(
    "environ", [pytest.param({}, id="not set"), pytest.param({CLOCK_VARIABLE: ""}, id="set to nothing")]
)
def test_without_a_demonstration_a_command_has_the_time_of_the_machine(environ: Mapping[str, str]) -> None:
    before = system_clock()
    assert before <= command_clock(environ) <= system_clock()


@pytest.mark.parametrize(
    "content", [pytest.param(None, id="it has ended"), pytest.param("today", id="no clock")]
)
def test_a_clock_that_no_demonstration_writes_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "clock"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError, match="no running demonstration writes"):
        command_clock({CLOCK_VARIABLE: str(file)})


async def test_an_installation_refuses_the_clock_of_a_demonstration(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    write_clock(tmp_path / "clock", AT)
    environ = {"BLOCKLINE_DATABASE_URL": dsn, CLOCK_VARIABLE: str(tmp_path / "clock")}
    refused = await asyncio.to_thread(console, "lists", "add", "Desk", **environ)
    monitor = await asyncio.to_thread(console, "run", **environ)
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from watch_list") == 0
        await mark_synthetic(conn)
    taken = await asyncio.to_thread(console, "lists", "add", "Desk", **environ)
    async with transaction(pool) as conn:
        created_at = await conn.fetchval("select created_at from watch_list")

    assert refused.code == 1
    assert refused.err == (
        f"{CLOCK_VARIABLE} is set, but the database is not that of a demonstration. Unset it, or set "
        "database_url as `blockline demo` prints it.\n"
    )
    assert (monitor.code, monitor.err) == (
        1,
        f"{CLOCK_VARIABLE} is set: a monitor cannot run on a demonstration. Unset it.\n",
    )
    assert (taken.code, created_at) == (0, AT), taken


async def test_doctor_goes_by_the_time_of_the_demonstration(pool: Pool, dsn: str, tmp_path: Path) -> None:
    write_clock(tmp_path / "clock", AT)
    environ = {"BLOCKLINE_DATABASE_URL": dsn, CLOCK_VARIABLE: str(tmp_path / "clock")}
    refused = await asyncio.to_thread(console, "doctor", **environ)
    async with transaction(pool) as conn:
        await mark_synthetic(conn)
        roster = await roster_of(conn, await enlist(conn, X, ["1"]))
        await read(conn, batch(roster, AT - timedelta(minutes=5)))
    ran = await asyncio.to_thread(console, "doctor", **environ)

    assert "the database is not that of a demonstration" in refused.err
    assert "The newest reading is of 2021-02-01 12:25:00 UTC, 5 min ago." in ran.out, ran

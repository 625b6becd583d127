"""The time of commands: that of a running demonstration on its data, and on all other data the machine's."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.x.scenario.india import scenario
from jobs.base.errors import CommandError
from jobs.config.demonstration import CLOCK_VARIABLE, command_clock, write_clock
from jobs.rehearsal import demo
from storage.postgres.pool import open_pool
from tests.support.clients.command_line import Ran, console

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
    "content", [pytest.param(None, id="it has ended"), pytest.param("today", id="no clock")]
)
def test_a_clock_that_no_demonstration_writes_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "clock"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError, match="no running demonstration writes"):
        command_clock({CLOCK_VARIABLE: str(file)})

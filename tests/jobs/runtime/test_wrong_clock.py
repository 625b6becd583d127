"""A machine whose clock is set while it works reads nothing while it is off, and dates nothing wrongly.

The tests marked `long` guard `jobs/runtime` and `jobs/base/clock.py`.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from jobs.base.clock import system_clock
from jobs.dispatch.worker import AT_ONCE
from jobs.runtime.app import ProcessRole, running
from jobs.selfmonitoring.watchdog import tick
from jobs.status.workers import machine_lines
from storage.health.condition_facts import Thresholds
from storage.health.workers_report import machines
from storage.postgres.pool import Pool, transaction
from tests.jobs.runtime.test_app import settings
from tests.jobs.selfmonitoring.test_watchdog import HEAD
from tests.support.clients.page_walker import said
from tests.support.processes.worker_fleet import asked, many_accounts, until, watch_many
from tests.support.servers.dashboard import SETTINGS, page_of
from tests.support.simulated.scripted_x import counted, far_x

pytestmark = pytest.mark.slow

ACCOUNTS = 1_000
EVERY = timedelta(seconds=1)
UNDER_WAY = 2 * AT_ONCE
"""Requests that a machine may have begun by then, at most."""
SOME, DAY = timedelta(seconds=30), timedelta(days=1)
WRONG = "select count(*) from worker where abs(extract(epoch from clock_off)) > 1"
HEARD = "select bool_and(seen_at - clock_off > $1) from worker"
DATED_WRONGLY = """
    select count(*) from coverage
    -- the slot of a turn begins before it
    where least(observed_at, slot) < $1 or greatest(observed_at, slot) > clock_timestamp()
"""
TOLD = "select sentence like 'The clock of % is wrong, so it reads nothing' from operator_condition"
FAILED = "select count(*) from coverage where outcome <> 0"


class Wound:
    """The clock of a machine, which somebody sets."""

    def __init__(self) -> None:
        self.off = timedelta(0)

    def __call__(self) -> datetime:
        return system_clock() + self.off


class Machine:
    """A process that reads, by a clock and a token of its own."""

    def __init__(self, x: str, token: str) -> None:
        self.clock = Wound()
        self._x = x
        self._token = token

    async def requests(self) -> int:
        return (await counted(self._x))["tokens"].get(self._token, 0)

    async def makes(self, more: int) -> None:
        """Wait until it has made so many more requests."""
        wanted = await self.requests() + more
        while await self.requests() < wanted:  # noqa: ASYNC110 - it is another process that counts
            await asyncio.sleep(0.05)


@asynccontextmanager
async def machine(
    dsn: str, x: str, folder: Path, token: str, off: timedelta = timedelta(0)
) -> AsyncGenerator[Machine]:
    """One that works until the block ends; at first its clock is `off`."""
    one = Machine(x, token)
    one.clock.off = off
    own = {"sweep_every": EVERY, "x_bearer_token": SecretStr(token)}
    async with running(
        settings(dsn, x, folder).model_copy(update=own), dsn, [ProcessRole.COLLECT], one.clock
    ):
        yield one


@pytest.fixture
async def x(tmp_path: Path) -> AsyncGenerator[str]:
    async with far_x(many_accounts(tmp_path / "history.csv", ACCOUNTS), 0.1) as address:
        yield address


async def asked_since(pool: Pool, query: str, at: datetime) -> object:
    async with transaction(pool) as conn:
        return await conn.fetchval(query, at)


async def heard_again(pool: Pool) -> None:
    """Wait until every machine has reported itself once more."""
    now = system_clock()
    while not await asked_since(pool, HEARD, now):  # noqa: ASYNC110 - the database is another process
        await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.parametrize(
    ("which", "off"),
    [
        pytest.param(0, SOME, id="it plans, forward"),
        pytest.param(0, -SOME, id="it plans, backward"),
        pytest.param(0, DAY, id="it plans, a day forward"),
        pytest.param(1, SOME, id="another plans, forward"),
        pytest.param(1, -SOME, id="another plans, backward"),
    ],
)
async def test_while_its_clock_is_off_a_machine_reads_nothing_and_others_read(
    pool: Pool, dsn: str, tmp_path: Path, x: str, which: int, off: timedelta
) -> None:
    began = system_clock() - EVERY
    async with machine(dsn, x, tmp_path, "one") as first, machine(dsn, x, tmp_path, "two") as second:
        await until(pool, "select count(*) from worker", 2)
        await watch_many(pool, ACCOUNTS)
        await first.makes(2)
        await second.makes(2)
        wrong, right = (first, second) if which == 0 else (second, first)
        wrong.clock.off = off
        await until(pool, WRONG, 1)
        before = await wrong.requests()
        await right.makes(2 * UNDER_WAY)
        assert await wrong.requests() <= before + UNDER_WAY
        assert await asked_since(pool, DATED_WRONGLY, began) == 0
        await tick(pool, system_clock(), HEAD, Thresholds(EVERY))
        assert await asked(pool, TOLD)
        wrong.clock.off = timedelta(0)
        await wrong.makes(2)
    assert await asked_since(pool, DATED_WRONGLY, began) == 0
    assert await asked(pool, FAILED) == 0


@pytest.mark.again
@pytest.mark.parametrize(
    "off",
    [
        pytest.param(SOME, id="forward"),
        pytest.param(-SOME, id="backward", marks=pytest.mark.long),
        pytest.param(DAY, id="a day forward", marks=pytest.mark.long),
    ],
)
async def test_one_that_is_alone_reads_nothing_says_so_and_goes_on_when_its_clock_is_right(
    pool: Pool, dsn: str, tmp_path: Path, x: str, off: timedelta
) -> None:
    began = system_clock() - EVERY
    async with machine(dsn, x, tmp_path, "one") as alone:
        await watch_many(pool, ACCOUNTS)
        await alone.makes(2)
        alone.clock.off = off
        await until(pool, WRONG, 1)
        before = await alone.requests()
        await heard_again(pool)
        assert await alone.requests() <= before + UNDER_WAY
        assert await asked_since(pool, DATED_WRONGLY, began) == 0
        now = system_clock()
        await tick(pool, now, HEAD, Thresholds(EVERY))
        assert await asked(pool, TOLD)
        async with transaction(pool) as conn:
            (line,) = machine_lines(await machines(conn, now), now)
            page = said(await page_of(conn, "/health", now, SETTINGS, "light"))
        assert line[1].startswith("1 Failing")
        assert "is wrong, so it reads nothing" in page
        alone.clock.off = timedelta(0)
        await alone.makes(2)
    assert await asked_since(pool, DATED_WRONGLY, began) == 0
    assert await asked(pool, FAILED) == 0


@pytest.mark.long
async def test_one_that_starts_by_a_wrong_clock_reads_nothing_until_it_is_right(
    pool: Pool, dsn: str, tmp_path: Path, x: str
) -> None:
    began = system_clock() - EVERY
    await watch_many(pool, ACCOUNTS)
    async with machine(dsn, x, tmp_path, "one", off=DAY) as alone:
        await until(pool, WRONG, 1)
        await heard_again(pool)
        assert await alone.requests() == 0
        alone.clock.off = timedelta(0)
        await alone.makes(2)
    assert await asked_since(pool, DATED_WRONGLY, began) == 0

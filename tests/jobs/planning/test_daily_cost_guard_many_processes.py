"""A ceiling of account-days that several processes keep together, though those that plan are killed."""

import asyncio
import signal
from pathlib import Path

import pytest

from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.planning.daily_bill import billing_day
from storage.accounts.accounts import NewAccount, add_accounts
from storage.postgres.pool import Pool, transaction
from tests.support.processes.worker_fleet import FROM, Fleet, fleet, many_accounts, until
from tests.support.simulated.slow_x import counted, far_x

pytestmark = pytest.mark.slow

ACCOUNTS = 4_000
LISTED = 600
MOST = 300
NEARLY_ALL = "select count(*) > 200 from account_day"
SETTINGS = f"""planner = "adaptive"
        x_daily_cost = "{MOST // 100}"
"""


async def watch_with_a_promise(pool: Pool) -> None:
    """Everybody, and some of them on a list that is promised more than the ceiling pays for."""
    everybody = [
        NewAccount(X, str(10_000 + n), f"handle_{n}", ("order 1",) if n < LISTED else ())
        for n in range(ACCOUNTS)
    ]
    async with transaction(pool) as conn:
        await add_accounts(conn, everybody, FROM)
        await conn.execute("update watch_list set read_every = interval '1 minute'")


async def kill_who_plans(pool: Pool, processes: Fleet) -> None:
    number = await processes.plans(pool)
    processes.end(number, signal.SIGKILL)
    await processes.processes[number].wait()


@pytest.mark.skipif(billing_day(system_clock()) is None, reason="near midnight UTC nothing is asked")
async def test_of_three_the_two_that_plan_are_killed_and_no_more_accounts_are_asked_for(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    told = many_accounts(tmp_path / "history.csv", ACCOUNTS)
    async with (
        far_x(told, 0.5) as x,
        fleet(pool, dsn, x, tmp_path, ["simulated"] * 3, "1m", SETTINGS) as three,
    ):
        await watch_with_a_promise(pool)
        await until(pool, "select count(*) > 0 from coverage_row", True)
        await kill_who_plans(pool, three)
        await until(pool, "select waiting > 0 from account_ceiling", True)
        await kill_who_plans(pool, three)
        await three.plans(pool)
        # Until nearly all of the day is charged: from there on only the limit holds anybody back.
        await until(pool, NEARLY_ALL, True)
        so_far = (await counted(x))["users"]["requests"]
        while (await counted(x))["users"]["requests"] < so_far + 4:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.05)
        (billed,) = (await counted(x))["account_days"].values()
        charged = await pool.fetchval("select count(*) from account_day")
    # Some were charged by a process that was killed before it asked for them.
    assert billed <= charged <= MOST

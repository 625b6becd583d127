"""Many machines: what one process plans, any of them may ask, and each answer is recorded once.

The tests marked `long` guard `jobs/dispatch` and `storage/work`.
"""

import signal
from pathlib import Path

import pytest

from collectors.x.declaration import X
from storage.postgres.pool import Pool, transaction
from storage.work.shards import put_in_force, want_shards
from tests.support.processes.worker_fleet import asked, fleet, many_accounts, said, until, watch_many
from tests.support.simulated.scripted_x import counted, far_x

pytestmark = pytest.mark.slow

ACCOUNTS = 6_000
LIMIT = 50
"""Requests in a window: fewer than it takes to read everybody."""
SOME_ANSWERED = "select count(*) >= 10 from coverage_row where outcome = 0"
TWICE = """
    select count(*) from (
        select from coverage_row join roster using (roster_id) where base and outcome = 0
        group by roster_id, slot having count(*) > 1
    ) twice
"""
"""Rosters of which one turn was recorded more than once, as attempts of different numbers."""
MISSED = """
    select string_agg(format('%s accounts: %s', cardinality(r.account_ids), c), chr(10))
    from coverage_row c join roster r using (roster_id) where c.outcome <> 0
"""
"""What was missed, and why."""
OTHERS = """
    from pg_stat_activity where datname = current_database() and application_name like 'blockline %'
        and application_name <> current_setting('application_name')
"""
UNREAD = """
    select count(*) from account a where a.watched and not exists (
        select from roster r join coverage_row c using (roster_id)
        where a.account_id = any(r.account_ids) and c.outcome = 0
    )
"""
ON_ITS_WAY = "select (select count(*) from pgqueuer) + (select count(*) from answered)"


async def rosters(pool: Pool) -> int:
    count = await asked(pool, "select count(*) from roster where base and retired_at is null")
    assert isinstance(count, int)
    return count


@pytest.mark.again
@pytest.mark.parametrize(
    "killed",
    [
        pytest.param((0, 1), id="the one that plans is among them"),
        pytest.param((1, 2), id="it is not", marks=pytest.mark.long),
    ],
)
async def test_two_of_four_processes_are_killed_and_every_account_is_read_once(
    pool: Pool, dsn: str, tmp_path: Path, killed: tuple[int, int]
) -> None:
    told = many_accounts(tmp_path / "history.csv", ACCOUNTS)
    async with far_x(told, 0.4) as x, fleet(pool, dsn, x, tmp_path, ["simulated"] * 4) as four:
        await watch_many(pool, ACCOUNTS)
        await until(pool, SOME_ANSWERED, True)
        for number in killed:
            four.end(number, signal.SIGKILL)
        await until(pool, UNREAD, 0)
        await until(pool, ON_ITS_WAY, 0)
        requests = (await counted(x))["users"]["requests"]
    assert await asked(pool, TWICE) == 0
    # Each of those who were killed had eight requests in hand at most, and they are made once more.
    assert await rosters(pool) <= requests <= await rosters(pool) + 2 * 8 + 2
    assert await asked(pool, MISSED) is None


@pytest.mark.long
async def test_four_that_share_a_token_and_two_shards_ask_no_more_than_it_allows_though_two_are_killed(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    told = many_accounts(tmp_path / "history.csv", ACCOUNTS)
    async with transaction(pool) as conn:
        await want_shards(conn, X, 2)
        await put_in_force(conn, X)
    async with (
        far_x(told, 0.2, limit=LIMIT) as x,
        fleet(pool, dsn, x, tmp_path, ["simulated"] * 4) as four,
    ):
        await watch_many(pool, ACCOUNTS)
        await until(pool, SOME_ANSWERED, True)
        for number in (0, 2):
            four.end(number, signal.SIGKILL)
        # What the dead were given and did not use is lost to this window.
        await until(pool, "select reason from collector_state where not healthy", "rate_limited")
        users = (await counted(x))["users"]
    assert users["refused"] == 0
    assert LIMIT - 2 * 8 <= users["requests"] <= LIMIT
    assert await asked(pool, TWICE) == 0
    assert await asked(pool, MISSED) is None


async def test_one_that_is_told_to_end_finishes_what_it_has_in_hand(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    told = many_accounts(tmp_path / "history.csv", ACCOUNTS)
    async with far_x(told, 0.4) as x, fleet(pool, dsn, x, tmp_path, ["simulated"] * 2) as two:
        await watch_many(pool, ACCOUNTS)
        await until(pool, SOME_ANSWERED, True)
        two.end(1, signal.SIGTERM)
        assert await two.processes[1].wait() == 0
        assert await asked(pool, "select count(*) from worker") == 1
        await until(pool, UNREAD, 0)
        requests = (await counted(x))["users"]["requests"]
    assert requests == await rosters(pool)


@pytest.mark.again
@pytest.mark.parametrize(
    "which",
    [
        pytest.param("true", id="all connections", marks=pytest.mark.long),
        pytest.param("query like '%pgqueuer%'", id="those that take requests", marks=pytest.mark.long),
    ],
)
async def test_processes_that_lose_connections_to_the_database_read_on(
    pool: Pool, dsn: str, tmp_path: Path, which: str
) -> None:
    told = many_accounts(tmp_path / "history.csv", ACCOUNTS)
    async with far_x(told, 0.4) as x, fleet(pool, dsn, x, tmp_path, ["simulated"] * 2) as two:
        await until(pool, f"select count(*) {OTHERS} and query like '%pgqueuer%'", 2)
        await asked(pool, f"select count(pg_terminate_backend(pid)) {OTHERS} and {which}")
        for machine in two.folders:
            await said(machine, "Requests from the queue failed")
            await said(machine, "Requests from the queue recovered")
        await watch_many(pool, ACCOUNTS)
        await until(pool, UNREAD, 0)
    assert await asked(pool, "select count(*) > 0 from pgqueuer_log where status = 'successful'")
    assert await asked(pool, TWICE) == 0

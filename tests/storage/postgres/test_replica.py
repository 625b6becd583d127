"""Long reads on a real streaming replica: the same answers as on the primary, or those of the primary."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from storage.postgres.pool import Pool, StorageError, connect, open_pool, transaction
from storage.postgres.replica import Replica, replica_of, snapshot, with_replica
from tests.conftest import roomy_memory
from tests.support.servers.ports import closed_port, free_port
from tests.support.servers.postgres import Postgres, started

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder() -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-replica-", dir=roomy_memory()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def servers(folder: Path) -> Generator[tuple[Postgres, Postgres]]:
    """A primary with a table of numbers, and its replica."""
    with asyncio.Runner() as runner:
        stack = started(folder / "primary", free_port())
        primary = runner.run(stack.__aenter__())
        replica = runner.run(copy_of(primary, folder / "replica"))
        runner.run(query(primary, "create table number (n int)"))
        try:
            yield primary, replica
        finally:
            runner.run(replica.stop("immediate"))
            runner.run(stack.__aexit__(None, None, None))


async def copy_of(primary: Postgres, data: Path) -> Postgres:
    replica = Postgres(data, free_port())
    await primary.copy_to(replica, "-R")
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write("max_standby_streaming_delay = 0\n")
    await replica.start()
    return replica


async def query(server: Postgres, *statements: str) -> None:
    conn = await connect(server.dsn)
    for one in statements:
        await conn.execute(one)
    await conn.close()


@asynccontextmanager
async def reading(primary: str, replica: str, pause_s: float = 30) -> AsyncGenerator[tuple[Pool, Replica]]:
    async with open_pool(primary) as pool, with_replica(pool, replica, pause_s):
        found = replica_of(pool)
        assert found is not None
        yield pool, found


async def read(pool: Pool) -> tuple[int, bool]:
    """How many numbers there are, and whether the replica said so."""
    async with snapshot(pool) as conn:
        row = await conn.fetchrow("select (select count(*) from number), pg_is_in_recovery()")
    assert row is not None
    return row[0], row[1]


async def test_what_was_committed_before_a_read_is_in_it_on_the_replica(
    servers: tuple[Postgres, Postgres],
) -> None:
    async with reading(servers[0].dsn, servers[1].dsn) as (pool, replica):
        before, _ = await read(pool)
        for n in range(1, 51):
            async with transaction(pool) as conn:
                await conn.execute("insert into number values ($1)", n)
            assert await read(pool) == (before + n, True)
        assert replica.state is not None
        assert (replica.state.trouble, replica.state.since) == (None, None)


async def test_a_replica_that_lags_is_not_read_until_it_has_caught_up(
    servers: tuple[Postgres, Postgres],
) -> None:
    async with reading(servers[0].dsn, servers[1].dsn, pause_s=0) as (pool, replica):
        await query(servers[1], "select pg_wal_replay_pause()")
        async with transaction(pool) as conn:
            await conn.execute("insert into number select generate_series(1, 20000)")
        many, is_replica = await read(pool)
        assert not is_replica
        assert replica.state is not None
        assert replica.state.trouble is not None
        assert replica.state.trouble.endswith("MB of WAL behind the primary.")
        began = replica.state.since
        await query(servers[1], "select pg_wal_replay_resume()")
        assert await read(pool) == (many, True)
        assert began is not None
        assert replica.state is not None
        assert replica.state.at is not None
        assert replica.state.at > began
        assert replica.state.trouble is None


async def test_a_replica_that_cannot_be_used_is_left_alone_for_a_while(
    servers: tuple[Postgres, Postgres],
) -> None:
    async with reading(servers[0].dsn, f"postgresql://u:geheim@127.0.0.1:{closed_port()}/x") as (
        pool,
        replica,
    ):
        _, is_replica = await read(pool)
        first = replica.state
        assert not is_replica
        assert first is not None
        assert first.trouble is not None
        assert first.trouble.endswith("(setting database_read_url): no server listens there.")
        assert "geheim" not in first.trouble
        await read(pool)
        assert replica.state is first


async def test_a_replica_that_does_not_answer_holds_nobody_up(servers: tuple[Postgres, Postgres]) -> None:
    primary, replica = servers
    async with reading(primary.dsn, replica.dsn) as (pool, found):
        assert (await read(pool))[1]  # a connection is open
        replica.send(signal.SIGSTOP)
        try:
            assert not (await read(pool))[1]
        finally:
            replica.send(signal.SIGCONT)
        assert found.state is not None
        assert found.state.trouble == "The replica does not answer in time."


async def test_a_query_that_the_replica_ends_says_so_and_the_next_reads_the_primary(
    servers: tuple[Postgres, Postgres],
) -> None:
    async with reading(servers[0].dsn, servers[1].dsn) as (pool, replica):
        async with transaction(pool) as conn:
            await conn.execute("insert into number select generate_series(1, 1000)")
        async with asyncio.TaskGroup() as meanwhile:
            with pytest.raises(
                StorageError,
                match=r"conflict with recovery\. Try again\.",
            ):
                await long_read(pool, meanwhile, servers[0])
        assert await read(pool) == (0, False)
        assert replica.state is not None
        assert replica.state.trouble == "The replica canceled a query because of a conflict with recovery."


async def long_read(pool: Pool, meanwhile: asyncio.TaskGroup, primary: Postgres) -> None:
    """Read for a minute what is removed meanwhile."""
    async with snapshot(pool) as conn:
        assert await conn.fetchval("select pg_is_in_recovery() and exists (select from number)")
        meanwhile.create_task(query(primary, "delete from number", "vacuum number"))
        await conn.execute("select pg_sleep(60)")


async def test_a_replica_of_the_primary_before_a_failover_is_not_read(
    servers: tuple[Postgres, Postgres], folder: Path
) -> None:
    """It may have replayed what the new primary never had."""
    second = await copy_of(servers[0], folder / "second")
    try:
        await query(servers[0], "insert into number values (1)")
        async with reading(servers[0].dsn, second.dsn) as (pool, _):
            assert (await read(pool))[1]
        await second.promote()
        async with reading(second.dsn, servers[1].dsn) as (pool, replica):
            _, is_replica = await read(pool)
            assert not is_replica
            assert replica.state is not None
            assert replica.state.trouble == (
                "The replica has not reached the timeline of the primary. After a failover, this takes up to "
                "checkpoint_timeout."
            )
    finally:
        await second.stop("immediate")

"""Long reads on a real streaming replica: the same answers as on the primary, or those of the primary."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from dashboard.asgi.problem_json import API
from storage.postgres.migrate import migrate
from storage.postgres.pool import Pool, StorageError, connect, open_pool, transaction
from storage.postgres.replica import Replica, replica_of, snapshot, with_replica
from tests.conftest import NOW, roomy_memory
from tests.support.clients.command_line import console
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import served
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


async def test_a_server_that_is_no_replica_of_this_database_is_not_read(
    servers: tuple[Postgres, Postgres], postgres_dsn: str
) -> None:
    await query(servers[0], "create role stranger login")
    for dsn, why in (
        (servers[0].dsn, "The server accepts writes, so it is not a replica."),
        (postgres_dsn, "The server is not a replica of the primary."),
        (
            servers[1].dsn.replace("/blockline?", "/postgres?"),
            "Setting database_read_url names another database",
        ),
        (
            servers[1].dsn.replace("postgres@", "stranger@"),
            "The role of setting database_read_url cannot read",
        ),
        ("nonsense", "Setting database_read_url is not an address of the form"),
    ):
        async with reading(servers[0].dsn, dsn) as (pool, replica):
            _, is_replica = await read(pool)
            assert not is_replica
            assert replica.state is not None
            assert replica.state.trouble is not None
            assert replica.state.trouble.startswith(why)


async def test_a_role_that_may_not_ask_how_far_the_primary_is_reads_the_primary(
    servers: tuple[Postgres, Postgres],
) -> None:
    await query(
        servers[0],
        "create role confined login",
        "grant select on number to confined",
        "revoke execute on function pg_control_system() from public",
    )
    async with reading(servers[0].dsn.replace("postgres@", "confined@"), servers[1].dsn) as (pool, replica):
        _, is_replica = await read(pool)
        assert not is_replica
        assert replica.state is not None
        assert replica.state.trouble == "The database role cannot execute pg_control_system on the primary."
        assert (replica.state.at, replica.state.since) == (None, None)


async def test_a_commit_that_does_not_wait_for_the_log_is_in_the_next_read(
    servers: tuple[Postgres, Postgres],
) -> None:
    answers: list[tuple[int, bool]] = []
    async with reading(servers[0].dsn, servers[1].dsn) as (pool, _):
        before, _ = await read(pool)
        for n in range(1, 51):
            async with transaction(pool) as conn:
                await conn.execute("set local synchronous_commit = off")
                await conn.execute("insert into number values ($1)", n)
            answers.append(await read(pool))
    assert [many for many, _ in answers] == [before + n for n in range(1, 51)]
    assert any(is_replica for _, is_replica in answers)


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


async def test_the_start_of_a_page_of_the_log_does_not_look_like_something_to_wait_for(
    servers: tuple[Postgres, Postgres],
) -> None:
    async with reading(servers[0].dsn, servers[1].dsn) as (pool, _):
        await query(servers[0], "select pg_switch_wal()")
        assert (await read(pool))[1]


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


async def test_the_dashboard_and_the_command_line_read_their_long_answers_from_it(
    servers: tuple[Postgres, Postgres],
) -> None:
    primary, replica = servers
    await query(primary, "create database watched")
    dsn, copy = (one.dsn.replace("/blockline?", "/watched?") for one in servers)
    await migrate(dsn)
    async with open_pool(dsn) as pool, transaction(pool) as conn:
        await seed(conn, NOW)
    given = {"BLOCKLINE_DATABASE_URL": dsn, "BLOCKLINE_DATABASE_READ_URL": copy}
    exported = [
        await asyncio.to_thread(console, "export", "changes", **settings)
        for settings in ({"BLOCKLINE_DATABASE_URL": dsn}, given)
    ]
    assert exported[0].code == exported[1].code == 0
    assert exported[0].out == exported[1].out != ""
    assert await transactions(replica, "watched") > 0
    async with (
        open_pool(dsn) as pool,
        with_replica(pool, copy),
        served(pool, dsn, NOW) as base,
        ClientSession() as http,
    ):
        for path in ("/api/replay", f"{API}/export/changes"):
            before = await transactions(replica, "watched")
            async with http.get(f"{base}{path}") as answer:
                assert answer.status == 200
                assert await answer.read()
            assert await transactions(replica, "watched") > before, path
        async with http.get(f"{base}/metrics") as answer:
            assert "blockline_replica_read 1.0" in await answer.text()


async def transactions(server: Postgres, database: str) -> int:
    """How many were committed in a database, once the sessions have said so."""
    conn = await connect(server.dsn)
    await asyncio.sleep(1.1)
    found = await conn.fetchval("select xact_commit from pg_stat_database where datname = $1", database)
    await conn.close()
    return found


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

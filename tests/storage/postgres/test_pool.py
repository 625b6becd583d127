"""Connections, transactions, listening, locks, rows: each fault becomes one sentence and one class."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from collectors.x.declaration import X
from storage.postgres.errors import (
    AlreadyHeld,
    NoFreeConnection,
    NotSettled,
    Refused,
    StaleState,
    StorageError,
    Unreachable,
    address,
)
from storage.postgres.locks import Lock, exclusive
from storage.postgres.pool import (
    Conn,
    Pool,
    PoolLimits,
    connect,
    listen,
    open_pool,
    probe,
    transaction,
)
from storage.postgres.recording_order import as_known, moment, settle, settle_at_most
from storage.work.workers import planning_lock
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes
from tests.support.servers.dashboard import until
from tests.support.servers.ports import closed_port

PASSWORD = "s3cret"


async def add_account(conn: Conn, native_id: str) -> None:
    await conn.execute(
        "insert into account (platform, native_id, handle, added_at) values ('x', $1, 'h', '2021-02-01Z')",
        native_id,
    )


async def add_account_though_read_only(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await conn.execute("set transaction_read_only = on")
        await add_account(conn, "1")


async def count_accounts(pool: Pool) -> int:
    async with transaction(pool) as conn:
        return await conn.fetchval("select count(*) from account")


async def end_other_sessions(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await conn.execute(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        )


@pytest.mark.parametrize(
    ("dsn", "where"),
    [
        pytest.param(f"postgresql://u:{PASSWORD}@db.example:6543/b", "db.example:6543", id="host and port"),
        pytest.param(f"postgresql://u:{PASSWORD}@db.example/b", "db.example:5432", id="default port"),
        pytest.param("postgresql:///b", "localhost:5432", id="no host"),
        pytest.param(f"postgresql://u:{PASSWORD}@/b?host=/run/pg&port=5433", "/run/pg", id="socket folder"),
        pytest.param(f"postgresql://u@h/b?password={PASSWORD}", "h:5432", id="password as parameter"),
        pytest.param(f"postgresql://u:{PASSWORD}@h:x/b", "an address that cannot be read", id="bad port"),
    ],
)
def test_an_address_names_the_server_without_the_password(dsn: str, where: str) -> None:
    assert address(dsn) == where


async def test_a_database_that_does_not_exist_is_unreachable_and_named(dsn: str) -> None:
    with pytest.raises(Unreachable, match=r'database "nowhere" does not exist\.$'):
        await connect(urlsplit(dsn)._replace(path="/nowhere").geturl())


@pytest.mark.parametrize(
    "dsn", [f"host=h password={PASSWORD}", f"mysql://u:{PASSWORD}@h/b", f"postgresql://u:{PASSWORD}@h:x/b"]
)
async def test_a_text_that_is_no_postgres_address_says_what_one_looks_like(dsn: str) -> None:
    with pytest.raises(Unreachable, match="not an address of the form postgresql://") as caught:
        await connect(dsn)
    assert PASSWORD not in str(caught.value)


async def test_a_pool_that_cannot_connect_refuses_to_open() -> None:
    with pytest.raises(Unreachable):
        async with open_pool(f"postgresql://u@127.0.0.1:{closed_port()}/b"):
            pytest.fail("opened")


async def test_a_broken_constraint_is_refused_and_named(pool: Pool) -> None:
    async def add_twice() -> None:
        async with transaction(pool) as conn:
            await add_account(conn, "1")
            await add_account(conn, "1")

    with pytest.raises(Refused, match="duplicate key") as caught:
        await add_twice()
    assert caught.value.constraint == "account_platform_native_id_key"
    assert "\n" not in str(caught.value)


async def test_a_wrong_query_is_a_storage_error(pool: Pool) -> None:
    with pytest.raises(StorageError, match=r'"no_such_table" does not exist\.$'):
        async with transaction(pool) as conn:
            await conn.execute("select * from no_such_table")


async def test_a_full_pool_refuses_after_its_wait(dsn: str) -> None:
    limits = PoolLimits(2, free_within_s=0.1, statement_s=60, lock_s=60, idle_s=60)
    async with open_pool(dsn, min_size=2, limits=limits) as pool:
        async with transaction(pool), transaction(pool):
            with pytest.raises(NoFreeConnection, match=r"^All 2 connections .* within 0\.1 s\. "):
                await count_accounts(pool)
        assert await count_accounts(pool) == 0


GENEROUS = PoolLimits(2, free_within_s=60, statement_s=60, lock_s=60, idle_s=60)


async def test_a_file_missing_in_the_block_is_not_blamed_on_the_database(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with transaction(pool):
            (tmp_path / "absent").read_bytes()


async def test_of_two_writers_in_each_others_way_one_is_stale_and_one_wins(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add_account(conn, "1")
        await add_account(conn, "2")
    both_hold_one = asyncio.Barrier(2)

    async def rename(handle: str, first: str, second: str) -> None:
        async with transaction(pool) as conn:
            await conn.execute("update account set handle = $1 where native_id = $2", handle, first)
            await both_hold_one.wait()
            await conn.execute("update account set handle = $1 where native_id = $2", handle, second)

    ends = await asyncio.gather(rename("a", "1", "2"), rename("b", "2", "1"), return_exceptions=True)
    assert [type(end) for end in ends if end is not None] == [StaleState]
    async with transaction(pool) as conn:
        handles = await conn.fetch("select distinct handle from account")
    assert [row["handle"] for row in handles] == ["b" if ends[0] else "a"]


async def test_a_connection_lost_in_a_transaction_is_unreachable_and_the_next_one_works(
    pool: Pool, dsn: str
) -> None:
    async def lose_it(other: Pool) -> None:
        async with transaction(pool) as conn:
            await add_account(conn, "1")
            await end_other_sessions(other)
            await add_account(conn, "2")

    async with open_pool(dsn) as other:
        with pytest.raises(Unreachable, match="setting database_url"):
            await lose_it(other)
    assert await count_accounts(pool) == 0


async def test_who_is_cancelled_in_a_transaction_is_cancelled_though_its_connection_is_lost(
    pool: Pool, dsn: str
) -> None:
    began, over = asyncio.Event(), asyncio.Event()

    async def wait_in_it() -> None:
        async with transaction(pool) as conn:
            conn.add_termination_listener(lambda _: over.set())
            began.set()
            await asyncio.Event().wait()

    async with open_pool(dsn) as other, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(wait_in_it())
        await began.wait()
        await end_other_sessions(other)
        await over.wait()
        waiting.cancel()
    assert waiting.cancelled()


async def test_a_listener_hears_every_payload_in_order_from_the_moment_it_entered(
    pool: Pool, dsn: str
) -> None:
    async with listen(dsn, "news") as payloads:
        async with transaction(pool) as conn:
            await conn.execute("select pg_notify('news', i::text) from generate_series(1, 50) i")
        assert [await anext(payloads) for _ in range(50)] == [str(i) for i in range(1, 51)]


async def test_a_listener_whose_connection_is_closed_raises_instead_of_waiting(pool: Pool, dsn: str) -> None:
    async with listen(dsn, "news") as payloads:
        await end_other_sessions(pool)
        with pytest.raises(Unreachable):
            await anext(payloads)


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="stops a server process of this machine")
async def test_a_listener_whose_server_fell_silent_raises(pool: Pool, dsn: str) -> None:
    async with listen(dsn, "news", keep_alive_s=0.1) as payloads:
        async with transaction(pool) as conn:
            served_by: int = await conn.fetchval(
                """
                select pid from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'
                """
            )
        os.kill(served_by, signal.SIGSTOP)
        try:
            with pytest.raises(Unreachable, match="does not answer in time"):
                await anext(payloads)
        finally:
            os.kill(served_by, signal.SIGCONT)


async def test_a_lock_is_held_by_one_process_at_a_time(dsn: str) -> None:
    async with exclusive(dsn, "poll x", wait_s=0):
        with pytest.raises(AlreadyHeld, match="on the database at"):
            async with exclusive(dsn, "poll x", wait_s=0):
                pytest.fail("held twice")
        async with exclusive(dsn, "poll bluesky", wait_s=0) as other:
            assert other.name == "poll bluesky"


async def test_a_pool_with_limits_needs_a_server_that_takes_writes(dsn: str) -> None:
    async with open_pool(dsn, limits=GENEROUS) as pool:
        with pytest.raises(Unreachable, match="takes no writes"):
            await add_account_though_read_only(pool)
        async with transaction(pool) as conn:  # on another connection, since that one was given up
            await add_account(conn, "1")
            name = await conn.fetchval("select quote_ident(current_database())")
            await conn.execute(f"alter database {name} set default_transaction_read_only = on")
    with pytest.raises(Unreachable, match="takes no writes"):
        async with open_pool(dsn, limits=GENEROUS):
            pytest.fail("opened")
    with pytest.raises(Unreachable, match="takes no writes"):
        await probe(dsn)
    async with open_pool(dsn) as pool, transaction(pool) as conn:  # to look at it needs no more
        assert await conn.fetchval("select 1") == 1


async def test_a_probe_says_whether_a_server_answers(dsn: str) -> None:
    await probe(dsn)
    with pytest.raises(Unreachable, match="no server listens there"):
        await probe(f"postgresql://u@127.0.0.1:{closed_port()}/b")


NAME = planning_lock(X)


async def lose(pool: Pool, name: str) -> None:
    """End the connection that holds a lock, behind the back of its holder."""
    async with transaction(pool) as conn:
        ended = 0
        while not ended:  # the server may not have noticed yet that an earlier holder left
            ended = await conn.fetchval(
                """
                select count(pg_terminate_backend(pid, 5000)) from pg_locks
                where locktype = 'advisory' and granted and objsubid = 1
                    and database = (select oid from pg_database where datname = current_database())
                    and ((classid::bigint << 32) | objid::bigint) = hashtextextended('blockline ' || $1, 0)
                """,
                name,
            )


async def test_a_process_that_was_replaced_records_nothing_of_what_it_remembers(pool: Pool, dsn: str) -> None:
    world, replaced, holds = World(pool), Lock(dsn, NAME), Lock(dsn, NAME)
    await world.enlist(["1", "2"])
    await replaced.take(1)
    old = await world.start(fence=replaced.fence)
    await world.run(old, minutes(1))
    await lose(pool, NAME)
    await holds.take(20)
    new = await world.start(fence=holds.fence)
    world.platform.truth["1"] = WITHHELD_IN
    await world.run(new, minutes(122))
    world.platform.truth["1"] = AVAILABLE
    world.clock.set(minutes(240))
    with pytest.raises(Unreachable, match=r"the connection that held the lock 'monitor of x' is lost"):
        await old.tick()
    await world.run(new, minutes(500))
    await holds.let_go()
    await replaced.let_go()
    found = await world.rows(
        """
        select last_seen_old, first_seen_new, outcome from change join change_outcome using (change_id)
        where kind = 'restoration'
        """
    )
    assert found == [(minutes(121), minutes(240), "confirmed")]


async def recorded(pool: Pool, shown: datetime) -> datetime:
    """The moment of a recording that is committed, by a clock that shows this."""
    async with transaction(pool) as conn:
        return await moment(conn, lambda: shown)


async def someone_waits(pool: Pool) -> bool:
    async with transaction(pool) as conn:
        return await conn.fetchval("select exists (select from pg_locks where not granted)")


async def test_a_moment_is_settled_when_the_commits_of_before_are_there(pool: Pool) -> None:
    async def seen() -> int:
        async with as_known(pool, minutes(10)) as conn:
            return await conn.fetchval("select count(*) from watch_list")

    async with transaction(pool) as recording:
        await moment(recording, lambda: minutes(9))
        await recording.execute("insert into watch_list (name, created_at) values ('a', now())")
        asked = asyncio.ensure_future(seen())
        await until(lambda: someone_waits(pool))
        assert not asked.done()
    assert await asked == 1


async def test_who_waits_for_too_long_is_told_so(pool: Pool) -> None:
    async with transaction(pool) as recording:
        await moment(recording, lambda: minutes(9))
        with pytest.raises(NotSettled, match=r"2021-02-01 00:10:00 UTC is still being recorded\. Try again"):
            await settle(pool, minutes(10), patience_s=0.05)


async def test_a_moment_that_the_database_has_not_reached_is_never_settled(pool: Pool) -> None:
    ahead = datetime.now(UTC) + timedelta(days=365)  # noqa: TID251 - a clock that is wrong
    with pytest.raises(NotSettled, match="is in the future by the clock of the database"):
        await settle(pool, ahead)
    assert await settle_at_most(pool, ahead) < ahead
    assert T0 < await recorded(pool, T0) < ahead
    assert await settle_at_most(pool, T0) == T0

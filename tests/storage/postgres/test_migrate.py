"""From an empty database to the schema, and what that schema itself refuses."""

import asyncio
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.postgres.errors import (
    SchemaTooNew,
    StorageError,
)
from storage.postgres.migrate import migrate
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from storage.postgres.schema import check_schema, newest
from tests.support.processes.later_version import LATER, later_version
from tests.support.table_digests import digests

ROOT = Path(__file__).parent.parent.parent.parent
MIGRATE = """
import asyncio, sys
from storage.postgres import migrate
print(asyncio.run(migrate.migrate(sys.argv[1])).before)
print(migrate.__file__, file=sys.stderr)
"""
NOON = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)


async def execute(dsn: str, command: str) -> None:
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        await conn.execute(command)


async def tables(dsn: str) -> set[str]:
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        rows = await conn.fetch("select tablename from pg_tables where schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def a_change(conn: Conn) -> tuple[int, int]:
    """An account with one change. Returns both ids."""
    account_id = await conn.fetchval(
        """
        insert into account (platform, native_id, handle, added_at) values ('x', '1', 'h', $1)
        returning account_id
        """,
        NOON,
    )
    change_id = await conn.fetchval(
        """
        insert into change (
            change_key, account_id, status, kind, strength, first_seen_new, recorded_at, source
        )
        values ('k', $1, 'available', 'baseline', 'strong', $2, $2, 'seen') returning change_id
        """,
        account_id,
        NOON,
    )
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        values ($1, 'confirmed', 'baseline_seen', $2, 1, $2)
        """,
        change_id,
        NOON,
    )
    return account_id, change_id


@pytest.mark.slow
async def test_processes_that_start_at_once_migrate_once(empty_dsn: str) -> None:
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", MIGRATE, empty_dsn),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    said = [(await process.communicate())[0].decode().strip() for process in started]
    assert sorted(said) == sorted(["None", newest()])


async def test_runs_of_one_process_at_once_migrate_once(empty_dsn: str) -> None:
    done = await asyncio.gather(*(migrate(empty_dsn) for _ in range(4)))
    assert [each.before for each in done].count(None) == 1


async def test_a_migration_that_fails_leaves_nothing_behind(empty_dsn: str) -> None:
    await execute(empty_dsn, "create table live_event (id int)")
    with pytest.raises(StorageError, match='was left as it was: relation "live_event" already exists'):
        await migrate(empty_dsn)
    assert await tables(empty_dsn) == {"live_event"}


@pytest.mark.slow
async def test_while_another_program_uses_a_table_nothing_is_migrated_and_the_sentence_says_so(
    dsn: str, pool: Pool, tmp_path: Path
) -> None:
    later = later_version(tmp_path)
    async with transaction(pool) as conn:
        await a_change(conn)
        await conn.execute("lock table change in access share mode")
        assert re.fullmatch(
            r"Another program uses the database at \S+; stop it and run again: blockline migrate",
            await later.migrate(dsn),
        )
    await check_schema(pool)
    before = await digests(dsn)
    assert await later.migrate(dsn) == f"{newest()} {LATER}"
    assert (await digests(dsn)).keys() == before.keys()
    async with transaction(pool) as conn:
        assert await conn.fetchval("select made_up is null from change")


async def test_a_database_of_a_newer_version_is_refused_in_one_sentence_and_left_alone(dsn: str) -> None:
    await execute(dsn, "update alembic_version set version_num = '9999'")
    sentence = (
        rf"^The database at \S+ was made by a newer Blockline \(schema 9999\); "
        rf"this version knows {newest()}\. Upgrade Blockline\.$"
    )
    with pytest.raises(SchemaTooNew, match=sentence):
        await migrate(dsn)
    with pytest.raises(SchemaTooNew, match=sentence):
        await check_schema(dsn)

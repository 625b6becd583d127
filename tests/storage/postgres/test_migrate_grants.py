"""A role that runs Blockline can do what a run does, and rewrite or remove nothing that is append-only."""

import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.postgres.migrate import grant_running
from storage.postgres.pool import Pool, StorageError, open_pool, transaction
from storage.purge.purge import purge_account
from tests.support.clients.command_line import blockline, forget_settings
from tests.support.samples.readings import minutes
from tests.support.seeds.live_page import seed
from tests.support.table_digests import as_role


@dataclass(frozen=True, slots=True)
class Running:
    """A role that runs Blockline, and a pool of its connections."""

    role: str
    dsn: str
    pool: Pool


@pytest.fixture
async def running(pool: Pool, dsn: str) -> AsyncGenerator[Running]:
    role = f'runs "it" {os.getpid()}'
    quoted = '"' + role.replace('"', '""') + '"'
    async with transaction(pool) as conn:
        await conn.execute(f"create role {quoted}")
    try:
        await grant_running(dsn, role)
        own = as_role(dsn, role)
        async with open_pool(own, max_size=4) as theirs:
            yield Running(role, own, theirs)
    finally:
        async with transaction(pool) as conn:
            await conn.execute(f"drop owned by {quoted}")
            await conn.execute(f"drop role {quoted}")


async def test_a_purge_of_content_is_done_by_the_role_and_a_whole_one_by_the_owner(
    running: Running, pool: Pool
) -> None:
    async with transaction(pool) as conn:
        story = await seed(conn, minutes(0))
    one, two = story.wave[:2]
    async with transaction(running.pool) as conn:
        assert (await purge_account(conn, one, minutes(1))).handles == 1
    with pytest.raises(StorageError, match="permission denied"):
        async with transaction(running.pool) as conn:
            await purge_account(conn, two, minutes(1), whole=True)
    async with transaction(pool) as conn:
        assert (await purge_account(conn, two, minutes(1), whole=True)).changes == 3


async def test_nobody_else_can_have_partitions_made(running: Running, pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert not await conn.fetchval(
            "select has_function_privilege('pg_monitor', 'ensure_coverage_month(date)', 'execute')"
        )


def test_the_command_migrates_grants_and_says_so(
    empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", empty_dsn)
    run = blockline(capsys)
    ran = run("migrate", "--grant", "pg_monitor")
    assert (ran.code, ran.err) == (0, "")
    assert ran.said[1:] == [
        "The role pg_monitor can run Blockline: it reads all tables, and only adds to append-only ones."
    ]
    refused = run("migrate", "--grant", "nobody there")
    assert refused.code == 1
    assert refused.err.startswith("There is no role 'nobody there' on the server at ")


def test_the_command_lets_a_role_read_the_views_and_says_so(
    empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", empty_dsn)
    run = blockline(capsys)
    ran = run("migrate", "--grant-read", "pg_monitor")
    assert (ran.code, ran.err) == (0, "")
    assert ran.said[1:] == ["The role pg_monitor can read the views of the schema blockline_read."]
    refused = run("migrate", "--grant-read", "nobody there")
    assert (refused.code, len(refused.complaints)) == (1, 1)
    assert refused.err.startswith("There is no role 'nobody there' on the server at ")

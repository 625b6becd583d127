"""A role that runs Blockline can do what a run does, and rewrite or remove nothing that is append-only."""

import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs.messages.compose import Letterhead
from jobs.selfmonitoring.watchdog import ConditionReport, tick
from storage.alerts import mail_queue
from storage.backup.backup_log import RecordedBackup, record_backup
from storage.changes.hash_chain import verify_chain
from storage.health.condition_facts import Thresholds
from storage.model.alerts.alerts import MailState
from storage.postgres.audit_log import log
from storage.postgres.migrate import grant_running
from storage.postgres.pool import Pool, Refused, StorageError, open_pool, transaction
from storage.postgres.schema import check_schema
from storage.purge.purge import purge_account
from storage.readings import coverage
from tests.support.clients.command_line import blockline, forget_settings
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.samples.readings import T0, WITHHELD_IN, minutes
from tests.support.seeds.live_page import seed
from tests.support.table_digests import as_role

APPEND_ONLY = (
    "change",
    "change_outcome",
    "pending_step",
    "chain",
    "audit_log",
    "audit_chain",
    "purge_log",
    "purged_change",
    "retention_log",
    "list_thresholds",
    "backup_log",
    "archive_run",
)


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


async def test_the_monitor_records_a_change_with_its_chain_and_a_month_is_made(running: Running) -> None:
    await check_schema(running.pool)
    world = World(running.pool)
    await world.enlist(["1", "2"], ("List",))
    monitor = await world.start()
    await world.run(monitor, T0 + timedelta(hours=3))
    world.platform.truth["1"] = WITHHELD_IN
    await world.run(monitor, T0 + timedelta(hours=8))
    assert await world.rows(CHANGES) == [("1", "block", "withheld", "confirmed", "enough_strong")]
    async with transaction(running.pool) as conn:
        assert await conn.fetchval("select current_user::text") == running.role
        checked = await verify_chain(conn)
        assert (checked.broken, checked.entries) == (None, 6)
        await coverage.ensure_month(conn, date(2030, 5, 1))
        owner = await conn.fetchval("select tableowner from pg_tables where tablename = 'coverage_2030_05'")
    assert owner != running.role


async def test_the_monitor_keeps_and_tells_its_own_troubles(running: Running) -> None:
    world = World(running.pool)
    await world.enlist(["1"])
    rules, head = Thresholds(timedelta(minutes=15)), Letterhead(operators=("ops@example.org",))
    assert await tick(running.pool, minutes(60), head, rules) == ConditionReport(1, 0, 0)
    assert await tick(running.pool, minutes(62), head, rules) == ConditionReport(0, 0, 1)


async def test_mails_are_claimed_and_marked_as_sent(running: Running) -> None:
    async with transaction(running.pool) as conn:
        await conn.execute(
            """
            insert into mail (
                message_id, recipients, subject, text_body, html_body, created_at, state, next_attempt_at
            ) values ('<1@blockline.test>', '{desk@example.org}', 's', 't', 'h', $1, 'queued', $1)
            """,
            T0,
        )
    (mail,) = await mail_queue.claim_due(running.pool, minutes(1), 10)
    await mail_queue.mark_sent(running.pool, mail, minutes(2))
    async with transaction(running.pool) as conn:
        assert await conn.fetchval("select state from mail") == MailState.SENT.value


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


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("command", ["update {} set {}", "delete from {}", "truncate {} cascade"])
async def test_what_is_append_only_is_closed_to_the_role_by_grants_and_to_the_owner_by_triggers(
    running: Running, pool: Pool, table: str, command: str
) -> None:
    async with transaction(pool) as conn:
        story = await seed(conn, minutes(0))
        await purge_account(conn, story.wave[0], minutes(1), whole=True)
        await conn.execute(
            "insert into retention_log (at, list_id, days, pieces) values (now(), $1, 1, 1)", story.lists[0]
        )
        await conn.execute("insert into list_thresholds (list_id, since) values ($1, now())", story.lists[0])
        await conn.execute("insert into archive_run (at, months) values (now(), 0)")
        await record_backup(conn, RecordedBackup(minutes(0), minutes(1), "ada", "host", "/b", 1, False))
        await conn.execute("insert into pending_step select change_id, now(), 2, now() from pending_change")
        await log(conn, minutes(1), "ada", "tags changed", "account 1")
        await conn.execute("set constraints all immediate")
        column = await conn.fetchval(
            """
            select attname::text from pg_attribute
            where attrelid = $1::text::regclass and attnum > 0 and attidentity = '' order by attnum limit 1
            """,
            table,
        )
    statement = command.format(table, f"{column} = {column}")
    with pytest.raises(StorageError, match=f"permission denied for table {table}"):
        async with transaction(running.pool) as conn:
            await conn.execute(statement)
    with pytest.raises(Refused, match="is append-only"):
        async with transaction(pool) as conn:
            await conn.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into chain (seq, kind, change_id, leaf, entry, at) values (1, 'change', 1, '', '', now())",
        "insert into audit_chain values (1, 1, '', '')",
        "insert into purged_change values (1, 1)",
        "insert into coverage_aside values (now(), now(), now(), 1, 0, 0, 0, null, now())",
        "insert into archived_file values ('/f', '2021-01-01', 1, 1, '')",
        "update archived_month set rows = 0",
        "delete from archived_week",
        "update archived_day set requests = 0",
        "update coverage_row set latency_ms = 0",
        "update alembic_version set version_num = '0001'",
        "alter table change disable trigger user",
        "drop table change cascade",
        "select grant_running('somebody')",
        "select keep_archive_from('somebody')",
        "create table letters (n int)",
    ],
)
async def test_the_role_can_do_nothing_that_a_run_does_not(running: Running, statement: str) -> None:
    with pytest.raises(StorageError, match=r"permission denied|must be owner"):
        async with transaction(running.pool) as conn:
            await conn.execute(statement)


async def test_what_the_role_could_do_beyond_that_is_taken_from_it(
    running: Running, pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as conn:
        await conn.execute(
            "do $$ begin execute format('grant all on change, chain to %I', "
            "(select rolname from pg_roles where rolname like 'runs%')); end $$"
        )
        can = "select has_table_privilege($1::text, 'change', 'delete')"
        assert await conn.fetchval(can, running.role)
    await grant_running(dsn, running.role)
    async with transaction(pool) as conn:
        assert not await conn.fetchval(can, running.role)


async def test_the_role_can_read_every_table_and_view(running: Running, pool: Pool) -> None:
    async with transaction(pool) as conn:
        closed = await conn.fetch(
            """
            select relname from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v') and not relispartition
                and not has_table_privilege($1::text, oid, 'select')
            """,
            running.role,
        )
    assert closed == []


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

"""From an empty database to the schema, and what that schema itself refuses."""

import asyncio
import logging
import os
import re
import shutil
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from storage.postgres.errors import (
    Refused,
    SchemaBehind,
    SchemaTooNew,
    SchemaTooOld,
    StorageError,
    Unreachable,
)
from storage.postgres.migrate import Migrated, PendingStep, migrate, pending_steps
from storage.postgres.pool import Conn, Pool, connect, listen, open_pool, transaction
from storage.postgres.schema import MIGRATIONS, check_schema, newest, refuse_unknown
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


async def test_an_empty_database_is_migrated_once_and_a_second_run_changes_nothing(empty_dsn: str) -> None:
    assert await migrate(empty_dsn) == Migrated(None, newest())
    before = await tables(empty_dsn)
    assert await migrate(empty_dsn) == Migrated(newest(), newest())
    assert await tables(empty_dsn) == before
    assert {"account", "coverage_row", "change", "spell", "live_event"} <= before
    await check_schema(empty_dsn)


async def test_a_dry_run_names_the_steps_that_are_left_and_what_they_rewrite(empty_dsn: str) -> None:
    steps = [step.revision for step in await pending_steps(empty_dsn)]
    assert steps == ["0100", "0101", "0102", "0103", "0104", "0105", "0106", newest()]
    assert await tables(empty_dsn) == set(), "it changed nothing"
    await migrate(empty_dsn, revision="0100")
    step, *_ = await pending_steps(empty_dsn)
    assert step.title.startswith("The schema `blockline_read`")
    assert (step.rewritten, step.takes) == ({}, timedelta(0))
    await migrate(empty_dsn)
    assert await pending_steps(empty_dsn) == []


async def test_every_step_says_which_stored_rows_it_rewrites(dsn: str) -> None:
    known = await tables(dsn)
    for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions():
        assert set(script.module.rewrites) <= known, script.revision


def test_a_large_table_takes_its_size_at_the_pace_of_a_slow_disk() -> None:
    step = PendingStep("0102", "Something else.", {"coverage_row": 12_000_000_000, "change": 3_000_000_000})
    assert step.takes == timedelta(minutes=5)


def test_the_schemas_that_are_known_are_those_that_alembic_finds() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_heads() == [newest()]
    for script in scripts.walk_revisions():
        refuse_unknown(script.revision, "A database")
    with pytest.raises(SchemaTooNew):
        refuse_unknown("9999", "A database")


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


async def test_the_migrations_are_found_wherever_the_package_is_installed(
    empty_dsn: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "100% elsewhere"
    shutil.copytree(ROOT / "storage", elsewhere / "storage")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MIGRATE, empty_dsn),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(elsewhere)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, ran_from = await process.communicate()
    assert ran_from.decode().strip() == str(elsewhere / "storage" / "postgres" / "migrate.py")
    assert said.decode().strip() == "None"


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


async def test_a_database_is_behind_until_it_is_migrated_and_then_too_new_for_the_version_before(
    dsn: str, tmp_path: Path
) -> None:
    later = later_version(tmp_path)
    assert (await later.check_schema(dsn)).endswith(
        f" has schema {newest()}; this version needs {LATER}. Run: blockline migrate"
    )
    await later.migrate(dsn)
    assert await later.check_schema(dsn) == ""
    with pytest.raises(SchemaTooNew):
        await check_schema(dsn)


@pytest.mark.parametrize("revision", ["0001", "0014", "0023", "0099"])
async def test_a_database_of_a_development_version_is_refused_in_one_sentence_and_left_alone(
    dsn: str, revision: str
) -> None:
    await execute(dsn, f"update alembic_version set version_num = '{revision}'")  # noqa: S608
    before = await digests(dsn)
    for refused in (migrate, check_schema):
        with pytest.raises(
            SchemaTooOld,
            match=rf"^The database at \S+ has schema {revision} of a development version and cannot be "
            r"migrated\. Export it .*blockline backup FILE.*, and import it .* into an empty database "
            r"\(blockline restore FILE\)\.$",
        ):
            await refused(dsn)
    assert await digests(dsn) == before


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


async def test_a_pool_is_checked_like_its_address(pool: Pool) -> None:
    await check_schema(pool)
    async with transaction(pool) as conn:
        await conn.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(SchemaTooNew):
        await check_schema(pool)


async def test_a_database_without_tables_is_behind_and_the_sentence_names_the_command(empty_dsn: str) -> None:
    with pytest.raises(SchemaBehind, match="blockline migrate"):
        await check_schema(empty_dsn)
    assert await tables(empty_dsn) == set()


async def test_migrating_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        await migrate(f"postgresql://u@/b?host={tmp_path}")


async def test_migrating_leaves_logging_as_it_was(empty_dsn: str) -> None:
    logger = logging.getLogger("some.module")
    before = (list(logging.root.handlers), logging.root.level)
    await migrate(empty_dsn)
    assert (list(logging.root.handlers), logging.root.level) == before
    assert not logger.disabled


@pytest.mark.parametrize(
    "command",
    [
        "update change set status = 'suspended'",
        "delete from change",
        "update change_outcome set outcome = 'not_confirmed'",
        "delete from change_outcome",
    ],
)
async def test_a_recorded_change_and_its_outcome_can_not_be_rewritten(pool: Pool, command: str) -> None:
    async with transaction(pool) as conn:
        await a_change(conn)
    with pytest.raises(Refused, match="append-only: corrections are new rows"):
        async with transaction(pool) as conn:
            await conn.execute(command)


@pytest.mark.parametrize(
    ("valid", "recorded", "refused"),
    [
        pytest.param("[2021-02-10,)", "[2021-02-01,)", True, id="two states at one time, both believed"),
        pytest.param("[2021-01-01,2021-02-01)", "[2021-02-01,)", False, id="one after the other"),
        pytest.param("[2021-02-10,)", "[2021-01-01,2021-02-01)", False, id="an earlier belief"),
        pytest.param("empty", "[2021-02-01,)", True, id="no time at all"),
    ],
)
async def test_spells_of_an_account_do_not_overlap(
    pool: Pool, valid: str, recorded: str, refused: bool
) -> None:
    insert = """
        insert into spell (account_id, change_id, status, valid, recorded)
        values ($1, $2, 'available', $3::text::tstzrange, $4::text::tstzrange)
    """
    async with transaction(pool) as conn:
        ids = await a_change(conn)
        await conn.execute(insert, *ids, "[2021-02-01,)", "[2021-02-01,)")
    if refused:
        with pytest.raises(Refused):
            async with transaction(pool) as conn:
                await conn.execute(insert, *ids, valid, recorded)
    else:
        async with transaction(pool) as conn:
            await conn.execute(insert, *ids, valid, recorded)


async def test_a_month_of_coverage_is_made_once_by_however_many_ask(dsn: str) -> None:
    async def ensure(pool: Pool) -> None:
        async with transaction(pool) as conn:
            await conn.execute("select ensure_coverage_month($1)", date(2021, 2, 17))

    async with open_pool(dsn, min_size=6, max_size=6) as pool:
        await asyncio.gather(*(ensure(pool) for _ in range(12)))
        await ensure(pool)
        async with transaction(pool) as conn:
            rows = await conn.fetch(
                """
                select inhrelid::regclass::text as name from pg_inherits
                where inhparent = 'coverage_row'::regclass
                """
            )
    assert [row["name"] for row in rows] == ["coverage_2021_02"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
@pytest.mark.parametrize("slot", ["2021-02-01 00:00:00+00", "2021-02-28 23:59:59.999999+00"])
async def test_a_month_of_coverage_takes_its_first_and_last_moment_in_utc(
    dsn: str, zone: str, slot: str
) -> None:
    conn = await connect(dsn)
    try:
        await conn.execute("select set_config('timezone', $1, false)", zone)
        await conn.execute("select ensure_coverage_month('2021-02-28')")
        roster_id = await conn.fetchval(
            """
            insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
            values ('x', 'h', '{1}', '{}', true, now()) returning roster_id
            """
        )
        await conn.execute(
            """
            insert into coverage_row (roster_id, slot, attempt, observed_at, outcome, latency_ms, recorded_at)
            values ($1, $2::text::timestamptz, 0, now(), 0, 1, now())
            """,
            roster_id,
            slot,
        )
    finally:
        await conn.close()


async def test_a_new_change_is_announced_with_ids_in_the_order_of_commit(pool: Pool, dsn: str) -> None:
    async with listen(dsn, "blockline") as payloads:
        async with transaction(pool) as conn:
            _, change_id = await a_change(conn)
        heard = [int(await anext(payloads)), int(await anext(payloads))]
    async with transaction(pool) as conn:
        events = await conn.fetch("select live_event_id, topic, ref from live_event order by live_event_id")
    assert [event["live_event_id"] for event in events] == heard
    assert [(event["topic"], event["ref"]) for event in events][-2:] == [
        ("change", change_id),
        ("outcome", change_id),
    ]


async def test_a_reader_who_saw_an_event_never_misses_an_earlier_one(dsn: str) -> None:
    """The second announcer waits for the first to commit, so that ids become visible in their order."""
    async with open_pool(dsn) as pool:
        both_ready = asyncio.Barrier(2)
        visible: list[list[int]] = []

        async def announce(slow: bool) -> None:
            async with transaction(pool) as conn:
                await both_ready.wait()
                await conn.execute("select announce('account', 1)")
                if slow:
                    await conn.execute("select pg_sleep(0.05)")
            async with transaction(pool) as conn:
                rows = await conn.fetch("select live_event_id from live_event order by live_event_id")
            visible.append([row["live_event_id"] for row in rows])

        for _ in range(5):
            await asyncio.gather(announce(slow=True), announce(slow=False))
    assert all(ids == list(range(1, len(ids) + 1)) for ids in visible)


@pytest.mark.parametrize(
    ("packed", "purged_at"),
    [
        pytest.param(None, None, id="no content, and nobody purged it"),
        pytest.param(b"content", NOON, id="purged, but the content is there"),
    ],
)
async def test_evidence_without_content_says_when_it_was_purged(
    pool: Pool, packed: bytes | None, purged_at: datetime | None
) -> None:
    with pytest.raises(Refused):
        async with transaction(pool) as conn:
            await conn.execute(
                "insert into evidence (sha256, packed, purged_at) values ('h', $1, $2)", packed, purged_at
            )


@pytest.mark.parametrize(
    "days",
    [
        pytest.param((1, 1, None, None), id="begins at the look without it"),
        pytest.param((None, 1, 2, None), id="last seen, but not over"),
        pytest.param((None, 1, None, 2), id="over, but never last seen"),
        pytest.param((None, 1, 2, 2), id="ends at the last look with it"),
    ],
)
async def test_a_side_fact_has_times_that_can_be(pool: Pool, days: tuple[int | None, ...]) -> None:
    async with transaction(pool) as conn:
        account_id, _ = await a_change(conn)
    with pytest.raises(Refused):
        async with transaction(pool) as conn:
            await conn.execute(
                """
                insert into fact (
                    account_id, kind, last_absent, first_seen, last_seen, first_absent, recorded_at
                )
                values ($1, 'limited', $2, $3, $4, $5, $6)
                """,
                account_id,
                *(None if n is None else NOON + timedelta(days=n) for n in days),
                NOON,
            )


async def test_a_side_fact_is_open_once_for_each_observer(pool: Pool) -> None:
    async with transaction(pool) as conn:
        account_id, _ = await a_change(conn)
    insert = """
        insert into fact (account_id, observer, kind, first_seen, recorded_at)
        values ($1, $2, 'limited', now(), now())
    """
    async with transaction(pool) as conn:
        await conn.execute(insert, account_id, "")
        await conn.execute(insert, account_id, "other.example")
    with pytest.raises(Refused):
        async with transaction(pool) as conn:
            await conn.execute(insert, account_id, "")

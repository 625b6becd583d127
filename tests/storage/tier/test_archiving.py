"""Moving months into the archive and back, on a real Postgres, killed at every step.

The tests marked `long` guard `storage/tier`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage.imports.imports import import_history
from storage.postgres.errors import Refused, StorageError
from storage.postgres.migrate import grant_running
from storage.postgres.pool import Pool, open_pool, transaction
from storage.postgres.replica import snapshot
from storage.readings import coverage, rosters
from storage.readings.archived_rows import with_archived
from storage.readings.set_aside import set_aside
from storage.tier.archiving import ArchiveStep, archive_closed, archive_month, due_months
from storage.tier.iceberg import ArchiveTable
from storage.tier.months import archived_months, stored_months
from storage.tier.restoring import restore_month
from tests.conftest import NOW
from tests.storage.tier.questions import Question, exports, pages, questions
from tests.support.repeats import repeats
from tests.support.screenshots import invented_record
from tests.support.seeds.changes import Story
from tests.support.seeds.every_page import Everything
from tests.support.table_digests import as_role

JANUARY = date(2021, 1, 1)

KILLED = """
import asyncio, os, signal, sys
from datetime import date, datetime
from storage.tier.archiving import archive_month
from storage.tier.restoring import restore_month

dsn, url, what, after = sys.argv[1:]
left = int(after)

def kill(step, rows):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

now = datetime.fromisoformat("2021-02-01T12:00:00+00:00")
work = (
    archive_month(dsn, url, date(2021, 1, 1), now, "test", kill)
    if what == "archive"
    else restore_month(dsn, date(2021, 1, 1), now, "test", kill)
)
asyncio.run(work)
"""


async def everything(pool: Pool) -> list[tuple[Any, ...]]:
    """All rows of coverage, from wherever they are."""
    async with snapshot(pool) as conn:
        await with_archived(conn, None, None)
        return [
            tuple(r) for r in await conn.fetch("select * from coverage order by slot, roster_id, attempt")
        ]


def table_of(dsn: str, folder: Path) -> ArchiveTable:
    return ArchiveTable(dsn, "public", folder.as_uri(), None)


def rows_in_table(table: ArchiveTable) -> int:
    return sum(file.rows for file in table.files(JANUARY))


async def test_the_current_and_the_previous_month_stay(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    assert await due_months(dsn, NOW, 2) == []
    assert await archive_closed(dsn, tmp_path.as_uri(), NOW, 2, "test") == []
    assert JANUARY in await due_months(dsn, NOW + timedelta(days=28), 2)


async def test_a_month_cannot_be_archived_or_restored_twice(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    with pytest.raises(Refused, match="2021-01 is archived already"):
        await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    await restore_month(dsn, JANUARY, NOW, "test")
    with pytest.raises(Refused, match="2021-01 is not archived"):
        await restore_month(dsn, JANUARY, NOW, "test")


async def killed_at_each_step(pool: Pool, dsn: str, folder: Path, what: str, steps: Sequence[int]) -> None:
    before = await everything(pool)
    for n in steps:
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, dsn, folder.as_uri(), what, str(n)], cwd=Path.cwd(), check=False
        )
        assert ended.returncode == -signal.SIGKILL
        assert await everything(pool) == before
        async with transaction(pool) as conn:
            is_archived = bool(await archived_months(conn))
        if is_archived is (what == "archive"):  # It was killed after its commit: the other way, for the next.
            await (
                restore_month(dsn, JANUARY, NOW, "test")
                if is_archived
                else archive_month(dsn, folder.as_uri(), JANUARY, NOW, "test")
            )
            assert await everything(pool) == before


@pytest.mark.slow
@pytest.mark.again
async def test_an_archiver_that_is_killed_at_any_step_loses_and_doubles_nothing(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    steps = [n % len(ArchiveStep) for n in range(repeats(len(ArchiveStep), 50))]
    await killed_at_each_step(pool, dsn, tmp_path, "archive", steps)
    done = await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    assert rows_in_table(table_of(dsn, tmp_path)) == done.rows


@pytest.mark.slow
async def test_a_restore_that_is_killed_at_any_step_loses_and_doubles_nothing(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    await killed_at_each_step(pool, dsn, tmp_path, "restore", range(4))


async def test_a_request_whose_row_is_in_the_files_alone_is_stored_already(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    async with transaction(pool) as conn:
        before = await conn.fetch(
            "select slot, roster_id, attempt from coverage_row where slot < '2021-02-01T00:00Z'"
        )
    await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    async with transaction(pool) as conn:
        kept = await conn.fetch(
            "select slot, roster_id, attempt from coverage_row where slot < '2021-02-01T00:00Z'"
        )
        slot, roster_id, attempt = next(row for row in before if row not in kept)
        roster = await rosters.roster(conn, roster_id)
        assert roster is not None
        assert await coverage.is_stored(conn, roster, slot, attempt)
        assert not await coverage.is_stored(conn, roster, slot, attempt + 1)


async def test_requests_of_an_archived_month_are_not_set_aside(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    async with transaction(pool) as conn:
        with pytest.raises(Refused, match="Run `blockline unarchive 2021-01` first"):
            await set_aside(conn, story.start, NOW)


async def test_a_record_that_is_imported_again_after_its_month_was_archived_changes_nothing(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    async with transaction(pool) as conn:
        await import_history(conn, invented_record(), NOW)
        months = list(await stored_months(conn))
    for month in months:
        await archive_month(dsn, tmp_path.as_uri(), month, NOW, "test")
    before = await everything(pool)
    assert before
    async with transaction(pool) as conn:
        await import_history(conn, invented_record(), NOW + timedelta(days=1))
    assert await everything(pool) == before


async def test_only_the_owner_of_the_tables_archives(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    role = f"runs_it_{os.getpid()}"
    async with transaction(pool) as conn:
        await conn.execute(f"create role {role}")
    try:
        await grant_running(dsn, role)
        own = as_role(dsn, role)
        with pytest.raises(Refused, match=f"The database role {role} does not own the tables"):
            await archive_month(own, tmp_path.as_uri(), JANUARY, NOW, "test")
        await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
        before = await everything(pool)
        async with open_pool(own, max_size=1) as theirs:
            assert await everything(theirs) == before
        with pytest.raises(Refused, match=f"The database role {role} does not own the tables"):
            await restore_month(own, JANUARY, NOW, "test")
        assert await everything(pool) == before
    finally:
        async with transaction(pool) as conn:
            await conn.execute(f"drop owned by {role}")
            await conn.execute(f"drop role {role}")


async def test_files_that_were_altered_are_not_restored(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    async with transaction(pool) as conn:
        address = await conn.fetchval("select address from archived_file")
    path = address.removeprefix("file://")
    altered = duckdb.read_parquet(path).project("* replace (latency_ms + 1 as latency_ms)")
    altered.write_parquet(f"{path}.new")
    Path(f"{path}.new").replace(path)
    with pytest.raises(StorageError, match="do not have the rows that were archived"):
        await restore_month(dsn, JANUARY, NOW, "test")
    async with transaction(pool) as conn:
        assert len(await archived_months(conn)) == 1


async def test_without_its_files_an_archived_month_is_an_error_and_not_a_gap(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    async with transaction(pool) as conn:
        address = await conn.fetchval("select address from archived_file")
    Path(address.removeprefix("file://")).unlink()
    with pytest.raises(StorageError, match="The archived month 2021-01 cannot be read"):
        await everything(pool)


async def test_pyiceberg_reads_the_rows_that_were_archived(
    pool: Pool, dsn: str, story: Story, tmp_path: Path
) -> None:
    done = await archive_month(dsn, tmp_path.as_uri(), JANUARY, NOW, "test")
    scanned = table_of(dsn, tmp_path).scan()
    keys = set(zip(*(scanned[name].to_pylist() for name in ("slot", "roster_id", "attempt")), strict=True))
    assert (scanned.num_rows, len(keys)) == (done.rows, done.rows)
    async with transaction(pool) as conn:
        assert JANUARY not in await stored_months(conn)


async def answers(pool: Pool, asked: Mapping[str, Question]) -> dict[str, str]:
    """The answer to each question, in a transaction of its own."""
    found: dict[str, str] = {}
    for name, question in asked.items():
        async with snapshot(pool) as conn:
            found[name] = repr(await question(conn))
    return found


def different(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [name for name, answer in after.items() if before[name] != answer]


@pytest.mark.long
async def test_every_question_is_answered_as_before(
    pool: Pool, dsn: str, everything: Everything, tmp_path: Path
) -> None:
    async with transaction(pool) as conn:
        asked = {
            **await questions(conn, NOW, accounts=30),
            **pages(everything.numbers, NOW),
            **exports(NOW),
        }
        months = await stored_months(conn)
    before = await answers(pool, asked)
    again = await answers(pool, asked)
    # A few answers differ each time, as those that name a new token.
    assert len(different(before, again)) < 5
    asked = {name: question for name, question in asked.items() if again[name] == before[name]}
    for month in months:
        await archive_month(dsn, tmp_path.as_uri(), month, NOW, "test")
    async with transaction(pool) as conn:
        left = await conn.fetchval("select count(*) from coverage_row")
        assert [m.month for m in await archived_months(conn)] == list(months)
        assert left < sum(m.rows for m in await archived_months(conn)) / 5
    after = await answers(pool, asked)
    assert len(asked) > 1_500
    assert different(before, after) == []

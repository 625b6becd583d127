"""An export is there whole or not at all, in constant memory, and DuckDB reads what Postgres holds.

The tests marked `long` guard `jobs/export` and `storage/export`.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collectors.x.declaration import X
from jobs.base.errors import CommandError
from jobs.export.export import Exported, ExportRequest, Format, export_to_file, export_to_folder
from jobs.export.parquet import ParquetFolder
from storage.model.evidence.export_kinds import Cell, ExportFilter, Kind
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import become, enlist, roster_of

NOW = minutes(60 * 24 * 90)
BOUND_MB = 40
"""Ten times as many rows may not cost more than this; as objects they would cost a thousand."""


def silent(_rows: int, _at: datetime | None) -> None:
    """Nobody looks at the progress."""


def asked(query: str, *args: object) -> list[tuple[Any, ...]]:
    with duckdb.connect() as duck:
        duck.execute("set timezone = 'UTC'")
        return duck.execute(query, args).fetchall()


async def three_months(conn: Conn) -> None:
    """One account that is blocked and comes back, a month lies between."""
    (one,) = await enlist(conn, X, ["1"])
    roster = await roster_of(conn, [one])
    month = 60 * 24 * 30
    await become(conn, roster, one, None, AVAILABLE, minutes(0))
    await become(conn, roster, one, AVAILABLE, WITHHELD_IN, minutes(month))
    await become(conn, roster, one, WITHHELD_IN, AVAILABLE, minutes(2 * month))
    await become(conn, roster, one, AVAILABLE, SUSPENDED, minutes(2 * month + 60.00001), confirmed=False)


async def parquet(pool: Pool, kind: Kind, path: Path, wanted: ExportFilter | None = None) -> Exported:
    return await export_to_folder(
        pool, ExportRequest(kind, Format.PARQUET, wanted or ExportFilter(NOW)), path, silent
    )


async def test_who_asks_for_one_month_reads_one_file(pool: Pool, tmp_path: Path) -> None:
    async with transaction(pool) as conn:
        await three_months(conn)
    await parquet(pool, Kind.COVERAGE, tmp_path / "coverage")
    plan = asked(
        """
        explain analyze select count(outcome), min(slot) from read_parquet(?, hive_partitioning = true)
        where month = '2021-03'
        """,
        f"{tmp_path}/coverage/**/*.parquet",
    )
    assert "1/3" in str(plan)


def test_row_groups_are_large_and_compressed(tmp_path: Path) -> None:
    columns = {"n": Cell.INTEGER, "x": Cell.NUMBER, "name": Cell.TEXT}
    with ParquetFolder(tmp_path, columns, None, {}) as files:
        for start in range(0, 250_000, 5_000):
            files.write([(n, n / 2, f"name {n}") for n in range(start, start + 5_000)])
    groups = asked(
        "select distinct row_group_id, row_group_num_rows, compression from parquet_metadata(?) order by 1",
        str(tmp_path / "part-0.parquet"),
    )
    assert groups == [(0, 100_000, "ZSTD"), (1, 100_000, "ZSTD"), (2, 50_000, "ZSTD")]


async def test_a_table_that_cannot_be_written_whole_leaves_nothing(pool: Pool, tmp_path: Path) -> None:
    order = ExportRequest(Kind.CHANGES, Format.CSV, ExportFilter(NOW, list_name="nobody"))
    with pytest.raises(CommandError, match="There is no list 'nobody'"):
        await export_to_file(pool, order, tmp_path / "changes.csv", silent)
    with pytest.raises(CommandError, match="There is no list 'nobody'"):
        await export_to_folder(pool, order, tmp_path / "changes", silent)
    assert list(tmp_path.iterdir()) == []


MEASURED = """
import sys
from jobs.cli.main import cli, exit_code
try:
    exit_code(lambda: cli(sys.argv[1:]))
finally:
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM:")), file=sys.stderr)
"""


def peak_mb(dsn: str, arguments: Sequence[object]) -> float:
    """The most memory that one export took, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "export", *map(str, arguments)],
        env=os.environ
        | {"BLOCKLINE_DATABASE_URL": dsn, "PYTHONPATH": str(Path(__file__).parent.parent.parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stderr.split()[-1]) / 1024


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
async def test_memory_does_not_grow_with_the_rows(pool: Pool, dsn: str, tmp_path: Path) -> None:
    rows, every = 500_000, timedelta(seconds=10)
    last = T0 + (rows - 1) * every
    async with transaction(pool) as conn:
        roster = await roster_of(conn, await enlist(conn, X, ["1", "2"]))
        await conn.execute("select ensure_coverage_month('2021-02-01'), ensure_coverage_month('2021-03-01')")
        await conn.execute(
            """
            insert into coverage_row
                (slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome)
            select at, at, at, $1, 100, 0, 0
            from generate_series($2::timestamptz, $3::timestamptz, $4::interval) as at
            """,
            roster.roster_id,
            T0,
            last,
            every,
        )
    few = (T0 + rows // 10 * every).isoformat()
    for form in ("csv", "parquet"):
        what = ("coverage", "--format", form, "--output")
        small = peak_mb(dsn, (*what, tmp_path / f"few.{form}", "--until", few))
        large = peak_mb(dsn, (*what, tmp_path / f"all.{form}"))
        print(f"{form}: {small:.0f} MB for {rows // 10:,} rows, {large:.0f} MB for {rows:,}")
        assert large - small < BOUND_MB, form
    counts = asked(
        """
        select (select count(*) from read_csv(?)),
            (select count(*) from read_parquet(?, hive_partitioning = true) where month = '2021-03'),
            (select max(observed_at) from read_parquet(?))
        """,
        str(tmp_path / "all.csv"),
        f"{tmp_path}/all.parquet/**/*.parquet",
        f"{tmp_path}/all.parquet/**/*.parquet",
    )
    in_march = rows - timedelta(days=28) // every
    assert counts == [(rows, in_march, last)]

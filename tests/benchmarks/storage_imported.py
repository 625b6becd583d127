"""How long a published history takes to come in: the real file of restorations, where it is at hand."""

import gzip
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from jobs.imports.published_records import import_record
from storage.postgres.pool import open_pool
from tests.benchmarks.measuring import Figure, scratch_database

DATA = Path(os.environ.get("TEST_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILE = DATA / "account_restorations.csv.gz"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def figures() -> Iterator[Figure]:
    if not FILE.exists():
        return
    with scratch_database() as dsn:
        seconds, changes = uvloop.run(_import(dsn, FILE))
    yield Figure("history_import_s", seconds, "s", "lower")
    yield Figure("history_import_changes_per_s", changes / seconds, "changes/s", "higher")


async def _import(dsn: str, file: Path) -> tuple[float, int]:
    """From the bytes of the file to the commit. Lines that contradict others are left out."""
    async with open_pool(dsn) as pool:
        packed = file.read_bytes()
        started = time.perf_counter()
        content = gzip.decompress(packed)
        await import_record(
            pool, content, file.name, NOW, lambda _: None, source="restorations", list_name=None, partial=True
        )
        seconds = time.perf_counter() - started
        return seconds, await pool.fetchval("select count(*) from change")

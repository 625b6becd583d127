"""A year of 100,000 accounts with eleven months archived: the same answers, in what space and time.

Some 10,000 accounts are read every 15 minutes. Each question is asked before and after, and the reference of
its time is the time that it took before. The benchmark fails if one answer differs.
"""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import uvloop

from storage.postgres.pool import Conn, Pool, connect, open_pool
from storage.postgres.replica import snapshot
from storage.tier.archiving import archive_month
from storage.tier.months import archived_months, stored_months
from tests.benchmarks.measuring import Figure, scratch_database
from tests.storage.tier.questions import Question, exports, questions
from tests.support.seeds.large_database import ROSTER_SIZE, Size, build

SIZE: Final = Size(cohort=100 * ROSTER_SIZE)
AGO: Final = tuple(timedelta(days=days) for days in (0, 200, 300))
TIMED: Final = {
    "readings": "account_readings_ms",
    "gaps": "account_gaps_ms",
    "film": "replay_film_ms",
    "status at": "status_at_ms",
    "account": "account_now_ms",
    "everything live": "live_now_ms",
}
"""Questions of which the median is printed; those between two times are about 100 to 300 days."""

Answers = Mapping[str, tuple[str, float]]
"""Of each question the hash of its answer, and the seconds that it took."""


def figures() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-archive-"))
    try:
        with scratch_database() as dsn:
            yield from uvloop.run(_measure(dsn, folder))
    finally:
        shutil.rmtree(folder)


async def _measure(dsn: str, folder: Path) -> list[Figure]:
    conn = await connect(dsn)
    try:
        await build(conn, SIZE)
        asked = {**await questions(conn, SIZE.until, AGO, accounts=2), **exports(SIZE.until)}
        # The changes were written without their entries in the hash chain.
        asked = {name: one for name, one in asked.items() if not name.startswith("pack (")}
        rows, size = await conn.fetchval("select count(*) from coverage_row"), await _size(conn)
        copied = await _copied(conn, folder)
        async with open_pool(dsn, max_size=1) as pool:
            before = await _answers(pool, asked)
            months = list(await stored_months(conn))[:-1]
            started = time.perf_counter()
            for month in months:
                await archive_month(dsn, folder.as_uri(), month, SIZE.until, "bench")
            took = time.perf_counter() - started
            after = await _answers(pool, asked)
        archived = await archived_months(conn)
        left = await _size(conn)
    finally:
        await conn.close()
    if wrong := [name for name in asked if before[name][0] != after[name][0]]:
        raise AssertionError(f"{len(wrong)} of {len(asked)} answers differ, first: {wrong[:3]}")
    moved = sum(m.rows for m in archived)
    return [
        Figure("same_answers", len(asked), "questions", "higher"),
        Figure("archived_rows_per_s", moved / took, "rows/s", "higher", rows / copied),
        Figure("file_bytes_per_row", sum(m.size for m in archived) / moved, "B", "lower", size / rows),
        Figure("database_megabytes", left / 1e6, "MB", "lower", size / 1e6),
        *_times(before, after),
    ]


async def _size(conn: Conn) -> int:
    return await conn.fetchval(
        """
        select sum(pg_total_relation_size(inhrelid))::bigint from pg_inherits
        where inhparent = 'coverage_row'::regclass
        """
    )


async def _copied(conn: Conn, folder: Path) -> float:
    """Seconds to copy all rows to a file of text, which is the plainest archive."""
    started = time.perf_counter()
    await conn.copy_from_query("select * from coverage", output=folder / "plain.tsv")
    return time.perf_counter() - started


async def _answers(pool: Pool, asked: Mapping[str, Question]) -> Answers:
    found: dict[str, tuple[str, float]] = {}
    for name, question in asked.items():
        started = time.perf_counter()
        async with snapshot(pool) as conn:
            answer = await question(conn)
        took = time.perf_counter() - started
        found[name] = hashlib.sha256(repr(answer).encode()).hexdigest(), took
    return found


def _times(before: Answers, after: Answers) -> Iterator[Figure]:
    for begins, name in TIMED.items():
        names = [one for one in before if one.startswith(f"{begins} (")]
        yield Figure(name, _median_ms(after, names), "ms", "lower", _median_ms(before, names))


def _median_ms(answers: Answers, names: list[str]) -> float:
    took = sorted(answers[name][1] for name in names)
    return took[len(took) // 2] * 1000

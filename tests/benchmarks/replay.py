"""Deciding again over a recorded history. Reference: every reading through `step`, one by one.

The history is rehearsed first, as a whole, so that the readings and changes are those of the real pipeline;
where it is not on the machine an invented one is played.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import uvloop

from collectors.simulator.history_files import load_history
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.redetect import ConfirmedOn, Folding
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import rehearse, span
from jobs.replay.replay import Redecided, redecide
from storage.model.bitemporal.reading_columns import Course
from storage.model.core.accounts import lists_at
from storage.postgres.pool import open_pool
from storage.postgres.replica import snapshot
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.samples.invented_histories import write_history

EVERY = timedelta(days=float(os.environ.get("BENCH_REPLAY_DAYS", "4")))
REFERENCE_READINGS = 300_000
RULE = ConfirmationRule()


def figures() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-"))
    try:
        with scratch_database() as dsn:
            found, cpu_s = uvloop.run(_decided(_history(folder), dsn))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    reference = _one_by_one(found.courses.accounts)
    took = found.load_s + found.decide_s
    yield Figure("redecide_readings_per_s", found.courses.readings / took, "readings/s", "higher", reference)
    yield Figure("redecide_readings_per_cpu_s", found.courses.readings / cpu_s, "readings/cpu-s", "higher")
    yield Figure("redecide_readings", found.courses.readings, "readings", "higher")
    yield Figure("redecide_load_s", found.load_s, "s", "lower")
    yield Figure("redecide_decide_s", found.decide_s, "s", "lower")
    yield Figure("redecide_tell_s", found.tell_s, "s", "lower")
    yield Figure("redecide_differences", len(found.compared.differences), "changes", "lower")
    yield Figure("redecide_mails_otherwise", len(found.mails.differences), "mails", "lower")


def _history(folder: Path) -> Path:
    data = Path(os.environ.get("TEST_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    recorded = data / "account_status_history.csv.gz"
    return recorded if recorded.exists() else write_history(folder / "history.csv", accounts=5_000, days=60)


async def _decided(path: Path, dsn: str) -> tuple[Redecided, float]:
    history = load_history(path)
    first, last = span(history)
    await rehearse(path, None, history, SimulationPlan(first, last, EVERY), "none", dsn, lambda _: None)
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        started = time.process_time()
        found = await redecide(conn, first, last + timedelta.resolution)
        return found, time.process_time() - started


def _one_by_one(courses: Sequence[Course]) -> float:
    """Readings a second, the accounts side by side in time as far as that is measured."""
    folding = [Folding(c.known, c.flags) for c in courses]
    events: list[tuple[int, int, int]] = []
    for number, course in enumerate(courses):
        events += [(at, number, n) for n, at in enumerate(course.columns.at)]
        if len(events) >= REFERENCE_READINGS:
            break
    confirmed_on = ConfirmedOn({})
    started = time.perf_counter()
    for _, number, n in sorted(events):
        asked = courses[number].asked(n)
        folding[number].take(
            asked, lists_at(courses[number].memberships, asked.reading.at), confirmed_on, RULE
        )
    return len(events) / (time.perf_counter() - started)

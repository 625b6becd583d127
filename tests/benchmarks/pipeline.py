"""The collecting path over real sockets, and the whole pipeline with mails against a history.

Plan, request through tweepy, parse, judge, record: `readings_per_s_per_core` counts the processor time of
the process that does this, and of no other: simulator and Postgres are processes of their own. Reference: one
request per account through the same path. The `share_*` say where that time goes, by samples from the same
run; `request` is tweepy, aiohttp and our session, `loop` what belongs to nobody.

Posts of X through the collecting path, beside as many accounts in the same run.

Plan, request through tweepy, parse, judge, record, over real sockets, in the processor time of the process
that collects. X sends the author with each post, so there is more to parse.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import uvloop

from collectors.simulator.history import History
from collectors.simulator.history_files import load_history
from collectors.x.collector import XCollector
from collectors.x.declaration import SIMULATED_TOKEN, X
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import RehearsalReport, rehearse
from jobs.rehearsal.simulators import spawn
from tests.benchmarks.collecting import Collected, OneByOne, collect, write_quiet_history
from tests.benchmarks.measuring import Figure, Sampler, scratch_database
from tests.support.samples.readings import T0, write_history

ACCOUNTS = 9_800


SWEEPS = 20


ALONE = 1_000
"""Accounts of the reference, which is asked for one at a time."""


BUSY = 2_000
"""Accounts of a busy day: each changes about four times."""


REHEARSED = 500


FIELDS = "name,username,protected,withheld"


_PARSE = ("x/collector.py", "x/lookup.py", "x/wire/", "core/wire.py", "core/collector.py")


_RECORD = (
    "changes/record.py",
    "changes/spells.py",
    "readings/coverage.py",
    "readings/evidence.py",
    "postgres/pool.py",
    "accounts/side_facts.py",
    "accounts/accounts.py",
    "alerts/creation.py",
)


PARTS = (
    ("parse", tuple(f"collectors/{name}" for name in _PARSE)),
    ("request", ("collectors/", "tweepy/", "aiohttp/", "yarl/", "multidict/")),
    ("judge", ("jobs/detect/",)),
    ("record", ("jobs/collect/recorder.py", "asyncpg/", *(f"storage/{name}" for name in _RECORD))),
    ("plan", ("jobs/",)),
)
"""The nouns of `storage.model` belong to whoever makes them."""


def figures() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-"))
    try:
        quiet = write_quiet_history(folder / "quiet.csv", ACCOUNTS)
        sampler = Sampler(PARTS)
        many = _collected(quiet, XCollector, canaries=2, sampler=sampler)
        alone = _collected(write_quiet_history(folder / "alone.csv", ALONE), OneByOne, sweeps=2)
        bare = uvloop.run(_bare(quiet, load_history(quiet)))
        yield from _said(many, alone, bare)
        for name, share in sampler.shares().items():
            yield Figure(f"share_{name}", share * 100, "% of the processor time", "lower")
        busy = _collected(write_history(folder / "busy.csv", BUSY, days=1), XCollector, canaries=2)
        yield Figure(
            "readings_per_s_per_core_busy", busy.per_cpu_s, "readings/cpu-s", "higher", many.per_cpu_s
        )
        with scratch_database() as dsn:
            told = write_history(folder / "history.csv", accounts=REHEARSED, days=1)
            found = uvloop.run(_rehearse(told, load_history(told), dsn))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rehearsed = float(str(found.figures["readings_per_s"]))
    yield Figure("rehearsed_readings_per_s", rehearsed, "readings/s", "higher")
    yield Figure("false_changes", len(found.verdict.false), "changes", "lower")


def _collected(
    told: Path,
    collector_of: type[XCollector],
    *,
    sweeps: int = SWEEPS,
    canaries: int = 0,
    sampler: Sampler | None = None,
) -> Collected:
    with scratch_database() as dsn:
        return uvloop.run(collect(told, dsn, collector_of, sweeps, canaries=canaries, sampler=sampler))


async def _rehearse(told: Path, history: History, dsn: str) -> RehearsalReport:
    plan = SimulationPlan(T0, T0 + timedelta(days=1), timedelta(hours=1))
    return await rehearse(told, None, history, plan, "none", dsn, lambda _: None)


async def _bare(told: Path, history: History) -> float:
    """Requests a second that the simulator answers when nothing is done with them, eight at a time."""
    ids = [a.native_id for a in history.accounts]
    hundreds = [",".join(ids[i : i + 100]) for i in range(0, len(ids), 100)] * 10
    todo = iter(hundreds)
    async with (
        spawn(told) as simulators,
        aiohttp.ClientSession(
            simulators.addresses[X], headers={"Authorization": f"Bearer {SIMULATED_TOKEN}"}
        ) as session,
    ):

        async def ask() -> None:
            for part in todo:
                async with session.get(f"/2/users?ids={part}&user.fields={FIELDS}") as answer:
                    await answer.read()

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(ask())
        return len(hundreds) / (time.perf_counter() - started)


def _said(many: Collected, alone: Collected, bare: float) -> Iterator[Figure]:
    yield Figure("readings_per_s", many.readings / many.wall_s, "readings/s", "higher", bare * 100)
    yield Figure("readings_per_s_per_core", many.per_cpu_s, "readings/cpu-s", "higher", alone.per_cpu_s)
    yield Figure("requests_per_s", many.requests / many.wall_s, "requests/s", "higher", bare)
    yield Figure("rss_mb", many.rss_mb, "MB", "lower")


EACH = 9_800


POSTS_SWEEPS = 100
"""So many that a table's pages are full, and its beginning counts for little."""

"""The whole pipeline: simulator, tweepy, detection, Postgres, mail. Reference: the bare requests alone."""

import asyncio
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import uvloop

from collectors.simulator.files import load_history
from collectors.simulator.history import History
from jobs.rehearse import Report, rehearse
from jobs.simulated import Plan
from jobs.simulators import TOKEN, spawn
from storage.model.accounts import Platform
from tests.benchmarks.figure import Figure
from tests.benchmarks.scratch import scratch_database
from tests.factories import T0
from tests.histories import write_history

ACCOUNTS = 5_000
SWEEPS = 48
FIELDS = "name,username,protected,withheld"


def figures() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-"))
    try:
        told = write_history(folder / "history.csv", accounts=ACCOUNTS, days=2)
        history = load_history(told)
        batched, single = uvloop.run(_bare(told, history))
        with scratch_database() as dsn:
            found = uvloop.run(_rehearse(told, history, dsn))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield from _said(found, batched, single)


async def _rehearse(told: Path, history: History, dsn: str) -> Report:
    plan = Plan(T0, T0 + timedelta(hours=SWEEPS - 1), timedelta(hours=1))
    return await rehearse(told, None, history, plan, "none", dsn, lambda _: None)


async def _bare(told: Path, history: History) -> tuple[float, float]:
    """Accounts a second that the simulator answers: a hundred a request, and one a request."""
    ids = [a.native_id for a in history.accounts]
    async with (
        spawn(told) as simulators,
        aiohttp.ClientSession(
            simulators.addresses[Platform.X], headers={"Authorization": f"Bearer {TOKEN}"}
        ) as session,
    ):
        hundreds = [",".join(ids[i : i + 100]) for i in range(0, len(ids), 100)]
        batched = await _rate(
            session, [f"/2/users?ids={part}&user.fields={FIELDS}" for part in hundreds * 10]
        )
        single = await _rate(session, [f"/2/users/{i}?user.fields={FIELDS}" for i in ids[:1500]])
    return batched * 100, single


async def _rate(session: aiohttp.ClientSession, paths: list[str]) -> float:
    """Requests a second, eight at a time."""
    todo = iter(paths)

    async def ask() -> None:
        for path in todo:
            async with session.get(path) as answer:
                await answer.read()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(ask())
    return len(paths) / (time.perf_counter() - started)


def _said(found: Report, batched: float, single: float) -> Iterator[Figure]:
    told = found.figures
    readings, wall_s, cpu_s = (float(str(told[k])) for k in ("readings", "wall_s", "cpu_s"))
    requests = float(str(told["requests"]))
    yield Figure("readings_per_s", readings / wall_s, "readings/s", "higher", batched)
    yield Figure("readings_per_s_per_core", readings / cpu_s, "readings/cpu-s", "higher", single)
    yield Figure("requests_per_s", requests / wall_s, "requests/s", "higher", batched / 100)
    yield Figure("rss_mb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB", "lower")
    yield Figure("false_changes", len(found.verdict.false), "changes", "lower")

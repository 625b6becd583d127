"""What the figures of `blockline plan` rest on (storage/model/sizing/facts.py). `make bench GROUP=sizing`.

Quiet accounts on each platform, read over real sockets from a simulator in another process: processor time of
the process that collects, and the memory that it holds. Postgres is a process of its own and is not counted.
"""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import uvloop

from collectors.simulator.history import History
from collectors.simulator.history_files import load_history
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from jobs.rehearsal.pipeline import collector_at, enlist, set_controls, simulated_canaries, simulated_hosts
from jobs.rehearsal.simulators import played, spawn
from storage.model.core.accounts import Platform
from storage.postgres.pool import open_pool
from tests.benchmarks.collecting import RunningClock
from tests.benchmarks.measuring import Figure, cpu_s, rss_bytes, scratch_database
from tests.support.samples.readings import HEADER, T0

FEW, MANY = 1_000, 11_000
PARTS, SWEEPS_A_PART = 4, 5
"""The part that took least processor time is told: other work on the machine can only add to it."""
EVERY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Measured:
    cpu_s_per_request: float
    readings_per_cpu_s: float
    rss_bytes: int


def figures() -> Iterator[Figure]:
    for platform in Platform:
        few, many = _measured(platform, FEW), _measured(platform, MANY)
        each = (many.rss_bytes - few.rss_bytes) / (MANY - FEW)
        name = platform.value
        yield Figure(f"cpu_ms_per_request_{name}", 1000 * many.cpu_s_per_request, "ms", "lower")
        yield Figure(f"readings_per_cpu_s_{name}", many.readings_per_cpu_s, "readings/cpu-s", "higher")
        yield Figure(f"memory_per_account_{name}", each, "bytes", "lower")
        yield Figure(f"memory_of_a_process_{name}", few.rss_bytes - FEW * each, "bytes", "lower")


def _measured(platform: Platform, accounts: int) -> Measured:
    """Read in a process of its own: what ran in this one before left memory that would be used again."""
    with tempfile.TemporaryDirectory(prefix="blockline-bench-") as folder, scratch_database() as dsn:
        told = Path(folder) / "history.csv"
        quiet = (f"x,{10_000 + n},h{n},2021-01-01T00:00:00Z,available,," for n in range(accounts))
        told.write_text("\n".join([HEADER, *quiet]))
        history = played(load_history(told), platform.value)
        uvloop.run(_enlist(dsn, history))
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            return fresh.submit(_measure, told, platform, dsn, simulated_hosts(history.accounts)).result()


async def _enlist(dsn: str, history: History) -> None:
    async with open_pool(dsn, max_size=1) as pool:
        canaries = simulated_canaries(history)
        await set_controls(pool, canaries, dict.fromkeys(canaries, lambda _: ""), T0)
        await enlist(pool, history.accounts, T0)


def _measure(told: Path, platform: Platform, dsn: str, hosts: Sequence[str]) -> Measured:
    return uvloop.run(_read(told, platform, dsn, hosts))


async def _read(told: Path, platform: Platform, dsn: str, hosts: Sequence[str]) -> Measured:
    clock = RunningClock(T0)
    async with (
        spawn(told, platform=platform.value) as simulators,
        open_pool(dsn, max_size=8) as pool,
        collector_at(platform, simulators.addresses[platform], hosts) as collector,
    ):
        monitor = reading_pipeline(
            pool, collector, ConfirmationRule(), MonitorSettings(Sweep(EVERY, T0)), clock
        )
        await monitor.load()
        await simulators.set_clock(T0)
        await monitor.tick()
        costs: list[float] = []
        for part in range(PARTS):
            before, used = replace(monitor.tally), cpu_s()
            for number in range(SWEEPS_A_PART):
                now = T0 + (1 + part * SWEEPS_A_PART + number) * EVERY
                await simulators.set_clock(now)
                clock.set(now)
                await monitor.tick()
                monitor.next_due()
            costs.append((cpu_s() - used) / (monitor.tally.requests - before.requests))
            readings = monitor.tally.readings - before.readings
            assert readings == SWEEPS_A_PART * len(monitor.accounts()), "somebody was not read"
        each = monitor.tally.readings / monitor.tally.requests
        return Measured(min(costs), each / min(costs), rss_bytes())

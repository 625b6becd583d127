"""The collecting path alone, from plan to commit, in the processor time of the process that collects.

The simulator and Postgres are other processes and are not counted; the sockets to both are. Nearly all
readings say what the one before said, as in a real watch.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from collectors.simulator.history_files import load_history
from collectors.transport.client import HttpOptions, Retry
from collectors.x.collector import XCollector
from collectors.x.declaration import SIMULATED_TOKEN, X
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from jobs.rehearsal.pipeline import enlist, set_controls, simulated_canaries
from jobs.rehearsal.simulators import spawn
from storage.postgres.pool import open_pool
from tests.benchmarks import measuring
from tests.benchmarks.measuring import Sampler
from tests.support.samples.readings import HEADER, T0

EVERY = timedelta(minutes=15)
_WARM_UP = timedelta(hours=2)
"""By then everybody was read often enough to stand confirmed."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was read after the warm-up, and what it took."""

    readings: int
    requests: int
    cpu_s: float
    wall_s: float
    rss_mb: float
    bytes_per_reading: float
    """Of coverage and rosters, with their indexes, over all readings."""

    @property
    def per_cpu_s(self) -> float:
        return self.readings / self.cpu_s


class OneByOne(XCollector):
    """The plainest way to read: one account a request."""

    @property
    def batch_size(self) -> int:
        return 1


class RunningClock:
    """Runs on from the moment that it was set to, so that an answer comes later than its question."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def set(self, now: datetime) -> None:
        self._set_to, self._set_at = now, time.perf_counter()

    def __call__(self) -> datetime:
        return self._set_to + timedelta(seconds=time.perf_counter() - self._set_at)


def write_quiet_history(path: Path, accounts: int, *, are_posts: bool = False) -> Path:
    """Accounts or posts of three lists; one in a hundred is withheld for an hour on the first day, at its own
    time.
    """
    rows = [HEADER]
    for n in range(accounts):
        named, watched_as = f"x,{10_000 + n},handle_{n}", f"Order {n % 3}"
        if are_posts:
            named = f"x,post:{10_000 + n},author_{n}/{10_000 + n}"
        rows.append(f"{named},2021-01-01T00:00:00Z,available,,{watched_as}")
        if n % 100 == 0:
            begin = T0 + timedelta(seconds=n * 86_400 // accounts)
            rows.append(f"{named},{begin.isoformat()},withheld,IN,{watched_as}")
            rows.append(f"{named},{(begin + timedelta(hours=1)).isoformat()},available,,{watched_as}")
    path.write_text("\n".join(rows) + "\n")
    return path


async def collect(
    told: Path,
    dsn: str,
    collector_of: Callable[..., XCollector],
    sweeps: int,
    *,
    canaries: int,
    sampler: Sampler | None = None,
) -> Collected:
    """Read everybody of a history `sweeps` times after the warm-up, on an empty, migrated database."""
    history = load_history(told)
    clock = RunningClock(T0)
    settings = MonitorSettings(Sweep(EVERY, T0), canaries_per_request=canaries)
    async with (
        spawn(told) as simulators,
        collector_of(
            SIMULATED_TOKEN,
            base_url=simulators.addresses[X],
            http=HttpOptions(retry=Retry(attempts=0)),
        ) as collector,
        open_pool(dsn, max_size=10) as pool,
    ):
        if canaries:
            await set_controls(pool, simulated_canaries(history), {X: collector.place}, T0)
        await enlist(pool, history.accounts, T0)
        monitor = reading_pipeline(pool, collector, ConfirmationRule(), settings, clock)
        await monitor.load()
        begin = T0 + _WARM_UP
        cpu_s = wall_s = 0.0
        readings = requests = 0
        now = T0
        while now < begin + sweeps * EVERY:
            counted = now >= begin
            await simulators.set_clock(now)
            clock.set(now)
            if not counted:
                readings, requests = monitor.tally.readings, monitor.tally.requests
            elif sampler is not None:
                sampler.start()
            used, started = measuring.cpu_s(), time.perf_counter()
            await monitor.tick()
            due = monitor.next_due()
            if counted:
                cpu_s += measuring.cpu_s() - used
                wall_s += time.perf_counter() - started
                if sampler is not None:
                    sampler.stop()
            now = max(due, now + timedelta(seconds=1))
        stored = await pool.fetchval(
            """
            select sum(pg_total_relation_size(c.oid)) from pg_class c
            where c.oid = 'roster'::regclass or c.oid in (
                select inhrelid from pg_inherits where inhparent = 'coverage_row'::regclass
            )
            """
        )
    return Collected(
        monitor.tally.readings - readings,
        monitor.tally.requests - requests,
        cpu_s,
        wall_s,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        float(stored) / monitor.tally.readings,
    )

"""The planner of the product against a sweep, at equal readings, through the whole of Blockline.

The scenario of the group `planner`, one of its histories, over real sockets: asked, judged, confirmed and
mailed. Reference of a ratio: the same history in the simulation of that group. A sweep reads everybody at one
time of the day, so that what it sees of a short spell is a matter of the hour: it is played at four of them.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvloop

from collectors.simulator.history_files import load_history
from jobs.planning.change_rates import DAY, HOUR
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import RehearsalReport, rehearse
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import open_pool, transaction
from storage.readings import rehearsal_readback
from tests.benchmarks.measuring import Figure, scratch_database
from tests.benchmarks.planner import ACCOUNTS, DAYS, Pair, Wanted, simulated
from tests.support.samples.planner_scenario import (
    BLOCK,
    RESTORATION,
    SINGLE,
    A,
    Scenario,
    Seen,
    looks,
    moment,
    scenario,
    write_scenario,
)

SEED = 101
HOURS = (0, 6, 12, 18)
SINCE = DAY
"""Until then not every one of them has read everybody."""


@dataclass(frozen=True, slots=True)
class _Run:
    report: RehearsalReport
    seen: Seen

    def figure(self, name: str) -> int:
        return int(str(self.report.figures[name]))


def figures() -> Iterator[Figure]:
    told = scenario(SEED, ACCOUNTS, DAYS)
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-"))
    try:
        path = write_scenario(folder / "scenario.csv.gz", told)
        adaptive = _rehearsed(path, told, PlannerKind.ADAPTIVE, 0)
        sweeps = [_rehearsed(path, told, PlannerKind.SWEEP, hour) for hour in HOURS]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    both = Pair(_together([s.seen for s in sweeps]), adaptive.seen)
    by_itself = simulated(told, SEED)
    for name, wanted in _CAUSES.items():
        yield Figure(
            f"{name}_delay_h", both.adaptive.mean(wanted) / HOUR, "h", "lower",
            both.by_turn.mean(wanted) / HOUR,
        )  # fmt: skip
        yield Figure(
            f"{name}_delay_ratio", both.ratio(wanted), "of a sweep", "lower", by_itself.ratio(wanted)
        )
    yield Figure("missed_spells_share", _missed(both.adaptive), "of spells", "lower", _missed(both.by_turn))
    yield Figure(
        "readings", adaptive.figure("readings"), "readings", "lower",
        sum(s.figure("readings") for s in sweeps) / len(sweeps),
    )  # fmt: skip
    runs = [adaptive, *sweeps]
    yield Figure("false_changes", sum(len(r.report.verdict.false) for r in runs), "changes", "lower")
    yield Figure(
        "wrong_intervals", sum(len(r.report.verdict.wrong_interval) for r in runs), "changes", "lower"
    )
    yield Figure("adaptive_cpu_s", float(str(adaptive.report.figures["cpu_s"])), "cpu-s", "lower")


_CAUSES: dict[str, Wanted] = {
    "block": lambda k: k == (A, BLOCK),
    "restore": lambda k: k == (A, RESTORATION),
    "unrelated": lambda k: k == (SINGLE, BLOCK),
    "all": lambda _: True,
}


def _rehearsed(path: Path, told: Scenario, planner: PlannerKind, hour: int) -> _Run:
    start = moment(hour * HOUR)
    # A sweep at the very end would be one more than there are days.
    plan = SimulationPlan(start, moment(told.end) - timedelta(minutes=1), timedelta(days=1), planner=planner)
    with scratch_database() as dsn:
        return uvloop.run(_run(path, told, plan, dsn))


async def _run(path: Path, told: Scenario, plan: SimulationPlan, dsn: str) -> _Run:
    report = await rehearse(path, None, load_history(path), plan, "none", dsn, lambda _: None)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return _Run(report, looks(told, await rehearsal_readback.reading_times(conn), SINCE))


def _together(all_of_them: Sequence[Seen]) -> Seen:
    whole = Seen(spells=sum(s.spells for s in all_of_them), missed=sum(s.missed for s in all_of_them))
    for seen in all_of_them:
        for key, delays in seen.delays.items():
            whole.delays.setdefault(key, []).extend(delays)
    return whole


def _missed(seen: Seen) -> float:
    return seen.missed / seen.spells

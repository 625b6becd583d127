"""The adaptive planner beside a sweep through the whole of Blockline: real sockets, as many readings.

The tests marked `long` guard `jobs/planning`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from collectors.simulator.history_files import load_history
from jobs.planning.change_rates import DAY, HOUR
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import RehearsalReport, rehearse
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import open_pool, transaction
from storage.readings import rehearsal_readback
from tests.support.samples.planner_scenario import (
    BLOCK,
    FIRST_ID,
    RESTORATION,
    A,
    Flip,
    Scenario,
    Seen,
    looks,
    moment,
    write_scenario,
)

ACCOUNTS, LISTED = 2_500, 150


def order_at_noon() -> Scenario:
    """An order of a known list: its accounts are blocked in the hour after a noon, restored two days later.

    Sweeps are made at midnight, so that what they take to see it is what they take on average.
    """
    random = np.random.default_rng(5)
    members = random.permutation(ACCOUNTS)[:LISTED]
    blocks = [Flip(1.5 * DAY + random.uniform(0, HOUR), int(m), A, BLOCK) for m in members]
    back = [Flip(3.5 * DAY + random.uniform(0, HOUR), int(m), A, RESTORATION) for m in members]
    return Scenario(ACCOUNTS, 4.5 * DAY, [members], sorted([*blocks, *back], key=lambda f: f.at))


async def rehearsed(
    path: Path, told: Scenario, planner: PlannerKind, dsn: str
) -> tuple[RehearsalReport, Seen]:
    plan = SimulationPlan(
        moment(0), moment(told.end) - timedelta(minutes=1), timedelta(days=1), planner=planner
    )
    found = await rehearse(path, None, load_history(path), plan, "none", dsn, lambda _: None)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return found, looks(told, await rehearsal_readback.reading_times(conn), 0)


@pytest.mark.long
async def test_a_block_of_a_known_list_and_its_restoration_are_seen_much_sooner_with_as_many_readings(
    tmp_path: Path, fresh_database: Callable[[], AbstractContextManager[str]]
) -> None:
    told = order_at_noon()
    path = write_scenario(tmp_path / "scenario.csv.gz", told)
    with fresh_database() as one, fresh_database() as other:
        swept, by_turn = await rehearsed(path, told, PlannerKind.SWEEP, one)
        found, adaptive = await rehearsed(path, told, PlannerKind.ADAPTIVE, other)
    for report in (swept, found):
        assert report.is_right
        assert report.verdict.unseen == []
        assert report.verdict.detected == 2 * LISTED
    for kind in (BLOCK, RESTORATION):
        assert np.mean(adaptive.delays[A, kind]) < 0.4 * np.mean(by_turn.delays[A, kind])
    assert int(str(found.figures["readings"])) <= int(str(swept.figures["readings"]))


def test_each_change_counts_until_the_next_reading_and_what_was_over_by_then_is_missed() -> None:
    flips = [
        Flip(10, 0, A, BLOCK),
        Flip(20, 0, A, RESTORATION),
        Flip(40, 0, A, BLOCK),
        Flip(90, 0, A, RESTORATION),
    ]
    told = Scenario(1, 100, [], flips)
    readings = {str(FIRST_ID): [moment(0), moment(30), moment(70), moment(80)]}
    seen = looks(told, readings, 0)
    assert seen.delays == {(A, BLOCK): [20, 30], (A, RESTORATION): [10]}
    assert (seen.spells, seen.missed) == (2, 1)

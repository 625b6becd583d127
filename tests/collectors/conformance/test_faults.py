"""Every platform at its worst: no fault of it becomes a reading that is not true."""

import pytest

from collectors.simulator.faults import PROFILES, FaultKind, FaultPlan, Outage, profile
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from tests.collectors.conformance.stage import HOUR, staged
from tests.support.samples.readings import T0

LIES = {FaultKind.ALL_NOT_FOUND, FaultKind.LABELS_DROPPED}
"""No collector can tell them from the truth: the control accounts in the same answer do."""


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in LIES])
async def test_no_fault_makes_a_reading_that_differs_from_the_truth(
    platform: Platform, kind: FaultKind
) -> None:
    async with staged(platform, FaultPlan({kind: 100_000}, hang_s=0.01)) as stage:
        for n in range(3):
            await stage.move_to(T0 + n * HOUR)
            await stage.read_truly(T0 + n * HOUR)


ROUNDS = 50
"""Half an hour apart: every period of a profile comes at least once."""


def tells_the_truth(plan: FaultPlan) -> bool:
    periodic = {kind for period in plan.periods for kind in period.kinds}
    return not plan.lies and not LIES & (periodic | plan.weights.keys())


@pytest.mark.slow
@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("name", [name for name, plan in PROFILES.items() if tells_the_truth(plan)])
async def test_under_every_profile_that_does_not_lie_what_is_read_is_the_truth(
    platform: Platform, name: str
) -> None:
    readings = 0
    async with staged(platform, profile(name, seed=3)) as stage:
        for n in range(ROUNDS):
            await stage.move_to(T0 + n * HOUR / 2)
            readings += len((await stage.read_truly(T0 + n * HOUR / 2)).readings)
        assert readings > len(stage.accounts) * ROUNDS / 2


@pytest.mark.parametrize("platform", Platform)
async def test_in_an_outage_nothing_is_read_and_afterwards_everything(platform: Platform) -> None:
    faults = profile("none", outages=(Outage(T0 + HOUR, T0 + 2 * HOUR),))
    async with staged(platform, faults) as stage:
        counts: list[int] = []
        for n in range(5):
            await stage.move_to(T0 + n * HOUR / 2)
            counts.append(len((await stage.read_truly(T0 + n * HOUR / 2)).readings))
        everybody = len(stage.accounts)
        assert counts == [everybody, everybody, 0, 0, everybody]


@pytest.mark.parametrize("platform", Platform)
async def test_an_answer_that_nobody_exists_says_no_other_untruth(platform: Platform) -> None:
    async with staged(platform, FaultPlan({FaultKind.ALL_NOT_FOUND: 100_000})) as stage:
        truth = stage.truth(T0)
        for reading in (await stage.read(T0)).readings:
            assert reading.state in {truth[reading.native_id], State(Status.NOT_FOUND)}

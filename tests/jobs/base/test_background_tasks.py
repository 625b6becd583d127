"""What fails beside other work is told: one fault is raised, and what the others say besides is logged."""

from collections.abc import Sequence

import pytest

from jobs.base.background_tasks import BackgroundTasks
from storage.postgres.pool import StorageError

AWAY, FULL = "the database is away", "the disk is full"


async def fail(fault: Exception) -> None:
    raise fault


async def told(under_way: BackgroundTasks, faults: Sequence[Exception]) -> Exception | None:
    """What is raised of these, which happened one after the other."""
    for fault in faults:
        under_way.begin(fail(fault))
        await under_way.wait(None)
    return under_way.fault()


@pytest.mark.parametrize(
    ("faults", "raised", "logged"),
    [
        pytest.param([], None, [], id="without a fault nothing is told"),
        pytest.param([StorageError(AWAY)], 0, [], id="a single fault is raised"),
        pytest.param(
            [StorageError(AWAY), StorageError(AWAY)], 0, [], id="of several that say the same one is told"
        ),
        pytest.param(
            [StorageError(AWAY), StorageError(FULL), StorageError(FULL)],
            0,
            [FULL],
            id="what another one says besides is logged once",
        ),
        pytest.param(
            [StorageError(AWAY), KeyError(7)], 1, [AWAY], id="one that nobody foresaw hides behind no other"
        ),
        pytest.param(
            [KeyError(7), ValueError("odd"), KeyError(8)],
            0,
            ["(ValueError: odd)"],
            id="of those that nobody foresaw each kind is told once",
        ),
    ],
)
async def test_faults(
    caplog: pytest.LogCaptureFixture, faults: list[Exception], raised: int | None, logged: list[str]
) -> None:
    assert await told(BackgroundTasks(), faults) is (None if raised is None else faults[raised])
    assert len(caplog.messages) == len(logged)
    for said, message in zip(logged, caplog.messages, strict=True):
        assert said in message


async def test_what_goes_on_failing_is_logged_again_only_after_all_went_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    under_way, faults = BackgroundTasks(), [StorageError(AWAY), StorageError(FULL)]
    await told(under_way, faults)
    await told(under_way, faults)
    assert len(caplog.messages) == 1
    await told(under_way, [])
    await told(under_way, faults)
    assert len(caplog.messages) == 2

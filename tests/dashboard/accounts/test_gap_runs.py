"""How gaps are joined for a figure: it costs two runs a pixel at most, and says no more than was seen."""

from datetime import timedelta
from itertools import cycle

import pytest

from dashboard.accounts.gap_runs import gap_runs
from storage.model.core.coverage import Gap
from tests.support.samples.readings import T0

PX = timedelta(minutes=1)
WIDTH = 100
AXIS = (T0, T0 + WIDTH * PX)


def gap(since: float, until: float | None) -> Gap:
    return Gap(T0 + since * PX, None if until is None else T0 + until * PX)


@pytest.mark.parametrize(
    ("gaps", "runs"),
    [
        pytest.param([(10, 20), (40, 41)], [(10, 20, 1), (40, 41, 1)], id="gaps that can be seen stay"),
        pytest.param([(10, 10.5)], [(10, 10.5, 1)], id="a narrow gap alone stays as it is"),
        pytest.param([(10, 10.2), (10.5, 10.9), (11, 11.3)], [(10, 11.3, 3)], id="narrow and close: joined"),
        pytest.param([(10, 10.2), (11.3, 11.5)], [(10, 10.2, 1), (11.3, 11.5, 1)], id="a pixel between"),
        pytest.param([(10, 20), (20.1, 20.2)], [(10, 20, 1), (20.1, 20.2, 1)], id="narrow after wide"),
        pytest.param([(20.1, 20.2), (20.3, 30)], [(20.1, 20.2, 1), (20.3, 30, 1)], id="narrow before wide"),
        pytest.param([(-9, -1), (101, 109)], [], id="what lies outside of the figure is not drawn"),
        pytest.param([(90, None)], [(90, 100, 1)], id="an open gap ends with the figure"),
    ],
)
def test_gaps_are_joined_only_where_they_cannot_be_told_apart(
    gaps: list[tuple[float, float | None]], runs: list[tuple[float, float, int]]
) -> None:
    found = gap_runs([gap(*one) for one in gaps], AXIS, WIDTH)

    assert [(r.since, r.until, r.gaps) for r in found] == [
        (T0 + since * PX, T0 + until * PX, count) for since, until, count in runs
    ]
    assert all(r.is_exact is (r.gaps == 1) for r in found)


@pytest.mark.parametrize(
    "lengths",
    [
        *(pytest.param((every / 2,), id=f"{every} px apart") for every in (0.01, 0.3, 0.9, 1.7, 4.2)),
        pytest.param((1.001, 0.01), id="wide and narrow by turns"),
    ],
)
def test_every_gap_is_covered_and_counted_and_there_are_at_most_two_runs_a_pixel(
    lengths: tuple[float, ...],
) -> None:
    gaps: list[Gap] = []
    at = 0.0
    for length in cycle(lengths):
        if at + length > WIDTH:
            break
        gaps.append(gap(at, at + length))
        at += length + min(lengths)

    runs = gap_runs(gaps, AXIS, WIDTH)

    assert len(runs) <= 2 * WIDTH
    assert sum(r.gaps for r in runs) == len(gaps)
    assert sum((r.unread for r in runs), timedelta()) == sum(
        (g.until - g.since for g in gaps if g.until is not None), timedelta()
    )
    for one in gaps:
        assert any(r.since <= one.since and one.until is not None and one.until <= r.until for r in runs)

"""The axis of time of figures in reports and stories."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.ui.svg import WIDTH, SvgTimeAxis, time_axis

SINCE = datetime(2021, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("hours", range(1, 24 * 40, 7))
def test_the_dates_of_an_axis_lie_within_the_figure(hours: int) -> None:
    axis = SvgTimeAxis(SINCE, SINCE + timedelta(hours=hours), 60, WIDTH - 12)
    for x, anchor, label in re.findall(
        r'<text x="([^"]+)" [^>]*text-anchor="(\w+)"[^>]*>([^<]+)', "".join(time_axis(axis, 24, 200))
    ):
        assert float(x) + {"middle": 3.5 * len(label), "end": 0}[anchor] <= WIDTH

"""Labels of dates over a figure stand where the figure does not cut them off."""

from datetime import timedelta

import pytest

from dashboard.ui.chart_style import PALETTES
from dashboard.ui.date_marks import DateMark, labels
from tests.support.samples.readings import T0

END = T0 + timedelta(days=9)


@pytest.mark.parametrize(
    ("days", "side"),
    [
        pytest.param(0, "left", id="at the beginning the label begins at its line"),
        pytest.param(5, "left", id="in the middle the label begins at its line"),
        pytest.param(8, "right", id="near the end the label ends at its line"),
    ],
)
def test_a_label_stays_within_the_figure(days: int, side: str) -> None:
    mark = DateMark(T0 + timedelta(days=days), "Order 1, date disputed", dashed=True)
    (label,) = labels([mark], PALETTES["light"], 3, (T0, END))
    assert label["xanchor"] == side

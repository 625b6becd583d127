"""The clock of a machine is only called wrong by as much as the way to the database does not explain."""

from datetime import timedelta

import pytest

from jobs.base.database_clock import least_off
from tests.support.samples.readings import T0


@pytest.mark.parametrize(
    ("ahead_s", "took_s", "off_s"),
    [
        pytest.param(0, 0, 0, id="both show the same"),
        pytest.param(5, 0, 5, id="it is ahead"),
        pytest.param(-5, 0, -5, id="it is behind"),
        pytest.param(3, 4, 0, id="the way back took the three seconds"),
        pytest.param(4, 4, 0, id="the way back took all the time"),
        pytest.param(5, 4, 1, id="it is a second further ahead than the way explains"),
        pytest.param(-5, 4, -5, id="no way explains that it is behind when the answer is there"),
    ],
)
def test_what_a_slow_answer_explains_is_no_difference(ahead_s: int, took_s: int, off_s: int) -> None:
    mine = T0 + timedelta(seconds=ahead_s)
    assert least_off(mine, T0, timedelta(seconds=took_s)) == timedelta(seconds=off_s)

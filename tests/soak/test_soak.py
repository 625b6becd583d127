"""Two simulated days of the soak, with few accounts. `make soak` is a month."""

import json

import pytest

from tests.soak.__main__ import SPEED, run
from tests.soak.invented_month import SoakPlan
from tests.support.processes.embedded_users import public_folder
from tests.support.processes.fast_clock import missing

TWO_DAYS = SoakPlan(days=2, accounts=300, churn=20, changing=0.1)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_two_days_and_nights_leave_nothing_false() -> None:
    with public_folder() as folder:
        run(folder / "soak", TWO_DAYS, SPEED)
        found = json.loads((folder / "soak" / "summary.json").read_text(encoding="utf-8"))
    assert found["wrong"] == []
    assert found["changes_observable"] > 0
    assert len(found["leaders_killed"]) == TWO_DAYS.days

"""A simulated day of the soak, with few accounts. `make soak` is a month."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.soak.__main__ import SPEED, missing, run
from tests.soak.invented_month import SoakPlan
from tests.support.repeats import ONLY_LONG

DAY = SoakPlan(hours=24, accounts=300, churn=20, changing=0.1, sweep_every=timedelta(hours=1))


@ONLY_LONG
@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_a_day_leaves_nothing_false_and_nothing_that_grows(tmp_path: Path) -> None:
    run(tmp_path / "soak", DAY, SPEED)
    found = json.loads((tmp_path / "soak" / "summary.json").read_text(encoding="utf-8"))
    assert found["wrong"] == []
    assert found["changes_observable"] > 0
    assert found["leaders_killed"]
    # How fast pages are says more of the machine in so short a time.
    assert [n for n, t in found["trends"].items() if not t["is_fine"] and "_ms " not in n] == []

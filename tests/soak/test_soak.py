"""A soak of two simulated days, and what a month of it is made of. `make soak` is the month.

The tests marked `long` guard `jobs/runtime`, `jobs/collect`, `jobs/notify` and `storage/postgres`.
"""

import json
import subprocess
import sys
import time
from argparse import Namespace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.base.clock import system_clock
from tests.soak.__main__ import SPEED, refusal, run
from tests.soak.invented_month import SoakPlan
from tests.soak.truth import has_right_mails
from tests.support.processes.embedded_users import public_folder
from tests.support.processes.fast_clock import missing, suspend_until

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


@pytest.mark.parametrize(
    ("said", "kind", "decision", "mails", "days", "is_right"),
    [
        ("a mailed change is in one", "block", "mailed", 1, 0, True),
        ("a mailed change whose email is missing was lost", "block", "mailed", 0, 0, False),
        ("a mailed change in two emails was sent twice", "block", "mailed", 2, 0, False),
        ("a change in the email of a group was sent", "gone", "grouped", 1, 0, True),
        ("a change whose group has no email was lost", "gone", "grouped", 0, 0, False),
        ("a change that waits for more of its group is in none", "block", "waiting", 0, 0, True),
        ("what is gone may wait for the digest", "gone", None, 0, 6, True),
        ("what waits for longer than a digest was forgotten", "gone", None, 0, 9, False),
        ("what was not decided is in none", "gone", None, 1, 0, False),
        ("protection has no rule by default", "protection", "no_rule", 0, 0, True),
        ("a block without a rule was decided wrongly", "block", "no_rule", 0, 0, False),
    ],
)
def test_each_change_is_told_once(
    said: str, kind: str, decision: str | None, mails: int, days: int, is_right: bool
) -> None:
    assert has_right_mails(kind, decision, mails, timedelta(days=days)) == is_right, said


USUAL = {"days": 2, "accounts": 100, "churn": 5, "speed": 20}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"days": 0}, "--days must be at least 1."),
        ({"speed": -1}, "--speed must be at least 1."),
        ({"churn": 51}, "--churn must be at most half of --accounts, which is 100."),
    ],
)
def test_figures_that_make_no_month_are_refused(
    tmp_path: Path, changed: dict[str, int], said: str | None
) -> None:
    assert refusal(Namespace(**{**USUAL, **changed}, folder=tmp_path / "soak")) == said


def test_only_the_folder_of_an_earlier_soak_is_replaced(tmp_path: Path) -> None:
    asked = Namespace(**USUAL, folder=tmp_path)
    assert refusal(asked) == f"--folder {tmp_path}: the folder exists and is not that of an earlier soak."
    (tmp_path / "history.csv").touch()
    assert refusal(asked) is None


def clocks() -> dict[str, float]:
    names = ("CLOCK_REALTIME", "CLOCK_BOOTTIME", "CLOCK_MONOTONIC")
    return {name: time.clock_gettime(getattr(time, name)) for name in names} | {"time": time.time()}


def main(found: Path) -> None:
    before = clocks()
    suspend_until(system_clock() + timedelta(days=1))
    suspend_until(system_clock() - timedelta(days=1))  # is over already
    after = clocks()
    code = "import json; from tests.soak.test_soak import clocks; print(json.dumps(clocks()))"
    of_another = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    found.write_text(json.dumps([before, after, json.loads(of_another)]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

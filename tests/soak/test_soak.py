"""A soak of two simulated days, and what a month of it is made of. `make soak` is the month."""

import json
import subprocess
import sys
import time
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.simulator.history import parse_history
from jobs.base.clock import system_clock
from tests.soak.__main__ import SPEED, refusal, run
from tests.soak.invented_month import DAY, SoakPlan, invented_month
from tests.soak.month import write_history
from tests.soak.truth import has_right_mails
from tests.support.processes.embedded_users import public_folder
from tests.support.processes.fast_clock import missing, run_on_clock, suspend_until

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


START = datetime(2026, 12, 1, tzinfo=UTC)
PLAN = SoakPlan(days=5, accounts=200, churn=10, changing=0.05)


def test_as_many_join_as_leave_and_nobody_comes_back() -> None:
    watched = set(range(PLAN.accounts))
    seen = set(watched)
    for day in range(1, PLAN.days + 1):
        assert watched.issuperset(PLAN.watched(day))
        assert watched.issuperset(PLAN.leaving(day))
        assert seen.isdisjoint(PLAN.joining(day))
        watched = (watched - set(PLAN.leaving(day))) | set(PLAN.joining(day))
        seen |= watched
        assert len(watched) == PLAN.accounts


def test_those_who_change_are_watched_all_of_that_day() -> None:
    accounts = invented_month(PLAN, START)
    changes = [(n, at) for n, a in enumerate(accounts) for at in a.times[1:]]
    assert len(changes) == PLAN.days * PLAN.accounts * PLAN.changing
    for number, at in changes:
        assert number in PLAN.watched((at - START) // DAY + 1)


def test_the_simulators_read_the_same_history_from_its_file(tmp_path: Path) -> None:
    accounts = invented_month(PLAN, START)
    file = tmp_path / "history.csv"
    write_history(file, accounts)
    assert parse_history(file.read_text(encoding="utf-8").splitlines(), file.name).accounts == accounts


DAY_S = 86_400
HOUR_S = 3_600
"""Longer than the processes here take."""


def clocks() -> dict[str, float]:
    names = ("CLOCK_REALTIME", "CLOCK_BOOTTIME", "CLOCK_MONOTONIC")
    return {name: time.clock_gettime(getattr(time, name)) for name in names} | {"time": time.time()}


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_a_night_passes_for_all_processes_and_not_on_the_monotonic_clock(tmp_path: Path) -> None:
    assert run_on_clock(tmp_path, 1, "tests.soak.test_soak", [str(tmp_path / "found")]) == 0
    before, after, of_another = json.loads((tmp_path / "found").read_text(encoding="utf-8"))
    for name, at in before.items():
        night = 0 if name == "CLOCK_MONOTONIC" else DAY_S
        assert night - 1 <= after[name] - at < night + HOUR_S, name
        assert 0 <= of_another[name] - after[name] < HOUR_S, name


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

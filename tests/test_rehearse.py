"""Whole rehearsals over real sockets: nothing false, nothing overlooked, whatever goes wrong on the way."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.simulator.faults import PROFILES
from collectors.simulator.files import load_history
from jobs.rehearse import Report, rehearse, write_report
from jobs.simulated import Plan
from jobs.simulators import played
from jobs.truth import Believed, Line, hold_against_truth
from storage.model.accounts import Platform
from tests.factories import AVAILABLE, SUSPENDED, T0, minutes
from tests.histories import write_history, write_order

RECORDED = "account_status_history.csv.gz"


async def perform(path: Path, dsn: str, plan: Plan, faults: str, platform: str | None = None) -> Report:
    told = played(load_history(path), platform)
    return await rehearse(path, platform, told, plan, faults, dsn, lambda _: None)


async def test_with_nothing_going_wrong_every_change_that_could_be_seen_is_seen(
    dsn: str, tmp_path: Path
) -> None:
    told = write_history(tmp_path / "history.csv", days=5)
    found = await perform(told, dsn, Plan(T0, T0 + timedelta(days=5), timedelta(hours=1)), "none", "all")
    figures = found.figures
    assert found.is_right
    assert (
        figures["changes_detected"] == figures["changes_observable"] == figures["intervals_containing_truth"]
    )
    assert found.verdict.unseen == []
    assert found.verdict.detected > 600
    assert figures["missed"] == 0
    assert figures["mails"] == figures["mails_in_mailbox"]
    assert found.verdict.spells_missed > 0, "the history has spells that no hourly reading can see"


@pytest.mark.parametrize("faults", [name for name in PROFILES if name != "none"])
@pytest.mark.parametrize("platform", list(Platform))
async def test_no_fault_of_a_platform_ever_becomes_a_change(
    platform: Platform, faults: str, dsn: str, tmp_path: Path
) -> None:
    told = write_history(tmp_path / "history.csv", accounts=60, days=3)
    plan = Plan(T0, T0 + timedelta(days=3), timedelta(hours=1))
    found = await perform(told, dsn, plan, faults, platform.value)
    assert found.verdict.false == []
    assert found.verdict.wrong_interval == []
    assert found.verdict.unseen == []
    assert found.verdict.detected > 15


@pytest.mark.parametrize("platform", ["x", "bluesky"])
async def test_an_order_that_blocks_257_at_once_is_seen_while_the_platform_flaps(
    platform: str, dsn: str, tmp_path: Path
) -> None:
    told = write_order(tmp_path / "order.csv", accounts=257, at=T0 + timedelta(hours=5))
    plan = Plan(T0, T0 + timedelta(hours=12), timedelta(minutes=15))
    found = await perform(told, dsn, plan, "flapping", platform)
    assert found.verdict.false == found.verdict.wrong_interval == []
    assert found.verdict.detected == 257


async def test_every_change_of_a_real_history_is_reported_and_none_is_false(dsn: str) -> None:
    folder = Path(os.environ.get("TEST_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / RECORDED).exists():
        pytest.skip(f"the recorded history {folder / RECORDED} is not on this machine")
    told = load_history(folder / RECORDED)
    start = T0.replace(year=2022, month=11, day=1)
    found = await perform(
        folder / RECORDED, dsn, Plan(start, start + timedelta(days=30), timedelta(days=1)), "none"
    )
    assert len(told.accounts) == 7_522
    assert found.is_right
    assert found.verdict.unseen == []
    assert found.verdict.detected == found.verdict.observable > 200


def test_a_wrong_case_is_written_out_with_both_readings(tmp_path: Path) -> None:
    line = Line((minutes(-9),), (AVAILABLE,))
    lie = Believed("1", AVAILABLE, SUSPENDED, minutes(0), minutes(5))
    found = Report({}, hold_against_truth({"1": line}, (), [lie], minutes(0), minutes(9)))
    assert not found.is_right
    write_report(tmp_path / "report.jsonl", found)
    assert [json.loads(row) for row in (tmp_path / "report.jsonl").read_text().splitlines()] == [
        {
            "what": "false_change",
            "account_id": "1",
            "old": "available",
            "new": "suspended",
            "last_seen_old": minutes(0).isoformat(),
            "first_seen_new": minutes(5).isoformat(),
        }
    ]


@pytest.mark.timeout(300)
def test_the_demonstration_ends_by_itself_with_the_story_told_and_nothing_false() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "demo", "--headless", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    ended = json.loads(done.stdout)
    assert ended["false_changes"] == 0
    assert ended["accounts"] == 257 + 1178 + 300
    assert ended["changes"]["block"] >= 250 + 126 + 583
    assert ended["changes"]["restoration"] >= 250
    assert ended["mails"] > 0
    assert ended["intervals_containing_truth"] == sum(ended["changes"].values())

"""Whole rehearsals over real sockets: nothing false, nothing overlooked, whatever goes wrong on the way."""

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.simulator.faults import PROFILES, profile
from collectors.simulator.history import History
from collectors.simulator.history_files import load_history
from collectors.x.declaration import X
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import RehearsalReport, rehearse, write_report
from jobs.rehearsal.scoring import Believed, StatusTimeline, hold_against_truth
from jobs.rehearsal.simulators import played
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import open_pool, transaction
from storage.readings.rehearsal_readback import confirmed_changes
from tests.support.pipelines.monitor import require_the_same
from tests.support.repeats import cases
from tests.support.samples.invented_histories import recorded, write_history, write_order
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, minutes


async def perform(
    path: Path, dsn: str, plan: SimulationPlan, faults: str, platform: str | None = None
) -> RehearsalReport:
    told = played(load_history(path), platform)
    found = await rehearse(path, platform, told, plan, faults, dsn, lambda _: None)
    await require_the_same(dsn, plan, int(str(found.figures["readings"])))
    return found


async def detected(dsn: str, told: History) -> Counter[Platform]:
    """How many changes each platform's accounts were found to make, first states left out."""
    platforms = {account.native_id: account.platform for account in told.accounts}
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        changes = await confirmed_changes(conn)
    return Counter(platforms[change.native_id] for change in changes if change.old is not None)


@pytest.mark.slow
async def test_with_nothing_going_wrong_every_change_that_could_be_seen_is_seen(
    dsn: str, tmp_path: Path
) -> None:
    path = write_history(tmp_path / "history.csv", accounts=60, days=3)
    found = await perform(
        path, dsn, SimulationPlan(T0, T0 + timedelta(days=3), timedelta(hours=1)), "none", "all"
    )
    figures = found.figures
    assert found.is_right
    assert (
        figures["changes_detected"] == figures["changes_observable"] == figures["intervals_containing_truth"]
    )
    assert found.verdict.unseen == []
    assert found.verdict.detected > 150
    assert figures["missed"] == 0
    assert figures["mails"] == figures["mails_in_mailbox"]
    assert found.verdict.spells_missed > 0, "the history has spells that no hourly reading can see"


@pytest.mark.slow
@pytest.mark.again
@pytest.mark.parametrize("faults", cases(["everything"], [name for name in PROFILES if name != "none"]))
async def test_no_fault_of_a_platform_ever_becomes_a_change(faults: str, dsn: str, tmp_path: Path) -> None:
    path = write_history(tmp_path / "history.csv", accounts=30, days=2)
    found = await perform(
        path, dsn, SimulationPlan(T0, T0 + timedelta(days=2), timedelta(hours=1)), faults, "all"
    )
    assert found.verdict.false == []
    assert found.verdict.wrong_interval == []
    if profile(faults).lies:
        assert len(found.verdict.unseen) <= len(found.verdict.misled)
    else:
        assert found.verdict.unseen == []
    by_platform = await detected(dsn, played(load_history(path), "all"))
    assert {platform: by_platform[platform] > 15 for platform in Platform} == dict.fromkeys(Platform, True)


@pytest.mark.slow
async def test_an_order_that_blocks_257_at_once_is_seen_while_the_platforms_flap(
    dsn: str, tmp_path: Path
) -> None:
    path = write_order(tmp_path / "order.csv", accounts=257, at=T0 + timedelta(hours=5))
    plan = SimulationPlan(T0, T0 + timedelta(hours=8), timedelta(minutes=15))
    found = await perform(path, dsn, plan, "flapping", "all")
    assert found.verdict.false == found.verdict.wrong_interval == []
    told = played(load_history(path), "all")
    withholding = [platform for platform in Platform if Status.WITHHELD in DECLARED[platform].statuses]
    assert {X, BLUESKY} <= set(withholding)
    assert await detected(dsn, told) == dict.fromkeys(withholding, 257)


@pytest.mark.slow
async def test_every_change_of_a_real_history_is_reported_and_none_is_false(dsn: str) -> None:
    path = recorded()
    told = load_history(path)
    start = T0.replace(year=2022, month=11, day=1)
    found = await perform(
        path, dsn, SimulationPlan(start, start + timedelta(days=30), timedelta(days=1)), "none"
    )
    assert len(told.accounts) == 7_522
    assert found.is_right
    assert found.verdict.unseen == []
    assert found.verdict.detected == found.verdict.observable > 200


def test_a_wrong_case_is_written_out_with_both_readings(tmp_path: Path) -> None:
    line = StatusTimeline((minutes(-9),), (AVAILABLE,))
    lie = Believed("1", AVAILABLE, SUSPENDED, minutes(0), minutes(5))
    found = RehearsalReport({}, hold_against_truth({"1": line}, (), [lie], minutes(0), minutes(9)))
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


@pytest.mark.long  # what is played is in tests/jobs/rehearsal/test_demo.py
def test_the_demonstration_ends_by_itself_with_the_story_told_and_nothing_false() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli.main", "demo", "--headless", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    ended = json.loads(done.stdout)
    assert ended["false_changes"] == 0
    assert (ended["accounts"], ended["posts"]) == (257 + 1178 + 300, 40)
    assert ended["changes"]["block"] >= 250 + 126 + 583 + 31
    assert ended["changes"]["restoration"] >= 250 + 8
    assert ended["mails"] > 0
    assert ended["intervals_containing_truth"] == sum(ended["changes"].values())

"""By which rule each series of a soak is judged, and what a report says of it."""

import json
from pathlib import Path

import pytest

from tests.soak.report import SoakReport, judge, write

DAYS = range(30)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("memory_mb collector 1", "flat"),
        ("memory_mb web 1", "linear"),
        ("descriptors notifier", "flat"),
        ("connections collector 1", "flat"),
        ("page_ms live web 1", "flat"),
        ("push_ms web 2", "flat"),
        ("bytes_per_reading", "flat"),
        ("table_kb pgqueuer", "flat"),
        ("index_kb worker", "flat"),
        ("table_kb coverage_row", "linear"),
        ("index_kb change", "linear"),
        ("table_kb story_wave", "linear"),
        ("table_kb pending_step", "linear"),
        ("partitions", "linear"),
    ],
)
def test_what_holds_no_history_must_be_flat(name: str, rule: str) -> None:
    judged = judge(name, [{"day": day, name: 10.0} for day in DAYS])
    assert judged is not None
    assert judged[0] == rule


@pytest.mark.parametrize("name", ["day", "readings", "mails", "changes"])
def test_totals_are_not_judged(name: str) -> None:
    assert judge(name, [{"day": day, name: 10.0 * day} for day in DAYS]) is None


def test_a_series_that_is_missing_in_some_rows_is_judged_by_the_others() -> None:
    name = "push_ms web 1"
    rows = [{"day": day, name: 10.0 + 3 * day} if day % 2 else {"day": day} for day in DAYS]
    judged = judge(name, rows)
    assert judged is not None
    assert not judged[1].is_fine


def test_a_leak_and_a_falsehood_each_fail_the_soak(tmp_path: Path) -> None:
    flat = [{"day": float(day), "memory_mb notifier": 100.0} for day in DAYS]
    leak = [{"day": float(day), "memory_mb notifier": 100.0 + day} for day in DAYS]
    assert SoakReport(flat, {}).is_right
    assert not SoakReport(leak, {}).is_right
    assert not SoakReport(flat, {}, ["mail 1 came 2 times"]).is_right
    write(tmp_path, SoakReport(leak, {"days": 30}))
    said = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert not said["is_right"]
    assert not said["trends"]["memory_mb notifier"]["is_fine"]
    assert "notifier: not flat" in (tmp_path / "soak.html").read_text(encoding="utf-8")
    assert (tmp_path / "samples.csv").read_text(encoding="utf-8").startswith("day,memory_mb notifier\n")


def test_a_dashboard_may_grow_with_the_history_and_not_faster() -> None:
    name = "memory_mb web 2"
    steady = judge(name, [{"day": day, name: 200.0 + 3 * day} for day in DAYS])
    faster = judge(name, [{"day": day, name: 200.0 + day**2 / 5} for day in DAYS])
    assert steady is not None
    assert faster is not None
    assert steady[1].is_fine
    assert not faster[1].is_fine


@pytest.mark.parametrize(
    ("kb", "is_fine"),
    [
        pytest.param(10.0, True, id="a few pages say nothing"),
        pytest.param(100.0, False, id="two megabytes do"),
    ],
)
def test_a_table_that_must_stay_flat_may_keep_some_pages(kb: float, is_fine: bool) -> None:
    name = "table_kb session"
    judged = judge(name, [{"day": day, name: 100.0 + kb * day} for day in DAYS])
    assert judged is not None
    assert judged[1].is_fine is is_fine

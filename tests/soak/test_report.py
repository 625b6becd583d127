"""By which rule each series of a soak is judged, and what a report says of it."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.soak.report import SoakReport, judge, write
from tests.soak.slopes import flat, linear, theil_sen

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


OF_DAYS = [float(day) for day in range(30)]
_chance = random.Random(1)
NOISE = [_chance.gauss(0, 5) for _ in OF_DAYS]


def series(of: Callable[[float], float]) -> list[float]:
    return [of(day) + noise for day, noise in zip(OF_DAYS, NOISE, strict=True)]


@pytest.mark.parametrize(
    ("said", "values", "is_fine"),
    [
        ("a constant is flat", [7.0] * len(OF_DAYS), True),
        ("noise is flat", series(lambda _: 200.0), True),
        ("what fills at the beginning and then stays is flat", series(lambda d: min(40 * d, 200.0)), True),
        ("what shrinks is flat", series(lambda d: 900.0 - 24 * d), True),
        ("a leak that is lost in the noise of a day is not flat", series(lambda d: 200.0 + 3 * d), False),
        ("a descriptor a day is not flat", [20.0 + d for d in OF_DAYS], False),
    ],
)
def test_what_must_stay_flat(said: str, values: Sequence[float], is_fine: bool) -> None:
    found = flat(OF_DAYS, values)
    assert found is not None
    assert found.is_fine == is_fine, said


@pytest.mark.parametrize(
    ("said", "values", "is_fine"),
    [
        ("what stays is no faster", series(lambda _: 200.0), True),
        ("what grows with the readings is linear", series(lambda d: 96 * d), True),
        ("what grows by the week is linear", [1000.0 * (d // 7) for d in OF_DAYS], True),
        ("what grows with their square is not", series(lambda d: d * d * 500), False),
        ("what begins to grow late is not", series(lambda d: 200.0 + max(0.0, d - 22) * 120), False),
    ],
)
def test_what_may_grow_with_the_readings(said: str, values: Sequence[float], is_fine: bool) -> None:
    found = linear(OF_DAYS, values)
    assert found is not None
    assert found.is_fine == is_fine, said


def test_of_a_few_points_nothing_is_said() -> None:
    assert flat([1, 2, 3], [1, 2, 3]) is None
    assert linear(OF_DAYS[:12], OF_DAYS[:12]) is None


def test_a_quarter_of_outliers_does_not_move_the_slope() -> None:
    values = [1e6 if _chance.random() < 0.25 else 3.0 * day for day in OF_DAYS]
    assert theil_sen(OF_DAYS, values) == pytest.approx(3.0, rel=0.1)

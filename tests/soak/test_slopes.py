"""What is called flat, and what is called growing faster than it may."""

import random
from collections.abc import Callable, Sequence

import pytest

from tests.soak.slopes import flat, linear, theil_sen

DAYS = [float(day) for day in range(30)]
_chance = random.Random(1)
NOISE = [_chance.gauss(0, 5) for _ in DAYS]


def series(of: Callable[[float], float]) -> list[float]:
    return [of(day) + noise for day, noise in zip(DAYS, NOISE, strict=True)]


@pytest.mark.parametrize(
    ("said", "values", "is_fine"),
    [
        ("a constant is flat", [7.0] * len(DAYS), True),
        ("noise is flat", series(lambda _: 200.0), True),
        ("what fills at the beginning and then stays is flat", series(lambda d: min(40 * d, 200.0)), True),
        ("what shrinks is flat", series(lambda d: 900.0 - 24 * d), True),
        ("a leak that is lost in the noise of a day is not flat", series(lambda d: 200.0 + 3 * d), False),
        ("a descriptor a day is not flat", [20.0 + d for d in DAYS], False),
    ],
)
def test_what_must_stay_flat(said: str, values: Sequence[float], is_fine: bool) -> None:
    found = flat(DAYS, values)
    assert found is not None
    assert found.is_fine == is_fine, said


@pytest.mark.parametrize(
    ("said", "values", "is_fine"),
    [
        ("what stays is no faster", series(lambda _: 200.0), True),
        ("what grows with the readings is linear", series(lambda d: 96 * d), True),
        ("what grows by the week is linear", [1000.0 * (d // 7) for d in DAYS], True),
        ("what grows with their square is not", series(lambda d: d * d * 500), False),
        ("what begins to grow late is not", series(lambda d: 200.0 + max(0.0, d - 22) * 120), False),
    ],
)
def test_what_may_grow_with_the_readings(said: str, values: Sequence[float], is_fine: bool) -> None:
    found = linear(DAYS, values)
    assert found is not None
    assert found.is_fine == is_fine, said


def test_of_a_few_points_nothing_is_said() -> None:
    assert flat([1, 2, 3], [1, 2, 3]) is None
    assert linear(DAYS[:12], DAYS[:12]) is None


def test_a_quarter_of_outliers_does_not_move_the_slope() -> None:
    values = [1e6 if _chance.random() < 0.25 else 3.0 * day for day in DAYS]
    assert theil_sen(DAYS, values) == pytest.approx(3.0, rel=0.1)

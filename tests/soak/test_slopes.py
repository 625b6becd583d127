"""What is called flat, and what is called growing faster than it may."""

import random
from collections.abc import Callable, Sequence

import pytest

from tests.soak.slopes import flat, linear, theil_sen

HOURS = [float(hour) for hour in range(24 * 30)]
_chance = random.Random(1)
NOISE = [_chance.gauss(0, 5) for _ in HOURS]


def series(of: Callable[[float], float]) -> list[float]:
    return [of(hour) + noise for hour, noise in zip(HOURS, NOISE, strict=True)]


@pytest.mark.parametrize(
    ("said", "values", "is_fine"),
    [
        ("a constant is flat", [7.0] * len(HOURS), True),
        ("noise is flat", series(lambda _: 200.0), True),
        ("what fills at the beginning and then stays is flat", series(lambda h: min(h, 200.0)), True),
        ("what shrinks is flat", series(lambda h: 900.0 - h), True),
        ("a daily rise that is given back is flat", series(lambda h: 200.0 + h % 24), True),
        ("a leak that is lost in the noise of an hour is not flat", series(lambda h: 200.0 + h / 10), False),
        ("a descriptor a day is not flat", [20.0 + h // 24 for h in HOURS], False),
    ],
)
def test_what_must_stay_flat(said: str, values: Sequence[float], is_fine: bool) -> None:
    found = flat(HOURS, values)
    assert found is not None
    assert found.is_fine == is_fine, said


@pytest.mark.parametrize(
    ("said", "values", "is_fine"),
    [
        ("what stays is no faster", series(lambda _: 200.0), True),
        ("what grows with the readings is linear", series(lambda h: 4 * h), True),
        ("what grows by the day is linear", [1000.0 * (h // 24) for h in HOURS], True),
        ("what grows with their square is not", series(lambda h: h * h), False),
        ("what begins to grow late is not", series(lambda h: 200.0 + max(0.0, h - 600) * 5), False),
    ],
)
def test_what_may_grow_with_the_readings(said: str, values: Sequence[float], is_fine: bool) -> None:
    found = linear(HOURS, values)
    assert found is not None
    assert found.is_fine == is_fine, said


def test_of_a_few_points_nothing_is_said() -> None:
    assert flat([1, 2, 3], [1, 2, 3]) is None
    assert linear(HOURS[:12], HOURS[:12]) is None


def test_a_quarter_of_outliers_does_not_move_the_slope() -> None:
    values = [1e6 if _chance.random() < 0.25 else 3.0 * hour for hour in HOURS]
    assert theil_sen(HOURS, values) == pytest.approx(3.0, rel=0.1)

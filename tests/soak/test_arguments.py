"""What `make soak` refuses before it begins."""

from argparse import Namespace
from pathlib import Path

import pytest

from tests.soak.__main__ import refusal

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

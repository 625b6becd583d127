"""Histories that were recorded elsewhere. They are read where they lie: no row of them is in the project."""

import os
from pathlib import Path

import pytest


def recorded(name: str = "account_status_history.csv.gz") -> Path:
    """The file of that name, skipping the test where it is not on the machine."""
    folder = Path(os.environ.get("TEST_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (folder / name).exists():
        pytest.skip(f"the recorded history {folder / name} is not on this machine")
    return folder / name

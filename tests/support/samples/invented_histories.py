"""Invented histories for whole-pipeline tests."""

import os
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.samples.readings import T0

HEADER = "platform,account_id,handle,at,status,withheld_in,list"


def write_history(path: Path, accounts: int = 260, days: int = 12, seed: int = 7) -> Path:
    """Accounts on lists and on none: a wave, vanishings short and long, flapping, and quiet ones."""
    rng = random.Random(seed)
    rows = [HEADER]
    for n in range(accounts):
        watch_list = ("Order 9", "Reporters", "")[n % 3]
        changes = [("2021-01-01T00:00:00Z", "available", "")]
        for _ in range(rng.choice((0, 0, 1, 2, 6))):
            begin = T0 + timedelta(seconds=rng.randrange(days * 86_400))
            status, countries = rng.choice(
                (
                    ("withheld", "IN"),
                    ("withheld", "IN TR"),
                    ("suspended", ""),
                    ("not_found", ""),
                    ("deactivated", ""),
                    ("protected", ""),
                )
            )
            end = begin + timedelta(minutes=rng.choice((2, 20, 50, 90, 600, 4000)))
            changes += [(begin.isoformat(), status, countries), (end.isoformat(), "available", "")]
        if watch_list == "Order 9" and n % 2 == 0:
            wave = T0 + timedelta(days=3, seconds=rng.randrange(2400))
            changes += [(wave.isoformat(), "withheld", "IN")]
        rows += [
            f"x,{10_000 + n},handle_{n},{at},{status},{countries},{watch_list}"
            for at, (status, countries) in {at: (s, c) for at, s, c in changes}.items()
        ]
    path.write_text("\n".join(rows) + "\n")
    return path


def write_order(path: Path, accounts: int, at: datetime) -> Path:
    """Accounts of one order, all withheld in India and Turkey within the ten minutes after `at`."""
    rng = random.Random(1)
    rows = [HEADER]
    for n in range(accounts):
        blocked = at + timedelta(seconds=rng.randrange(600))
        named = f"x,{20_000 + n},ordered_{n}"
        rows += [
            f"{named},2021-01-01T00:00:00Z,available,,Order 1",
            f"{named},{blocked.isoformat()},withheld,IN TR,Order 1",
        ]
    path.write_text("\n".join(rows) + "\n")
    return path


def recorded(name: str = "account_status_history.csv.gz") -> Path:
    """The file of that name, skipping the test where it is not on the machine."""
    folder = Path(os.environ.get("TEST_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (folder / name).exists():
        pytest.skip(f"the recorded history {folder / name} is not on this machine")
    return folder / name

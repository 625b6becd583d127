"""`make soak`: an installation for a simulated month, and whether it is worn out by it.

The processes of an installation, its Postgres, the simulators of two platforms and a mail server run on a
clock that libfaketime makes faster, on a host that is awake for three quarters of an hour each day and
suspended for the rest of it. Each day some accounts leave the watch and others join it, statuses change, the
leader is killed, and everything that must not grow is looked at.
Exit code 1 says that something grew or was false. FOLDER then has samples.csv, soak.html and summary.json.
"""

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from tests.soak.database import make_database
from tests.soak.invented_month import SoakPlan
from tests.support.processes.fast_clock import missing, run_on_clock

SPEED = 15
_MARK = "history.csv"
"""Every soak has this file, so that no other folder is replaced by one."""


def run(folder: Path, plan: SoakPlan, speed: int) -> int:
    """Run a soak; returns its exit code. What an earlier one left in `folder` is replaced."""
    folder = folder.resolve()
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()
    make_database(folder / "postgres")
    told = json.dumps(asdict(plan) | {"sweep_every": plan.sweep_every.total_seconds()})
    return run_on_clock(folder, speed, "tests.soak.month", [str(folder), str(speed), told])


def refusal(asked: argparse.Namespace) -> str | None:
    """Why these arguments cannot be used, in a sentence; None: they can."""
    for name in ("days", "accounts", "churn", "speed"):
        if getattr(asked, name) < 1:
            return f"--{name} must be at least 1."
    if asked.churn > asked.accounts // 2:
        return f"--churn must be at most half of --accounts, which is {asked.accounts}."
    if asked.folder.exists() and not (asked.folder / _MARK).exists():
        return f"--folder {asked.folder}: the folder exists and is not that of an earlier soak."
    return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--days", type=int, default=SoakPlan().days, help="simulated days: a month")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--churn", type=int, default=200, help="accounts that join and leave each day")
    parser.add_argument("--speed", type=int, default=SPEED, help="how many times faster than real time")
    parser.add_argument("--folder", type=Path, default=Path("build/soak"))
    asked = parser.parse_args()
    if (why := refusal(asked) or missing()) is not None:
        print(why, file=sys.stderr)
        return 1
    return run(asked.folder, SoakPlan(asked.days, asked.accounts, asked.churn), asked.speed)


if __name__ == "__main__":
    sys.exit(main())

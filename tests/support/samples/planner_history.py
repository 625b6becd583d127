"""The scenario by which planners are compared, as a history that `blockline rehearse` plays.

`python -m tests.support.samples.planner_history FILE --accounts 20000 --days 10` writes one.
"""

import argparse
import csv
import gzip
import io
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from tests.support.samples.planner_scenario import BLOCK, RESTORATION, SINGLE, Flip, Scenario, Seen, scenario
from tests.support.samples.readings import T0

HEADER = ("platform", "account_id", "handle", "at", "status", "withheld_in", "list")
FIRST_ID = 100_000


def write_scenario(path: Path, told: Scenario) -> Path:
    """Orders withhold accounts in India, single accounts are suspended. It begins at `T0`."""
    lists = {account: f"Order {n}" for n, members in enumerate(told.lists, 1) for account in members.tolist()}
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(HEADER)

    def write(account: int, at: float, status: str, countries: str = "") -> None:
        named = "x", FIRST_ID + account, f"account_{account}"
        table.writerow((*named, moment(at).isoformat(), status, countries, lists.get(account, "")))

    for account in range(told.accounts):
        write(account, -1, "available")
    for flip in told.flips:
        if flip.kind != BLOCK:
            write(flip.account, flip.at, "available")
        elif flip.cause == SINGLE:
            write(flip.account, flip.at, "suspended")
        else:
            write(flip.account, flip.at, "withheld", "IN")
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def moment(at: float) -> datetime:
    return T0 + timedelta(seconds=at)


def looks(told: Scenario, readings: Mapping[str, Sequence[datetime]], since: float) -> Seen:
    """What those saw who read at these times, by account, of what happened from `since` on.

    Counted as in `planner_scenario.play`: each change until the next reading, those of missed spells too.
    """
    happened = [f for f in told.flips if f.at >= since]
    seen = Seen(spells=sum(f.kind == RESTORATION for f in happened))
    for account, flips in groupby(sorted(happened, key=_by_account), key=lambda f: f.account):
        times = readings[str(FIRST_ID + account)]
        for place, together in _by_reading(flips, times):
            if place < len(times):
                for flip in together:
                    delay = times[place] - moment(flip.at)
                    seen.delays.setdefault((flip.cause, flip.kind), []).append(delay.total_seconds())
                seen.missed += len(together) // 2
    return seen


def _by_account(flip: Flip) -> tuple[int, float]:
    return flip.account, flip.at


def _by_reading(flips: Iterable[Flip], times: Sequence[datetime]) -> Iterable[tuple[int, list[Flip]]]:
    found: defaultdict[int, list[Flip]] = defaultdict(list)
    for flip in flips:
        found[bisect_left(times, moment(flip.at))].append(flip)
    return found.items()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.samples.planner_history")
    parser.add_argument("file", type=Path)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--days", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=101)
    asked = parser.parse_args()
    write_scenario(asked.file, scenario(asked.seed, asked.accounts, asked.days))


if __name__ == "__main__":
    main()

"""What a command costs before it does anything. `make bench GROUP=start`.

Processor time and memory of the process of one command, beside an empty Typer application in the same run;
both are the middle one of some runs, in turn.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.measuring import Figure
from tests.support.simulated.several_platforms import HISTORY, leading_to, simulated

RUNS = 5
EMPTY = """
import typer
cli = typer.Typer(add_completion=False, rich_markup_mode=None)
@cli.callback()
def every(): ...
@cli.command()
def nothing(): ...
cli()
"""
MEASURED = """
import json, os, sys
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]), file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Between this process and the measured one, because a peak counts what the parent of a process held too."""
BLOCKLINE = (str(Path(sys.executable).parent / "blockline"),)


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_s: float
    peak_mb: float


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="blockline-bench-") as folder:
        history = Path(folder) / "history.csv"
        history.write_text(HISTORY)
        with simulated(history) as addresses:
            empty, listing, look = _costs(
                [
                    (sys.executable, "-c", EMPTY, "--help"),
                    (*BLOCKLINE, "--help"),
                    (*BLOCKLINE, "check", "x", "alpha"),
                ],
                Path(folder),
                leading_to(addresses),
            )
    yield Figure("help_cpu_s", listing.cpu_s, "s", "lower", empty.cpu_s)
    yield Figure("help_peak_mb", listing.peak_mb, "MB", "lower", empty.peak_mb)
    yield Figure("check_cpu_s", look.cpu_s, "s", "lower", empty.cpu_s)


def _costs(commands: Sequence[Sequence[str]], folder: Path, settings: Mapping[str, str]) -> list[Cost]:
    """Of each command the middle of its runs. They take turns, so that other work meets all of them."""
    runs = [[_cost(command, folder, settings) for command in commands] for _ in range(RUNS)]
    return [
        Cost(median(one.cpu_s for one in of_one), median(one.peak_mb for one in of_one))
        for of_one in zip(*runs, strict=True)
    ]


def _cost(command: Sequence[str], folder: Path, settings: Mapping[str, str]) -> Cost:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command],
        cwd=folder,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    return Cost(*json.loads(done.stderr))

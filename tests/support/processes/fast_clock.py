"""A faster clock for many processes. libfaketime makes it faster, `fast_clock.c` the timers of Postgres too.

The host can be suspended: the clocks of all processes move ahead at once.
"""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from jobs.base.clock import system_clock

START = "2026-12-01 00:00:00"
_ROOT = Path(__file__).parents[3]
_MEMORY = Path("/dev/shm")  # noqa: S108 - where glibc keeps shared memory
_SECONDS = struct.Struct("q")
_SECOND = timedelta(seconds=1)
_SUSPENDED = "FAST_CLOCK_SUSPENDED"
_LIBRARY = "FAST_CLOCK_LIBRARY"


_NEEDED = {"faketime": "apt-get install faketime", "cc": "apt-get install gcc libc6-dev"}


def missing() -> str | None:
    """Why this machine cannot have such a clock, in a sentence; None: it can."""
    for program, how in _NEEDED.items():
        if shutil.which(program) is None:
            return f"This needs the program {program}, which is not installed ({how})."
    return None


def run_on_clock(folder: Path, speed: int, module: str, arguments: Sequence[str]) -> int:
    """Run a module on a clock that keeps its files in `folder`; returns its exit code."""
    library, suspended = folder / "clock.so", folder / "suspended"
    source = Path(__file__).with_name("fast_clock.c")
    subprocess.run(["cc", "-O", "-shared", "-fPIC", "-o", library, source], check=True)
    suspended.write_bytes(_SECONDS.pack(0))
    # Every process that is started later takes the beginning of the clock from shared memory. The times of
    # files stay real: Postgres and Python compare them with one another only.
    clock = {"TZ": "UTC", "FAKETIME_DONT_RESET": "1", "NO_FAKE_STAT": "1", "PYTHONPATH": str(_ROOT)}
    clock |= {_SUSPENDED: str(suspended), "FAST_CLOCK_SPEED": str(speed), _LIBRARY: str(library)}
    return subprocess.run(
        [
            *("faketime", "-f", f"@{START} x{speed}"),
            *("sh", "-c", f'LD_PRELOAD="${_LIBRARY}:$LD_PRELOAD" exec "$@"', "sh"),
            *(sys.executable, "-m", module, *arguments),
        ],
        env=os.environ | clock,
        check=False,
    ).returncode


def off_by(seconds: int) -> dict[str, str]:
    """The environment of a process whose clock is off by so many seconds."""
    _, _, speed = os.environ["FAKETIME"].rpartition(" ")
    start = datetime.fromisoformat(START) + timedelta(seconds=seconds)
    return {"FAKETIME": f"@{start:%Y-%m-%d %H:%M:%S} {speed}"}


def share_clock() -> None:
    """Let other users read when the clock began. Run as root, libfaketime lets only root."""
    for name in os.environ["FAKETIME_SHARED"].split():
        for file in (_MEMORY / name[1:], _MEMORY / f"sem.{name[1:]}"):
            if file.exists():
                file.chmod(0o666)


def suspend_until(at: datetime) -> None:
    """Move the clocks of all processes ahead as if the host had been suspended until then."""
    with Path(os.environ[_SUSPENDED]).open("r+b", buffering=0) as file:
        (before,) = _SECONDS.unpack(file.read())
        file.seek(0)
        file.write(_SECONDS.pack(before + max(0, (at - system_clock()) // _SECOND)))
    if at - system_clock() > _SECOND:
        raise SystemExit(f"{os.environ[_LIBRARY]} was not loaded: choose a --folder that may hold programs.")

"""The clock of a soak: libfaketime makes it faster, `clock.c` lets the host be suspended."""

import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from jobs.base.clock import system_clock

START = "2026-12-01 00:00:00"
_ROOT = Path(__file__).parent.parent.parent
_MEMORY = Path("/dev/shm")  # noqa: S108 - where glibc keeps shared memory
_SECONDS = struct.Struct("q")
_SECOND = timedelta(seconds=1)
_SUSPENDED = "SOAK_SUSPENDED"
_LIBRARY = "SOAK_CLOCK"


def run_on_clock(folder: Path, speed: int, module: str, arguments: Sequence[str]) -> int:
    """Run a module on a clock that keeps its files in `folder`; returns its exit code."""
    library, suspended = folder / "clock.so", folder / "suspended"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-O", "-shared", "-fPIC", "-o", library, source], check=True)
    suspended.write_bytes(_SECONDS.pack(0))
    # Every process that is started later takes the beginning of the clock from shared memory. The times of
    # files stay real: Postgres and Python compare them with one another only.
    clock = {"TZ": "UTC", "FAKETIME_DONT_RESET": "1", "NO_FAKE_STAT": "1", "PYTHONPATH": str(_ROOT)}
    clock |= {_SUSPENDED: str(suspended), "SOAK_SPEED": str(speed), _LIBRARY: str(library)}
    return subprocess.run(
        [
            *("faketime", "-f", f"@{START} x{speed}"),
            *("sh", "-c", f'LD_PRELOAD="${_LIBRARY}:$LD_PRELOAD" exec "$@"', "sh"),
            *(sys.executable, "-m", module, *arguments),
        ],
        env=os.environ | clock,
        check=False,
    ).returncode


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

"""How a command may use the machine."""

import os
import resource
import signal
import subprocess
import sys
import time

import pytest

LOOK = """
import resource
from jobs.base.event_loop import raise_descriptor_limit
raise_descriptor_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_a_command_may_open_as_many_files_as_the_machine_allows() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    limited = ["prlimit", f"--nofile=256:{most}", sys.executable, "-c", LOOK]
    done = subprocess.run(limited, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(most), str(most)]


TIDIES_UP = """
import asyncio, time
from jobs.base.event_loop import end_once, for_ever, run
from jobs.cli.main import exit_code

async def in_the_loop():
    try:
        print("begun", flush=True)
        await for_ever()
    finally:
        await asyncio.sleep(0.5)
        print("tidied up", flush=True)

def outside():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        time.sleep(0.5)
        print("tidied up", flush=True)

end_once()
raise SystemExit(exit_code(lambda: run(in_the_loop) if {inside} else outside()))
"""


@pytest.mark.parametrize("inside", [True, False], ids=["in its loop", "outside of it"])
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_further_signals_do_not_break_off_what_the_first_one_began(by: signal.Signals, inside: bool) -> None:
    script = TIDIES_UP.replace("{inside}", str(inside))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        for _ in range(3):
            os.kill(process.pid, by)
            time.sleep(0.1)
        out, err = process.communicate(timeout=100)
    assert (process.returncode, out, err) == (0, "tidied up\n", "")

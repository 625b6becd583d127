"""What a suspended host changes on the clocks of the processes of a soak."""

import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.base.clock import system_clock
from tests.support.processes.fast_clock import missing, run_on_clock, suspend_until

DAY_S = 86_400
HOUR_S = 3_600
"""Longer than the processes here take."""


def clocks() -> dict[str, float]:
    names = ("CLOCK_REALTIME", "CLOCK_BOOTTIME", "CLOCK_MONOTONIC")
    return {name: time.clock_gettime(getattr(time, name)) for name in names} | {"time": time.time()}


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_a_night_passes_for_all_processes_and_not_on_the_monotonic_clock(tmp_path: Path) -> None:
    assert run_on_clock(tmp_path, 1, "tests.soak.test_clock", [str(tmp_path / "found")]) == 0
    before, after, of_another = json.loads((tmp_path / "found").read_text(encoding="utf-8"))
    for name, at in before.items():
        night = 0 if name == "CLOCK_MONOTONIC" else DAY_S
        assert night - 1 <= after[name] - at < night + HOUR_S, name
        assert 0 <= of_another[name] - after[name] < HOUR_S, name


def main(found: Path) -> None:
    before = clocks()
    suspend_until(system_clock() + timedelta(days=1))
    suspend_until(system_clock() - timedelta(days=1))  # is over already
    after = clocks()
    code = "import json; from tests.soak.test_clock import clocks; print(json.dumps(clocks()))"
    of_another = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    found.write_text(json.dumps([before, after, json.loads(of_another)]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

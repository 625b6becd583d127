"""How a command may use the machine."""

import resource
import subprocess
import sys

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

"""Runs the tests of the storage on a Postgres 17 of this machine: `python -m tests.support.on_postgres_17`.

Postgres 17 is the oldest that Blockline works with. The programs are those of Debian's package
postgresql-17, or in the folder that TEST_POSTGRES_17_BIN names. As many testers as there are processors, each
with a server of its own, whose folder is gone afterwards. Tests without a database cannot differ and are left
out: this module is also the plugin of pytest that does so.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import roomy_memory

BINARIES = Path(os.environ.get("TEST_POSTGRES_17_BIN", "/usr/lib/postgresql/17/bin"))
TESTERS = min(6, (os.cpu_count() or 1) * 3 // 2)
ROOT = Path(__file__).parents[2]
TESTS = (
    "tests/storage",
    "tests/dashboard/api/test_reads.py",
    "tests/dashboard/feeds/test_routes.py",
    "tests/dashboard/live/test_routes.py",
    "tests/dashboard/health/test_prometheus_metrics.py",
    "tests/jobs/collect/test_late_readings.py",
    "tests/jobs/collect/test_monitor.py",
    "tests/jobs/collect/test_recorder.py",
    "tests/jobs/collect/test_canaries.py",
    "tests/jobs/collect/test_takedown_scope.py",
    "tests/jobs/engagement/test_likes.py",
    "tests/jobs/imports/test_histories.py",
    "tests/jobs/imports/test_transparency_figures.py",
    "tests/jobs/notify/test_digests.py",
    "tests/jobs/notify/test_notifier.py",
    "tests/jobs/notify/test_reminders.py",
    "tests/jobs/runtime/test_app.py",
    "tests/jobs/selfmonitoring/test_watchdog.py",
    "tests/jobs/status/test_report.py",
)
"""What asks the database most: all of the storage, and what drives it from above."""
LEFT_OUT = (
    "tests/storage/changes/test_record_postgres_killed.py",  # a Postgres of its own
    "tests/storage/embedded",  # a Postgres of its own
    "tests/storage/model",  # no database
    "tests/storage/postgres/test_query_plans.py",  # the plans of Postgres 18
    "tests/storage/health/test_status_at_as_known.py",  # a rehearsal; what it asks has tests of its own
)
_SETTINGS = (
    "-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"
    " -c autovacuum=off"
    # As on our own server, since plans depend on them.
    " -c random_page_cost=1.1 -c work_mem=16MB -c jit=off -c timezone=UTC"
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that ask no server."""
    asking = [one for one in items if "postgres_dsn" in getattr(one, "fixturenames", ())]
    config.hook.pytest_deselected(items=[one for one in items if one not in set(asking)])
    items[:] = asking


def main(arguments: list[str]) -> int:
    """The exit code of pytest, or 1 with a sentence when there is no Postgres 17."""
    if not (BINARIES / "postgres").exists():
        print(f"No Postgres 17 in {BINARIES}: install Debian's postgresql-17, or set TEST_POSTGRES_17_BIN.")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="blockline-17-", dir=roomy_memory()))
    owner = "postgres" if os.geteuid() == 0 else None
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        with ExitStack() as servers:
            for tester in range(TESTERS):
                _start(folder / f"gw{tester}", owner, servers)
            tests = [str(ROOT / name) for name in TESTS]
            left_out = [f"--ignore={ROOT / name}" for name in LEFT_OUT]
            address = f"postgresql://postgres@/postgres?host={folder}/{{tester}}"
            return subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pytest",
                    "-q",
                    "-p",
                    "tests.support.on_postgres_17",
                    f"-n{TESTERS}",
                    "--dist=worksteal",
                    "-m",
                    "not long",
                    *tests,
                    *left_out,
                    *arguments,
                ],
                env={**os.environ, "TEST_DATABASE_URL": address},
                check=False,
            ).returncode
    finally:
        shutil.rmtree(folder)


def _start(folder: Path, owner: str | None, servers: ExitStack) -> None:
    """A server whose socket is in the folder; it is stopped with `servers`."""
    data = folder / "data"
    _run(owner, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
    options = _SETTINGS.format(folder=folder)
    _run(owner, "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
    servers.callback(_run, owner, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _run(owner: str | None, program: str, *arguments: object) -> None:
    """Run a program of Postgres, which refuses to be run by root."""
    subprocess.run(
        [BINARIES / program, *map(str, arguments)],
        user=owner,
        group=owner,
        extra_groups=[] if owner else None,
        cwd="/",
        stdout=subprocess.DEVNULL,
        check=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

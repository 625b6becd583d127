"""Runs the tests of the storage on a Postgres 17 of this machine: `python -m tests.on_postgres_17`.

Postgres 17 is the oldest that Blockline works with. The programs are those of Debian's package
postgresql-17, or in the folder that TEST_POSTGRES_17_BIN names. As many testers as there are processors, each
with a server of its own, whose folder is gone afterwards.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.conftest import roomy_memory

BINARIES = Path(os.environ.get("TEST_POSTGRES_17_BIN", "/usr/lib/postgresql/17/bin"))
TESTERS = min(os.cpu_count() or 1, 4)
TESTS = (  # all of the storage but test_plans.py, whose plans are those of Postgres 18
    "test_api_v1.py",
    "test_backup.py",
    "test_canaries.py",
    "test_chain.py",
    "test_compliance.py",
    "test_corrections_shown.py",
    "test_countries.py",
    "test_db.py",
    "test_digests.py",
    "test_elsewhere.py",
    "test_evidence.py",
    "test_facts.py",
    "test_feeds.py",
    "test_follow_readings.py",
    "test_follows.py",
    "test_grants.py",
    "test_health_report.py",
    "test_history_import.py",
    "test_imported_accounts.py",
    "test_known.py",
    "test_late.py",
    "test_likes.py",
    "test_live_news.py",
    "test_metrics.py",
    "test_migrate.py",
    "test_monitor.py",
    "test_monitor_faults.py",
    "test_notes.py",
    "test_notify.py",
    "test_nudge.py",
    "test_notify_faults.py",
    "test_purge.py",
    "test_purge_whole.py",
    "test_readings.py",
    "test_rebuild.py",
    "test_recorder.py",
    "test_reports.py",
    "test_reports_platforms.py",
    "test_retention.py",
    "test_schema_2.py",
    "test_states.py",
    "test_status.py",
    "test_transparency_import.py",
    "test_trouble.py",
    "test_vantages.py",
    "test_watch_edits.py",
    "test_withheld_import.py",
)
_SETTINGS = (
    "-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"
    # As on our own server, since plans depend on them.
    " -c random_page_cost=1.1 -c work_mem=16MB -c jit=off -c timezone=UTC"
)


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
            tests = [str(Path(__file__).with_name(name)) for name in TESTS]
            address = f"postgresql://postgres@/postgres?host={folder}/{{tester}}"
            return subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pytest",
                    "-q",
                    f"-n{TESTERS}",
                    "--dist=worksteal",
                    *tests,
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

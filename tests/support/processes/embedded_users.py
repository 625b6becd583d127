"""Processes that use an embedded server, and what the tests of it ask about folders."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from storage.postgres.pool import connect
from tests.conftest import roomy_memory

ROOT = Path(__file__).parent.parent.parent.parent
CLIENT = """
import sys
from pathlib import Path
from storage.embedded.launcher import embedded_postgres
with embedded_postgres(Path(sys.argv[1]), fsync=False) as dsn:
    print(dsn, flush=True)
    sys.stdin.read()
"""


@contextmanager
def public_folder() -> Generator[Path]:
    """A place that every user may enter. No server may be left in it."""
    parent = Path(tempfile.mkdtemp(prefix="blockline-test-", dir=roomy_memory()))
    parent.chmod(0o755)
    try:
        yield parent
    finally:
        left = [kill_postmaster(lock.parent.parent) for lock in parent.glob("*/pgdata/postmaster.pid")]
        shutil.rmtree(parent)
    assert not any(left), "a server was left running"


def postmaster(folder: Path) -> int:
    return int((folder / "pgdata" / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0])


def kill_postmaster(folder: Path) -> bool:
    try:
        os.kill(postmaster(folder), signal.SIGKILL)
    except (OSError, ValueError):
        return False
    return True


def is_stopped(folder: Path) -> bool:
    return not (folder / "pgdata" / "postmaster.pid").exists()


class Client:
    """Another process that uses the server of a folder."""

    def __init__(self, folder: Path, python_path: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(folder)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": python_path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def dsn(self) -> str:
        """Wait until it is in the block."""
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        assert line, "the client failed: see its traceback above"
        return line

    def leave(self) -> None:
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()
        assert self._process.returncode == 0

    def kill(self) -> None:
        with self._process:
            self._process.kill()


async def _query(dsn: str, query: str) -> object:
    conn = await connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


def query(dsn: str, text: str) -> object:
    return asyncio.run(_query(dsn, text))


def a_row(dsn: str) -> None:
    query(dsn, "create table kept (n int)")
    query(dsn, "insert into kept values (1)")


def rows(dsn: str) -> object:
    return query(dsn, "select count(*) from kept")


def snapshot(folder: Path) -> list[tuple[str, int, int, int, int, int]]:
    """Every path below with everything about it that a careless start could change."""
    found = [folder, *sorted(folder.rglob("*"))]
    return [
        (str(p), s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_mtime_ns)
        for p in found
        if "__pycache__" not in p.parts
        for s in [p.lstat()]
    ]

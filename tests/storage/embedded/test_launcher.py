"""The embedded server against everything that happens to processes. Real processes throughout."""

import asyncio
import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.embedded.host import server_owner
from storage.embedded.launcher import embedded_postgres
from storage.postgres.errors import Unreachable
from storage.postgres.pool import open_pool, transaction
from tests.support.processes.embedded_users import (
    Client,
    a_row,
    is_stopped,
    kill_postmaster,
    public_folder,
    query,
    rows,
)
from tests.support.repeats import repeats

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Generator[Path]:
    """A data folder to be made."""
    with public_folder() as parent:
        yield parent / "database"


def test_a_first_start_makes_a_database_and_the_end_of_the_block_stops_it(folder: Path) -> None:
    with embedded_postgres(folder) as dsn:
        a_row(dsn)
        assert query(dsn, "show fsync") == "on"
        assert query(dsn, "show listen_addresses") == ""
    assert is_stopped(folder)
    with pytest.raises(Unreachable):
        query(dsn, "select 1")
    with embedded_postgres(folder) as dsn:
        assert rows(dsn) == 1


def test_a_writer_whose_server_is_killed_gets_our_error_and_loses_nothing_that_was_committed(
    folder: Path,
) -> None:
    written = 0

    async def write(dsn: str) -> None:
        nonlocal written
        async with open_pool(dsn) as pool:
            while True:
                async with transaction(pool) as conn:
                    await conn.execute("insert into kept select generate_series(1, 1000)")
                written += 1000
                if written == 20_000:
                    kill_postmaster(folder)

    with embedded_postgres(folder, fsync=False) as dsn:
        query(dsn, "create table kept (n int)")
        with pytest.raises(Unreachable):
            asyncio.run(write(dsn))
        with embedded_postgres(folder, fsync=False) as again:
            kept = rows(again)
    assert kept in (written, written + 1000)


@pytest.mark.again
@settings(max_examples=repeats(2, 20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["join", "leave", "kill a user", "kill the server"]), max_size=6))
def test_whatever_is_killed_in_whatever_order_the_rows_are_there_and_the_last_user_stops_it(
    steps: list[str],
) -> None:
    with public_folder() as parent:
        folder = parent / "database"
        with embedded_postgres(folder, fsync=False) as dsn:
            a_row(dsn)
        users: list[Client] = []
        for step in steps:
            if step == "join":
                users.append(Client(folder))
                assert rows(users[-1].dsn()) == 1
            elif step == "kill the server":
                kill_postmaster(folder)
            elif users:
                user = users.pop()
                user.leave() if step == "leave" else user.kill()
        with embedded_postgres(folder, fsync=False) as dsn:
            assert rows(dsn) == 1
            for user in users:
                user.leave()
            assert rows(dsn) == 1
        assert is_stopped(folder)


@pytest.mark.parametrize("state", ["another program", "zombie"])
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
def test_a_lock_file_whose_process_number_now_belongs_to_something_else_does_not_block_the_start(
    folder: Path, state: str
) -> None:
    with embedded_postgres(folder, fsync=False) as dsn:
        a_row(dsn)
        kill_postmaster(folder)
        owner = server_owner(folder / "pgdata")
        command = ["sleep", "100"] if state == "another program" else ["true"]
        with subprocess.Popen(command, user=owner.uid, cwd="/") as other:
            try:
                if state == "zombie":
                    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
                for lock in (folder / "pgdata/postmaster.pid", folder / "socket/.s.PGSQL.5432.lock"):
                    _, _, rest = lock.read_text(encoding="utf-8").partition("\n")
                    lock.write_text(f"{other.pid}\n{rest}", encoding="utf-8")
                with embedded_postgres(folder, fsync=False) as again:
                    assert rows(again) == 1
            finally:
                other.kill()

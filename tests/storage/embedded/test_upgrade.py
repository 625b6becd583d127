"""An embedded database that an older Postgres made is carried over; its old files are kept as they were."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from storage.changes.hash_chain import verify_chain
from storage.embedded.host import installed_binaries, open_to, process_owner, server_owner
from storage.embedded.launcher import EmbeddedError, embedded_postgres
from storage.embedded.server import EmbeddedServer
from storage.embedded.upgrade import upgrade_folder
from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool, transaction
from tests.storage.backup.test_backup import busy
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.processes.embedded_users import ROOT, Client, public_folder, snapshot
from tests.support.table_digests import digests

OLD = Path(os.environ.get("TEST_POSTGRES_17_BIN", "/usr/lib/postgresql/17/bin"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (OLD / "postgres").is_file(),
        reason=f"no Postgres 17 in {OLD}: install postgresql-17, or set TEST_POSTGRES_17_BIN",
    ),
]
KILLED = """
import os, signal, sys
from pathlib import Path
from storage.embedded.upgrade import upgrade_folder
def carry(old, new, file):
    os.kill(os.getpid(), signal.SIGKILL)
upgrade_folder(Path(sys.argv[1]), Path(sys.argv[2]), carry)
"""
Digests = dict[str, tuple[int, str]]


@pytest.fixture(scope="module")
def first_made() -> Generator[tuple[Path, Digests]]:
    """A data folder that Postgres 17 made, and what is in it; tests work on copies."""
    with public_folder() as parent:
        folder = parent / "postgres"
        folder.mkdir(mode=0o700)
        (folder / "start.lock").touch()
        owner = server_owner(folder / "pgdata")
        open_to(folder, owner)
        server = EmbeddedServer(folder, OLD, installed_binaries(), owner, process_owner(), fsync=False)
        server.ensure_running()
        try:
            asyncio.run(migrate(server.dsn))
            asyncio.run(busy(server.dsn))
            held = asyncio.run(digests(server.dsn))
        finally:
            server.stop()
        yield folder, held


@pytest.fixture
def made_by_17(first_made: tuple[Path, Digests]) -> Generator[tuple[Path, Digests]]:
    folder, held = first_made
    with public_folder() as parent:
        subprocess.run(["cp", "-a", folder, parent], check=True)
        yield parent / folder.name, held


def version(folder: Path) -> str:
    return (folder / "PG_VERSION").read_text(encoding="utf-8").strip()


async def whole(dsn: str) -> Digests:
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        assert (await verify_chain(conn)).broken is None
    return await digests(dsn)


@pytest.fixture
def run(
    made_by_17: tuple[Path, Digests],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATA_DIR", str(made_by_17[0].parent))
    return blockline(capsys)


def test_one_command_carries_everything_over_and_keeps_the_old_files(
    run: Blockline, made_by_17: tuple[Path, Digests]
) -> None:
    folder, held = made_by_17
    told = run("lists")
    assert told.code == 1
    assert "made by Postgres 17, and this Blockline brings Postgres 18. Run blockline upgrade" in told.err
    asked = run("upgrade")
    assert asked.code == 1
    assert "Give their folder with --old-binaries" in asked.err
    ran = run("upgrade", "--old-binaries", OLD)
    assert (ran.code, ran.err) == (0, "")
    assert ran.said == [
        "The database now uses Postgres 18. The files of Postgres 17 are kept in "
        f"{folder}/pgdata-17; delete them when you no longer need them."
    ]
    assert (version(folder / "pgdata"), version(folder / "pgdata-17")) == ("18", "17")
    assert not (folder / "upgrade").exists()
    with embedded_postgres(folder, fsync=False) as dsn:
        assert asyncio.run(whole(dsn)) == held
    again = run("upgrade", "--old-binaries", OLD)
    assert (again.code, again.err) == (
        1,
        f"The database in {folder} is already one of Postgres 18, so there is nothing to upgrade.\n",
    )


def fail(old: str, new: str, file: Path) -> None:
    raise OSError(28, "No space left on device", str(file))


def test_an_upgrade_that_fails_leaves_the_database_as_it_was_and_can_be_begun_again(
    run: Blockline, made_by_17: tuple[Path, Digests]
) -> None:
    folder, held = made_by_17
    with pytest.raises(EmbeddedError, match="No space left on device"):
        upgrade_folder(folder, OLD, fail)
    assert version(folder / "pgdata") == "17"
    assert not (folder / "pgdata" / "postmaster.pid").exists()
    assert run("upgrade", "--old-binaries", OLD).code == 0
    with embedded_postgres(folder, fsync=False) as dsn:
        assert asyncio.run(whole(dsn)) == held


def test_after_an_upgrade_was_killed_with_both_servers_running_the_next_one_does_it_all(
    run: Blockline, made_by_17: tuple[Path, Digests]
) -> None:
    folder, held = made_by_17
    subprocess.run([sys.executable, "-c", KILLED, str(folder), str(OLD)], cwd=ROOT, check=False)
    assert (folder / "upgrade" / "pgdata" / "postmaster.pid").exists()
    ran = run("upgrade", "--old-binaries", OLD)
    assert (ran.code, ran.err) == (0, "")
    with embedded_postgres(folder, fsync=False) as dsn:
        assert asyncio.run(whole(dsn)) == held


def test_what_cannot_be_upgraded_is_one_sentence_and_nothing_is_touched(
    made_by_17: tuple[Path, Digests],
) -> None:
    folder, _ = made_by_17
    before = snapshot(folder / "pgdata")
    with pytest.raises(EmbeddedError, match="does not hold the programs of Postgres 17"):
        upgrade_folder(folder, installed_binaries(), fail)
    (folder / "pgdata-17").mkdir()
    with pytest.raises(EmbeddedError, match=r"is left from an earlier upgrade\. Move it away first"):
        upgrade_folder(folder, OLD, fail)
    with pytest.raises(EmbeddedError, match=r"There is no database in .*, so there is nothing to upgrade"):
        upgrade_folder(folder.parent / "other", OLD, fail)
    assert snapshot(folder / "pgdata") == before


def test_a_database_that_somebody_uses_is_not_upgraded(made_by_17: tuple[Path, Digests]) -> None:
    folder, _ = made_by_17
    (folder / "pgdata").rename(folder / "aside")
    client = Client(folder)
    client.dsn()
    (folder / "pgdata" / "PG_VERSION").write_text("17\n", encoding="utf-8")
    with pytest.raises(EmbeddedError, match=r"is in use\. Stop Blockline first"):
        upgrade_folder(folder, OLD, fail)
    (folder / "pgdata" / "PG_VERSION").write_text("18\n", encoding="utf-8")
    client.leave()

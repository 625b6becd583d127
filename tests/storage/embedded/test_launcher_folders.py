"""The embedded server in all sorts of data folders, and what it leaves alone."""

import os
import shutil
from collections.abc import Generator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from storage.embedded.host import installed_binaries, server_owner, usable_binaries
from storage.embedded.launcher import EmbeddedError, embedded_postgres
from storage.embedded.server import fits_a_socket
from storage.postgres.errors import SETTING
from tests.support.processes.embedded_users import (
    a_row,
    public_folder,
    rows,
    snapshot,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up rights")


@pytest.fixture
def folder() -> Generator[Path]:
    """A data folder to be made."""
    with public_folder() as parent:
        yield parent / "database"


@pytest.mark.slow
def test_a_folder_too_deep_for_a_socket_gets_a_short_private_one_that_goes_with_the_server(
    folder: Path,
) -> None:
    deep = folder / ("x" * 60) / ("y" * 60)
    with embedded_postgres(deep, fsync=False) as dsn:
        a_row(dsn)
        short = Path(parse_qs(urlsplit(dsn).query)["host"][0])
        assert fits_a_socket(short)
        assert short.stat().st_mode & 0o077 == 0
        with embedded_postgres(deep, fsync=False) as same:
            assert same == dsn
    assert not short.exists()
    with embedded_postgres(deep, fsync=False) as dsn:
        assert rows(dsn) == 1


@pytest.mark.slow
def test_a_folder_that_was_moved_works_at_its_new_place(folder: Path) -> None:
    with embedded_postgres(folder, fsync=False) as dsn:
        a_row(dsn)
    moved = folder.rename(folder.with_name("moved"))
    with embedded_postgres(moved, fsync=False) as dsn:
        assert rows(dsn) == 1


@pytest.mark.parametrize(
    ("version", "instead"),
    [
        ("17", "Run blockline upgrade, which rebuilds it and keeps the old files"),
        ("19", "Use the Blockline that made it"),
    ],
)
def test_files_of_another_postgres_are_refused_in_one_sentence_and_not_touched(
    folder: Path, version: str, instead: str
) -> None:
    (folder / "pgdata").mkdir(parents=True)
    (folder / "pgdata" / "PG_VERSION").write_text(f"{version}\n", encoding="utf-8")
    before = snapshot(folder.parent)
    with pytest.raises(EmbeddedError) as caught, embedded_postgres(folder):
        pytest.fail("started")
    assert str(caught.value) == (
        f"The database in {folder} was made by Postgres {version}, and this Blockline brings Postgres 18. "
        f"{instead}, or set {SETTING} to the address of a Postgres server of your own."
    )
    assert snapshot(folder.parent) == before


def test_a_folder_with_other_things_in_it_is_refused_and_not_touched(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "letters.txt").touch()
    before = snapshot(folder.parent)
    with pytest.raises(EmbeddedError, match="is not empty"), embedded_postgres(folder):
        pytest.fail("started")
    assert snapshot(folder.parent) == before


def test_files_that_are_damaged_are_one_sentence_with_the_reason_and_the_log(folder: Path) -> None:
    with embedded_postgres(folder, fsync=False):
        pass
    (folder / "pgdata" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(EmbeddedError) as caught, embedded_postgres(folder):
        pytest.fail("started")
    assert "pg_control" in str(caught.value)
    assert f"See {folder}/pgdata/server.log" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_package_the_newest_postgres_of_the_machine_is_taken(tmp_path: Path) -> None:
    for major in (9, 16, 18, 17):
        program = tmp_path / str(major) / "bin" / "postgres"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.1'\n")
        program.chmod(0o755)
    places = [(tmp_path, "*/bin")]
    assert installed_binaries("a_package_that_is_not_there", places) == tmp_path / "18" / "bin"
    for major in (17, 18):
        shutil.rmtree(tmp_path / str(major))
    with pytest.raises(EmbeddedError, match="nor a Postgres from 17 on"):
        installed_binaries("a_package_that_is_not_there", places)


@as_root
def test_a_closed_folder_above_is_named_and_not_opened(folder: Path) -> None:
    home = folder.parent / "home"
    home.mkdir(mode=0o700)
    before = snapshot(folder.parent)
    sentence = rf"cannot enter {home}\. Choose"
    with pytest.raises(EmbeddedError, match=sentence), embedded_postgres(home / "blockline" / "database"):
        pytest.fail("started")
    assert snapshot(folder.parent) == before


@as_root
def test_a_copy_of_the_binaries_that_was_killed_half_way_is_made_anew(folder: Path) -> None:
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    package = installed_binaries().parent.parent
    shutil.copytree(package, closed / package.name)
    shutil.copytree(package.parent / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    installed = closed / package.name / "pginstall" / "bin"
    folder.mkdir(mode=0o755)
    owner = server_owner(folder / "pgdata")
    first = usable_binaries(installed, folder, owner)
    copy = folder / first.relative_to(folder).parts[0]
    copy.rename(copy.with_name(f"{copy.name}.part"))
    (copy.with_name(f"{copy.name}.part") / "embedded_postgres/pginstall/bin/postgres").unlink()
    assert usable_binaries(installed, folder, owner) == first
    assert owner.run(first / "postgres", "--version").returncode == 0

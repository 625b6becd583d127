"""The commands backup and restore, as their user meets them, also when they are killed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.backup.backup_log import RecordedBackup, newest_backup
from storage.postgres.pool import open_pool, transaction
from storage.postgres.schema import newest
from tests.storage.backup.test_backup import ask, no_tables, saved
from tests.support.clients.command_line import Blockline, Ran, blockline, forget_settings
from tests.support.samples.readings import minutes
from tests.support.servers.dashboard import SETTINGS, page_of


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    return blockline(capsys)


def on(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)


def test_a_dry_run_of_a_migration_says_what_would_happen_and_changes_nothing(
    run: Blockline, dsn: str, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(empty_dsn, monkeypatch)
    for _ in range(2):
        first, *_, last = run("migrate", "--dry-run").said
        assert first.startswith("0100 rewrites no stored rows: The whole schema")
        assert last == "All steps run in one transaction. Nothing was changed."
    refused(run("migrate", "--dry-run", "--grant", "someone"), "Give --dry-run without --grant")
    on(dsn, monkeypatch)
    assert run("migrate", "--dry-run").said == [
        f"The database has schema {newest()} already. There is nothing to do."
    ]


def test_a_backup_without_a_file_is_a_new_one_in_the_folder_that_where_names(
    run: Blockline, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(dsn, monkeypatch)
    monkeypatch.setenv("BLOCKLINE_DATA_DIR", str(tmp_path / "data"))
    ran = run("backup")
    assert ran.code == 0
    (file,) = Path(run("where", "--json").json["backups"]).iterdir()
    assert re.fullmatch(r"blockline-\d{8}T\d{6}Z\.backup", file.name)
    assert ran.out.startswith(f"{file} contains ")
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_verified_backup_is_recorded_and_one_that_failed_is_not(
    run: Blockline, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(dsn, monkeypatch)

    async def newest() -> tuple[RecordedBackup | None, str]:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            page = await page_of(conn, "/health", minutes(0), SETTINGS, "light")
            return await newest_backup(conn), repr(page)

    found, page = asyncio.run(newest())
    assert found is None
    assert "No backup is recorded" in page
    Path("there").write_text("something", encoding="utf-8")
    assert run("backup", "there").code == 1
    assert asyncio.run(newest())[0] is None
    assert run("backup", "b.tar").code == 0
    found, page = asyncio.run(newest())
    assert found is not None
    assert (found.file, found.bytes) == (str(Path("b.tar").resolve()), Path("b.tar").stat().st_size)
    assert found.created_at <= found.verified_at
    assert not found.is_signed
    assert f"by {found.made_by} on {found.host}: {found.file} (" in page


def test_a_backup_that_cannot_be_recorded_is_kept_and_says_so(
    run: Blockline, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only = f"{dsn}{'&' if '?' in dsn else '?'}options=-c%20default_transaction_read_only%3Don"
    on(read_only, monkeypatch)
    ran = run("backup", "b.tar")
    assert ran.code == 0
    assert Path("b.tar").exists()
    assert ran.err.startswith("Note: the backup is whole, but Health cannot show it: ")


def refused(ran: Ran, why: str) -> None:
    assert (ran.code, ran.out) == (1, "")
    assert why in ran.err
    assert ran.err.count("\n") == 1


def test_what_cannot_be_is_one_sentence(run: Blockline, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    on(dsn, monkeypatch)
    Path("there").write_text("letters" * 1000, encoding="utf-8")
    refused(run("backup", "there"), "there exists already; name another file.")
    refused(run("backup", "no/where"), "the folder no does not exist")
    refused(run("restore", "there"), "there is not a complete backup of Blockline")
    refused(run("restore", "absent"), "absent: the file does not exist.")
    refused(run("upgrade"), "Setting database_url names your own Postgres server")


def test_with_a_key_a_backup_of_somebody_else_is_not_restored(
    run: Blockline, dsn: str, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(dsn, monkeypatch)
    assert run("backup", "unsigned").code == 0
    monkeypatch.setenv("BLOCKLINE_BACKUP_KEY", "k" * 32)
    assert run("backup", "signed").code == 0
    on(empty_dsn, monkeypatch)
    refused(run("restore", "unsigned"), "unsigned is not signed, and the setting backup_key asks for")
    assert asyncio.run(no_tables(empty_dsn))
    assert run("restore", "signed").code == 0
    monkeypatch.setenv("BLOCKLINE_BACKUP_KEY", "short")
    refused(
        run("backup", "third"),
        "Setting backup_key (in the environment, as BLOCKLINE_BACKUP_KEY): it is shorter",
    )


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_backup_that_is_killed_leaves_no_file_of_that_name(dsn: str, tmp_path: Path, share: float) -> None:
    rows = """
        with made as (
            insert into live_event (topic, at)
            select 'account', now() from generate_series(1, 200000) returning 1
        )
        select count(*) from made
    """
    asyncio.run(ask(dsn, rows))
    whole = tmp_path / "whole"
    asyncio.run(saved(dsn, whole))
    with subprocess.Popen(
        [Path(sys.executable).parent / "blockline", "backup", tmp_path / "b"],
        env=os.environ | {"BLOCKLINE_DATABASE_URL": dsn},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not any(p.stat().st_size > share * whole.stat().st_size for p in tmp_path.glob(".b.*")):
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "b").exists()

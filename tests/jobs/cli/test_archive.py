"""The commands archive and unarchive, as their user meets them."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from storage.postgres.pool import open_pool, transaction
from tests.support.clients.command_line import Blockline
from tests.support.seeds.changes import Story

MONTH = "2021-01"


async def counts(dsn: str) -> Mapping[str, int]:
    """Rows of coverage, archived months and acts in the audit log."""
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        row = await conn.fetchrow(
            """
            select (select count(*) from coverage_row) as rows,
                (select count(*) from archived_month) as months,
                (select count(*) from audit_log where action like 'month %') as acts
            """
        )
    assert row is not None
    return dict(row)


@pytest.fixture
def archiving(run: Blockline, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blockline:
    """Commands of an installation with months that are long over, and with a folder for the archive."""
    monkeypatch.setenv("BLOCKLINE_ARCHIVE_URL", str(tmp_path / "archive"))
    return run


def test_a_dry_run_shows_the_months_and_changes_nothing(
    archiving: Blockline, dsn: str, tmp_path: Path
) -> None:
    before = asyncio.run(counts(dsn))
    ran = archiving("archive", "--dry-run", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert MONTH in ran.json["would_archive"]
    assert ran.json["archived"] == []
    assert asyncio.run(counts(dsn)) == before
    assert not (tmp_path / "archive").exists()


def test_months_are_archived_and_one_comes_back(archiving: Blockline, dsn: str) -> None:
    before = asyncio.run(counts(dsn))
    ran = archiving("archive")
    assert (ran.code, ran.err) == (0, "")
    assert any(line.startswith(f"{MONTH} is archived: ") for line in ran.said)
    after = asyncio.run(counts(dsn))
    assert (after["months"], after["acts"]) == (len(ran.said), len(ran.said))
    assert after["rows"] < before["rows"]
    assert archiving("archive").said == ["No month in the database is 2 months old."]
    back = archiving("unarchive", MONTH)
    assert (back.code, back.err) == (0, "")
    assert back.out.startswith(f"{MONTH} is in the database again: ")
    assert asyncio.run(counts(dsn))["months"] == after["months"] - 1
    again = archiving("unarchive", MONTH)
    assert (again.code, again.complaints) == (1, [f"The month {MONTH} is not archived."])


@pytest.mark.parametrize("month", ["2021-13", "January", "2021", "2021-01-01", ""])
def test_what_is_no_month_is_refused(archiving: Blockline, dsn: str, month: str) -> None:
    before = asyncio.run(counts(dsn))
    ran = archiving("unarchive", month)
    assert (ran.code, ran.complaints) == (1, [f"{month!r} is not a month. Write it as 2026-01."])
    assert asyncio.run(counts(dsn)) == before


def test_without_the_setting_nothing_is_archived(run: Blockline, story: Story) -> None:
    ran = run("archive", "--dry-run")
    assert ran.code == 1
    assert ran.complaints == [
        "Setting archive_url is not set. Set it to the folder or address of the archive."
    ]


def test_an_archive_that_cannot_be_written_leaves_everything_in_the_database(
    archiving: Blockline, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BLOCKLINE_ARCHIVE_URL", str(tmp_path / "file" / "archive"))
    before = asyncio.run(counts(dsn))
    ran = archiving("archive")
    assert ran.code == 1
    assert len(ran.complaints) == 1
    assert "(setting archive_url) cannot be used: " in ran.err
    assert "Nothing was removed from the database." in ran.err
    assert asyncio.run(counts(dsn)) == before


def test_without_the_extra_the_command_names_it(
    archiving: Blockline, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "storage.tier.iceberg", raising=False)
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    monkeypatch.setitem(sys.modules, "pyiceberg.catalog.sql", None)
    before = asyncio.run(counts(dsn))
    ran = archiving("archive")
    assert ran.code == 1
    assert len(ran.complaints) == 1
    assert "Install Blockline with the extra `archive` (docs/how-to/archive.md)." in ran.err
    assert asyncio.run(counts(dsn)) == before

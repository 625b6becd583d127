"""The notebook of the documentation computes what Postgres holds, and never says more than was seen."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.x.declaration import X
from jobs.export.export import ExportRequest, Format, export_to_folder
from storage.model.core.coverage import BatchOutcome
from storage.model.evidence.export_kinds import ExportFilter, Kind
from storage.postgres.pool import Pool, transaction
from tests.support.reference import notebook
from tests.support.samples.readings import AVAILABLE, SUSPENDED, WITHHELD_IN, minutes
from tests.support.seeds.changes import batch, become, enlist, read, roster_of

DAY = 24 * 60
NOW = minutes(90 * DAY)


def test_the_notebook_is_made_of_its_page() -> None:
    assert notebook.FILE.read_text(encoding="utf-8") == notebook.text()
    cells = json.loads(notebook.FILE.read_text(encoding="utf-8"))["cells"]
    assert [one["cell_type"] for one in cells[:3]] == ["markdown", "code", "markdown"]
    assert "".join(cells[1]["source"]).startswith("import duckdb")


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


async def test_its_cells_count_what_was_seen_and_leave_empty_what_was_not(pool: Pool, folder: Path) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        roster = await roster_of(conn, [one, two])
        for account in (one, two):
            await become(conn, roster, account, None, AVAILABLE, minutes(account.account_id))
        await become(conn, roster, one, AVAILABLE, WITHHELD_IN, minutes(10 * DAY))
        await become(conn, roster, one, WITHHELD_IN, AVAILABLE, minutes(40 * DAY))
        await become(conn, roster, two, AVAILABLE, SUSPENDED, minutes(12 * DAY))
        await become(conn, roster, two, SUSPENDED, AVAILABLE, minutes(50 * DAY), confirmed=False)
        await read(conn, batch(roster, minutes(15 * DAY), BatchOutcome.MISSED))
        # A request was answered, and said something about nobody.
        await read(conn, batch(roster, minutes(16 * DAY), answered=(False, False)))
    for kind in (Kind.CHANGES, Kind.SPELLS, Kind.COVERAGE):
        asked = ExportRequest(kind, Format.PARQUET, ExportFilter(NOW))
        await export_to_folder(pool, asked, folder / kind.value, lambda _rows, _at: None)
    made: dict[str, Any] = {}
    for cell in notebook.cells():
        exec(cell, made)  # noqa: S102  # as a notebook does
    by_month, blocks, seen = made["by_month"], made["blocks"].sort("since"), made["seen"]
    assert by_month.rows() == [("2021-02", "block", 2, 2), ("2021-03", "restoration", 1, 1)]
    assert blocks.select("handle", "shortest", "longest").rows() == [
        ("h1", timedelta(days=30, minutes=-10), timedelta(days=30, minutes=10)),
        ("h2", None, None),  # it lasts
    ]
    # Zero where an answer came, empty where none did, and no row where nobody looked.
    assert [(day.isoformat(), found) for day, found in seen.sort("day").select("day", "blocks").rows()] == [
        ("2021-02-01", 0),
        ("2021-02-11", 1),
        ("2021-02-13", 1),
        ("2021-02-16", None),
        ("2021-02-17", None),
        ("2021-03-13", 0),
        ("2021-03-23", 0),
    ]

"""Rows that are taken out of the store say what the store says, as it was known when it is asked for."""

import re
from pathlib import Path

import pytest

from storage.export.exports import EXPORTS
from storage.model.evidence.export_kinds import ExportFilter, Kind
from storage.postgres.pool import Pool, transaction
from storage.postgres.replica import snapshot
from tests.support.seeds.chain_rows import NOW, story, table


async def test_the_side_facts_of_a_change_are_not_those_of_a_spell_before_it(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await story(conn)
        await conn.execute("update spell set before_change = true")
        assert {row["flags"] for row in await table(conn, Kind.SPELLS)} == {None}


REFERENCE = Path(__file__).parents[3] / "docs/reference"
DOCUMENTED = "".join((REFERENCE / f"{name}.md").read_text() for name in ("export-changes", "export-records"))


@pytest.mark.parametrize("kind", list(Kind))
async def test_the_documentation_has_every_column_in_its_order_and_with_its_type(
    pool: Pool, kind: Kind
) -> None:
    section = DOCUMENTED.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE)
    async with snapshot(pool) as conn:
        rows = await EXPORTS[kind].rows(conn, ExportFilter(NOW))
        await rows.chunks.aclose()
    assert documented == [(name, cell.value) for name, cell in rows.columns.items()]

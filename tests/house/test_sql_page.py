"""The pages of the views for SQL clients have every view and column, and their examples run."""

import re

from storage.postgres.pool import Pool, transaction
from tests.house.source import ROOT

PAGES = [ROOT / "docs/reference/sql-accounts.md", ROOT / "docs/reference/sql-orders.md"]


async def test_the_pages_have_every_view_and_every_column(pool: Pool) -> None:
    rows = await pool.fetch(
        "select table_name::text, column_name::text from information_schema.columns "
        "where table_schema = 'blockline_read'"
    )
    text = "\n".join(page.read_text() for page in PAGES)
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    listed = {
        (view, column)
        for view, section in sections.items()
        for column in re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    }
    assert len({view for view, _ in listed}) == 11
    assert len(listed) > 100
    assert listed == {(r["table_name"], r["column_name"]) for r in rows}


async def test_every_example_runs(pool: Pool) -> None:
    examples = [
        query
        for block in re.findall(r"```sql\n(.*?)```", (ROOT / "docs/how-to/sql.md").read_text(), re.DOTALL)
        for query in block.split(";")
        if query.strip()
    ]
    assert len(examples) >= 3
    async with transaction(pool) as conn:
        for query in examples:
            await conn.fetch(query)

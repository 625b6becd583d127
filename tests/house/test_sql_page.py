"""docs/reference/sql.md says what the comments of the views say, of every view and column."""

import re

from storage.postgres.pool import Pool, transaction
from tests.support.sql_page import PAGE, by_hand, reference


async def test_the_page_is_what_the_comments_say(pool: Pool) -> None:
    async with transaction(pool) as conn:
        written = await reference(conn)
    assert PAGE.read_text() == by_hand(PAGE.read_text()) + written, "run: python -m tests.support.sql_page"


async def test_the_page_has_every_view_and_every_column(pool: Pool) -> None:
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            "select table_name::text, column_name::text from information_schema.columns "
            "where table_schema = 'blockline_read'"
        )
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    listed = {
        (view, column)
        for view, text in sections.items()
        for column in re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    }
    assert len({view for view, _ in listed}) == 11
    assert len(listed) > 100
    assert listed == {(r["table_name"], r["column_name"]) for r in rows}


async def test_every_example_runs(pool: Pool) -> None:
    examples = [
        query
        for block in re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
        for query in block.split(";")
        if query.strip()
    ]
    assert len(examples) >= 3
    async with transaction(pool) as conn:
        for query in examples:
            await conn.fetch(query)

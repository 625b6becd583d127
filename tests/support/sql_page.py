"""The reference in docs/reference/sql.md, from the comments of the schema `blockline_read`.

`python -m tests.support.sql_page` writes it again. What stands before it is written by hand.
"""

import asyncio
import tempfile
from pathlib import Path

from storage.embedded.launcher import embedded_postgres
from storage.postgres.migrate import migrate
from storage.postgres.pool import Conn, open_pool, transaction

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sql.md"
_TYPES = {"timestamp with time zone": "timestamptz", "bigint": "integer", "numeric": "integer"}


async def reference(conn: Conn) -> str:
    """A table for each view, and one of the functions, in the order in which they were made."""
    views = await conn.fetch(
        """
        select c.relname::text as name, obj_description(c.oid) as said,
            array(
                select array[a.attname::text, format_type(a.atttypid, null), col_description(c.oid, a.attnum)]
                from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 order by a.attnum
            ) as columns
        from pg_class c where c.relnamespace = 'blockline_read'::regnamespace and c.relkind = 'v'
        order by c.oid
        """
    )
    functions = await conn.fetch(
        """
        select p.proname::text as name, pg_get_function_arguments(p.oid) as arguments,
            obj_description(p.oid, 'pg_proc') as said
        from pg_proc p where p.pronamespace = 'blockline_read'::regnamespace order by p.oid
        """
    )
    parts: list[str] = []
    for view in views:
        lines = [f"| `{name}` | {_TYPES.get(kind, kind)} | {said} |" for name, kind, said in view["columns"]]
        rows = "\n".join(("| column | type | meaning |", "| --- | --- | --- |", *lines))
        parts.append(f"## {view['name']}\n\n{view['said']}\n\n{rows}\n")
    lines = [f"| `{f['name']}({_arguments(f['arguments'])})` | {f['said']} |" for f in functions]
    parts.append("## Functions\n\n" + "\n".join(("| function | meaning |", "| --- | --- |", *lines)) + "\n")
    return "\n".join(parts)


def by_hand(text: str) -> str:
    """What stands before the reference in the text of the page."""
    return text[: text.index("## accounts\n")]


def _arguments(text: str) -> str:
    text = text.replace("timestamp with time zone", "timestamptz")
    return text.replace(" DEFAULT NULL::timestamptz", " = null")


async def _write(dsn: str) -> None:
    await migrate(dsn)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        PAGE.write_text(by_hand(PAGE.read_text()) + await reference(conn))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, embedded_postgres(Path(folder), fsync=False) as own:
        asyncio.run(_write(own))

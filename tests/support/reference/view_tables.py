"""The views of the schema `blockline_read` as tables, from their comments."""

from storage.postgres.pool import Conn

OF_ORDERS = ("orders", "order_accounts", "compliance", "engagements", "engagement_access", "deliveries")
"""The views of the second page; the first has the others."""
_TYPES = {"timestamp with time zone": "timestamptz", "bigint": "integer", "numeric": "integer"}


async def views(conn: Conn) -> dict[str, str]:
    """By view, a table of its columns, in the order in which the views were made."""
    rows = await conn.fetch(
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
    found: dict[str, str] = {}
    for view in rows:
        lines = [f"| `{name}` | {_TYPES.get(kind, kind)} | {said} |" for name, kind, said in view["columns"]]
        table = "\n".join(("| column | type | meaning |", "| --- | --- | --- |", *lines))
        found[view["name"]] = f"## {view['name']}\n\n{view['said']}\n\n{table}\n"
    return found


async def functions(conn: Conn) -> str:
    """A table of the functions."""
    rows = await conn.fetch(
        """
        select p.proname::text as name, pg_get_function_arguments(p.oid) as arguments,
            obj_description(p.oid, 'pg_proc') as said
        from pg_proc p where p.pronamespace = 'blockline_read'::regnamespace order by p.oid
        """
    )
    lines = [f"| `{f['name']}({_arguments(f['arguments'])})` | {f['said']} |" for f in rows]
    return "\n".join(("| function | meaning |", "| --- | --- |", *lines)) + "\n"


def _arguments(text: str) -> str:
    text = text.replace("timestamp with time zone", "timestamptz")
    return text.replace(" DEFAULT NULL::timestamptz", " = null")

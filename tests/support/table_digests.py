"""What a database holds, table by table, for tests that compare two of them; and with whose rights."""

from urllib.parse import urlsplit, urlunsplit

from storage.postgres.pool import Conn, open_pool, transaction


async def digests(dsn: str) -> dict[str, tuple[int, str]]:
    """Of every table that is kept how many rows it has, and a hash of them in an order of their own."""
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return {name: await _digest(conn, name) for name in await tables(conn)}


async def tables(conn: Conn) -> list[str]:
    rows = await conn.fetch(
        """
        select relname::text from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'
            and relpersistence = 'p' order by 1
        """
    )
    return [r[0] for r in rows]


async def _digest(conn: Conn, name: str) -> tuple[int, str]:
    row = await conn.fetchrow(
        f"select count(*), coalesce(md5(string_agg(t::text, chr(10) order by t::text)), '') from \"{name}\" t"  # noqa: S608
    )
    assert row is not None
    return row[0], row[1]


def as_role(dsn: str, role: str) -> str:
    """The same database, with the rights of that role."""
    parts = urlsplit(dsn)
    query = "&".join(part for part in (parts.query, f"role={role}") if part)
    return urlunsplit(parts._replace(query=query))

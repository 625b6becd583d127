"""Taking an account out of the names of orders, by its number and by every handle that it had."""

from collections.abc import Collection

from storage.postgres.pool import Conn


async def take_out(
    conn: Conn, account_id: int, platform: str, native_id: str, names: Collection[str], *, whole: bool
) -> int:
    """Take the words, the handle and the note of every name that means the account; returns how many had one.

    The name stays as one of the order, with its outcome and what others saw of it; a whole purge removes it.
    A name that nobody resolved means the account when it holds a handle that the account had.
    """
    of_it: list[int] = [
        r["order_name_id"]
        for r in await conn.fetch(
            """
            select order_name_id from order_name
            where account_id = $1
                or (coalesce(platform, $2) = $2 and lower(handle) = any($3::text[]))
                or said = any($4::text[])
                or ($2 <> 'x' and position($5 in said) > 0)
            """,
            account_id,
            platform,
            [name.lower() for name in names],
            [native_id, *(f"{before}id:{native_id}" for before in ("", f"{platform}:", f"{platform} "))],
            native_id,
        )
    ]
    if whole:
        await conn.execute("delete from order_name where order_name_id = any($1::bigint[])", of_it)
        return len(of_it)
    await conn.execute(
        "update order_name_past set note = '' where order_name_id = any($1::bigint[]) and note <> ''", of_it
    )
    return await conn.fetchval(
        """
        with gone as (
            update order_name set said = 'purged name ' || order_name_id, handle = null, note = ''
            where order_name_id = any($1::bigint[]) and said <> 'purged name ' || order_name_id
            returning 1
        )
        select count(*) from gone
        """,
        of_it,
    )

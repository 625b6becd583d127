"""Posts among the accounts of a story."""

from collections.abc import Collection

from storage.postgres.pool import Conn


async def turn_into_posts(conn: Conn, account_ids: Collection[int]) -> None:
    """Make posts of these accounts. Each keeps all that was recorded of it, and has the handle AUTHOR/ID."""
    await conn.execute(
        """
        update account
        set is_post = true, native_id = 'post:' || native_id, handle = handle || '/' || native_id
        where account_id = any($1) and platform = 'x' and not is_post
        """,
        list(account_ids),
    )

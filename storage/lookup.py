"""Who is on file under a name that a user gives."""

from storage.db import Conn
from storage.model.accounts import Account, AccountId, Platform


async def accounts_named(conn: Conn, platform: Platform, name: str) -> list[Account]:
    """The accounts with that native id, or with that handle now, whether they are watched or not.

    More than one when a freed handle was taken by somebody else and both are on file.
    """
    rows = await conn.fetch(
        """
        select account_id, native_id, handle from account
        where platform = $1 and (native_id = $2 or lower(handle) = lower($2)) order by account_id
        """,
        platform.value,
        name,
    )
    return [Account(AccountId(r["account_id"]), platform, r["native_id"], r["handle"]) for r in rows]

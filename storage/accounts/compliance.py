"""Which accounts a platform is to be asked about again: those of which it only says that they are gone."""

from storage.model.core.accounts import Account, AccountId, Platform
from storage.postgres.pool import Conn


async def not_found(conn: Conn, platform: Platform) -> list[Account]:
    """The watched accounts whose confirmed status is not found, in stable order."""
    rows = await conn.fetch(
        """
        select a.account_id, a.native_id, a.handle from spell s join account a using (account_id)
        where a.platform = $1 and a.watched and s.status = 'not_found'
            and upper_inf(s.valid) and upper_inf(s.recorded)
        order by a.account_id
        """,
        platform.value,
    )
    return [Account(AccountId(r["account_id"]), platform, r["native_id"], r["handle"]) for r in rows]

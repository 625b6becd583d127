"""Keys of this installation, made once and kept in the database so that all its processes have them."""

import secrets

from storage.db import Conn


async def link_key(conn: Conn) -> bytes:
    """What signs the links in mails."""
    known = await conn.fetchval("select key from installation_key where name = 'links'")
    if known is not None:
        return known
    await conn.execute(
        "insert into installation_key (name, key) values ('links', $1) on conflict do nothing",
        secrets.token_bytes(32),
    )
    # Asked once more: another process may have made it while this one waited.
    return await conn.fetchval("select key from installation_key where name = 'links'")

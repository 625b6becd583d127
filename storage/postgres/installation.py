"""What holds for this installation, kept in the database so that all its processes know: keys, and whether
what it records is invented.
"""

import secrets
from datetime import datetime

from storage.postgres.audit_log import log
from storage.postgres.pool import Conn

_LINKS, _LOGIN, _CHECKPOINTS = "links", "login", "checkpoints"


async def link_key(conn: Conn) -> bytes:
    """What signs the links in mails."""
    return await _key(conn, _LINKS)


async def login_key(conn: Conn) -> bytes:
    """What signs what a browser keeps while somebody logs in elsewhere."""
    return await _key(conn, _LOGIN)


async def checkpoint_key(conn: Conn) -> bytes:
    """What signs the checkpoints of the log over the hash chain: the secret of an Ed25519 key."""
    return await _key(conn, _CHECKPOINTS)


async def rotate_keys(conn: Conn, actor: str, now: datetime) -> None:
    """Replace the keys of links and logins: what they signed is void. With an entry in the audit log.

    Emails that are being written must be stored before, or their links are void from the beginning.
    """
    await conn.executemany(
        """
        insert into installation_key (name, key) values ($1, $2)
        on conflict (name) do update set key = excluded.key
        """,
        [(name, secrets.token_bytes(32)) for name in (_LINKS, _LOGIN)],
    )
    await log(conn, now, actor, "keys rotated", "links and logins")


async def _key(conn: Conn, name: str) -> bytes:
    query = "select key from installation_key where name = $1"
    known = await conn.fetchval(query, name)
    if known is not None:
        return known
    await conn.execute(
        "insert into installation_key (name, key) values ($1, $2) on conflict do nothing",
        name,
        secrets.token_bytes(32),
    )
    # Asked once more: another process may have made it while this one waited.
    return await conn.fetchval(query, name)


async def mark_synthetic(conn: Conn) -> None:
    """Note for good that what is recorded here is an invented scenario, so that whoever reads it says so."""
    await conn.execute(
        "insert into installation_key (name, key) values ('synthetic', '') on conflict do nothing"
    )


async def is_synthetic(conn: Conn) -> bool:
    return await conn.fetchval("select exists (select from installation_key where name = 'synthetic')")

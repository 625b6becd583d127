"""Locks that one process at a time holds, on whichever machine; each lives as long as its connection."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from storage.db import KEEP_ALIVE_S, Conn, close, connect, still_there, translated
from storage.errors import AlreadyHeld, address


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that lives as long as one connection."""

    name: str
    _conn: Conn
    _where: str

    async def check(self) -> None:
        """Raises Unreachable when the lock was lost with its connection: another process may hold it now."""
        await still_there(self._conn, self._where, KEEP_ALIVE_S)


@asynccontextmanager
async def exclusive(dsn: str, name: str, wait_s: float) -> AsyncGenerator[Held]:
    """Hold the lock `name` on this database, so that only one process at a time does the work.

    A process that dies lets go of it, and one whose machine vanishes after half a minute. Raises AlreadyHeld
    when it is not free within `wait_s` seconds.
    """
    conn = await connect(dsn)
    try:
        with translated(conn, address(dsn)):
            await _lock(conn, name, wait_s, address(dsn))
        yield Held(name, conn, address(dsn))
    finally:
        await close(conn)


async def _lock(conn: Conn, name: str, wait_s: float, where: str) -> None:
    wait_ms = max(1, round(wait_s * 1000))  # 0 would mean to wait for ever
    # By the defaults of Postgres a machine that vanished would hold its locks for two hours.
    await conn.execute(
        """
        select set_config(name, value, false)
        from (values
            ('lock_timeout', $1), ('tcp_keepalives_idle', '15'), ('tcp_keepalives_interval', '5'),
            ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '30000')
        ) as setting (name, value)
        """,
        str(wait_ms),
    )
    try:
        await conn.execute("select pg_advisory_lock(hashtextextended('blockline ' || $1, 0))", name)
    except asyncpg.LockNotAvailableError as error:
        raise AlreadyHeld(
            f"Another Blockline process already does this on the database at {where}: {name}."
        ) from error

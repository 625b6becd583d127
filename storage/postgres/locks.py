"""Locks that one process at a time holds, on whichever machine; each lives as long as its connection."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from storage.postgres.errors import AlreadyHeld, Unreachable, address
from storage.postgres.pool import KEEP_ALIVE_S, Conn, close, connect, still_there, translated

Fence: TypeAlias = Callable[[Conn], Awaitable[None]]
"""To be called in a transaction that rests on what one process alone may know: raises Unreachable when it is
not that one any more.
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that lives as long as one connection."""

    name: str
    _conn: Conn
    _where: str
    _pid: int
    """Of the server's process behind that connection."""

    async def check(self) -> None:
        """Raises Unreachable when the lock was lost with its connection: another process may hold it now."""
        await still_there(self._conn, self._where, KEEP_ALIVE_S)

    async def fence(self, conn: Conn) -> None:
        """See `Fence`. Whoever takes the lock next waits for the end of the transaction of `conn`, at most
        ten minutes while that is idle: this process may be stopped in the middle, and to load ten million
        accounts in one takes about five (by arithmetic from one million).
        """
        await conn.execute(
            """
            select set_config('idle_in_transaction_session_timeout', '600000', true),
                pg_advisory_xact_lock_shared(hashtextextended('blockline fence of ' || $1, 0))
            """,
            self.name,
        )
        is_held = await conn.fetchval(
            """
            select exists (
                select from pg_locks
                where locktype = 'advisory' and objsubid = 1 and granted and pid = $2
                    and ((classid::bigint << 32) | objid::bigint) = hashtextextended('blockline ' || $1, 0)
            )
            """,
            self.name,
            self._pid,
        )
        if not is_held:
            raise Unreachable(
                f"Nothing was written to the database at {self._where}: the connection that held the lock "
                f"{self.name!r} is lost, and another process may hold it now."
            )


class Lock:
    """A lock that this process takes, loses and takes again."""

    def __init__(self, dsn: str, name: str) -> None:
        self.held: Held | None = None
        """None while this process does not hold it, as far as it knows."""
        self._dsn = dsn
        self._name = name
        self._connection = AsyncExitStack()

    async def take(self, wait_s: float) -> Held:
        """Raises as `exclusive`."""
        self.held = await self._connection.enter_async_context(exclusive(self._dsn, self._name, wait_s))
        return self.held

    async def let_go(self) -> None:
        """Another process may take it. Nothing happens when this one does not hold it."""
        self.held = None
        await self._connection.aclose()

    async def fence(self, conn: Conn) -> None:
        """See `Fence`."""
        if self.held is None:
            raise Unreachable(f"Nothing was written: this process does not hold the lock {self._name!r}.")
        await self.held.fence(conn)


async def is_held(conn: Conn, name: str) -> bool:
    """Whether any process holds the lock `name` on this database."""
    return await conn.fetchval(
        """
        select exists (
            select from pg_locks
            where locktype = 'advisory' and objsubid = 1 and granted
                and database = (select oid from pg_database where datname = current_database())
                and ((classid::bigint << 32) | objid::bigint) = hashtextextended('blockline ' || $1, 0)
        )
        """,
        name,
    )


async def are_free(conn: Conn, names: Sequence[str]) -> bool:
    """Whether no process holds one of these locks, and no transaction of an earlier holder is open. If so, no
    process can take one of them before the transaction of `conn` ends.
    """
    for name in names:
        is_free = await conn.fetchval(
            """
            select pg_try_advisory_xact_lock(hashtextextended('blockline ' || $1, 0))
                and pg_try_advisory_xact_lock(hashtextextended('blockline fence of ' || $1, 0))
            """,
            name,
        )
        if not is_free:
            return False
    return True


async def unfenced(_conn: Conn) -> None:
    """The `Fence` of one who knows that no other process is there."""


@asynccontextmanager
async def exclusive(dsn: str, name: str, wait_s: float) -> AsyncGenerator[Held]:
    """Hold the lock `name` on this database, so that only one process at a time does the work.

    A process that dies lets go of it, and one whose machine vanishes after half a minute. Raises AlreadyHeld
    when it is not free within `wait_s` seconds.
    """
    conn = await connect(dsn)
    try:
        with translated(conn, address(dsn)):
            pid = await _lock(conn, name, wait_s, address(dsn))
        yield Held(name, conn, address(dsn), pid)
    finally:
        await close(conn)


async def _lock(conn: Conn, name: str, wait_s: float, where: str) -> int:
    """The number of the server's process that holds it. (A pooler tells its clients another one.)"""
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
        async with conn.transaction():  # until what an earlier holder writes is written, or never will be
            return await conn.fetchval(
                """
                select pg_backend_pid()
                from (select pg_advisory_xact_lock(hashtextextended('blockline fence of ' || $1, 0))) fenced
                """,
                name,
            )
    except asyncpg.LockNotAvailableError as error:
        raise AlreadyHeld(
            f"Another Blockline process already holds the lock {name!r} on the database at {where}."
        ) from error

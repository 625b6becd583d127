"""The one place where connections to Postgres are made, and where its errors become sentences.

Nothing outside this package sees an asyncpg or operating-system error of the database: `open_pool`,
`transaction`, `listen` and `storage.postgres.locks` turn them into those of `storage.postgres.errors`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.pool import PoolConnectionProxy

from storage.postgres.errors import (
    READ_SETTING,
    SETTING,
    NoFreeConnection,
    Refused,
    StaleState,
    StorageError,
    TookTooLong,
    Unreachable,
    address,
)
from storage.postgres.process_name import APPLICATION, this_process

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Conn: TypeAlias = Connection | PoolConnectionProxy[asyncpg.Record]
    _AsyncpgPool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:  # asyncpg's classes take no parameters at run time
    Connection = asyncpg.Connection
    Conn = asyncpg.Connection | PoolConnectionProxy
    _AsyncpgPool = asyncpg.Pool

KEEP_ALIVE_S = 15.0
_CONNECT_TIMEOUT_S = 10.0
_FAREWELL_TIMEOUT_S = 5.0
_ASYNCPG_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_SERVER_GONE = (
    asyncpg.InternalClientError,  # how asyncpg reports a server that was killed in mid query
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)
_READ_ONLY = (asyncpg.ReadOnlySQLTransactionError, asyncpg.TargetServerAttributeNotMatched)
_OUT_OF_TIME = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much of the database one kind of work may use, so that it can never keep others waiting."""

    connections: int
    free_within_s: float
    """How long to wait for a free connection, including the time to open one."""
    statement_s: int
    lock_s: int
    """How long a statement may wait for a lock."""
    idle_s: int
    """How long a transaction may wait for its next statement. Then Postgres ends the connection."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Of each session, as Postgres calls them."""
        return {
            "statement_timeout": f"{self.statement_s}s",
            "lock_timeout": f"{self.lock_s}s",
            "idle_in_transaction_session_timeout": f"{self.idle_s}s",
        }


def address_of(database: "str | Pool") -> str:
    """`address` of a DSN, or of the DSN that a pool was opened with."""
    if isinstance(database, str):
        return address(database)
    return database.address


async def connect(
    dsn: str, settings: Mapping[str, str] = _NOTHING, *, to_write: bool = False, named_by: str = SETTING
) -> Connection:
    """Open one connection, in UTC. `settings` are those of its session. The caller closes it. Raises
    Unreachable. With `to_write`, a server that takes no writes counts as unreachable. `named_by` is the
    setting that gives `dsn`.
    """
    try:
        return await asyncpg.connect(
            dsn,
            timeout=_CONNECT_TIMEOUT_S,
            server_settings={
                "timezone": "UTC",
                "application_name": APPLICATION + this_process(),
                # With JIT, Postgres compiles our larger queries at each run, which takes longer than the run.
                "jit": "off",
                **settings,
            },
            target_session_attrs=SessionAttribute.read_write if to_write else None,
        )
    except ValueError as error:  # asyncpg.ClientConfigurationError is one too
        raise Unreachable(
            f"Setting {named_by} is not an address of the form postgresql://user:password@host:5432/database."
        ) from error
    except (OSError, *_ASYNCPG_ERRORS) as error:
        raise _unreachable(address(dsn), error, named_by) from error


async def close(conn: Connection) -> None:
    """End a connection of `connect`, also one that is already dead. Never raises."""
    with suppress(OSError, *_ASYNCPG_ERRORS):
        await conn.close(timeout=_FAREWELL_TIMEOUT_S)


class Pool(_AsyncpgPool):
    """Connections to one server, made when needed. Belongs to the event loop that opened it."""

    def __init__(
        self,
        dsn: str,
        min_size: int,
        max_size: int,
        limits: PoolLimits | None = None,
        settings: Mapping[str, str] = _NOTHING,
        *,
        is_replica: bool = False,
    ) -> None:
        async def reconnect(*_: object, **__: object) -> Connection:
            if limits is None:
                return await connect(dsn, settings)
            return await connect(dsn, limits.settings, to_write=not is_replica, named_by=self.named_by)

        super().__init__(
            dsn,
            min_size=min_size,
            max_size=max_size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            connect=reconnect,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
        )
        self.address = address(dsn)
        """Where the server is, for sentences: never contains the password."""
        self.named_by = READ_SETTING if is_replica else SETTING
        """The setting that names the server."""
        self.limits = limits

    async def acquire_in_time(self) -> "PoolConnectionProxy[asyncpg.Record]":
        """A connection, to be released by the caller. Raises Unreachable, NoFreeConnection."""
        within_s = None if self.limits is None else self.limits.free_within_s
        try:
            return await self.acquire(timeout=within_s)
        except TimeoutError as error:
            if self.get_size() < self.get_max_size():  # not full: the server was too slow
                raise _unreachable(self.address, error, self.named_by) from error
            raise NoFreeConnection(
                f"All {self.get_max_size()} connections to the database are in use, and none became free "
                f"within {within_s:g} s. Try again later."
            ) from error
        except (OSError, *_ASYNCPG_ERRORS) as error:
            raise _unreachable(self.address, error, self.named_by) from error


@asynccontextmanager
async def open_pool(
    dsn: str,
    *,
    min_size: int = 1,
    max_size: int = 8,
    limits: PoolLimits | None = None,
    lock_s: int | None = None,
    is_replica: bool = False,
) -> AsyncGenerator[Pool]:
    """A pool of connections to `dsn`, closed on exit. `limits` replaces the others, adds limits of time, and
    needs a server that takes writes, unless it `is_replica`; None means neither. `lock_s` is how long a
    statement may wait for a lock; None means no limit. Raises Unreachable when no connection can be made;
    with a `min_size` of 0 none is made yet.
    """
    settings = _NOTHING if lock_s is None else {"lock_timeout": f"{lock_s}s"}
    size = max_size if limits is None else limits.connections
    pool = Pool(dsn, min_size, size, limits, settings, is_replica=is_replica)
    try:
        await pool
        yield pool
    finally:
        await _close_pool(pool)


async def _close_pool(pool: Pool) -> None:
    try:
        async with asyncio.timeout(_FAREWELL_TIMEOUT_S):
            await pool.close()
    except (OSError, *_ASYNCPG_ERRORS):
        pool.terminate()


@asynccontextmanager
async def borrowed(pool: Pool) -> AsyncGenerator[Conn]:
    """A connection outside of any transaction: each statement is committed as it ends.

    Raises Unreachable, NoFreeConnection, StaleState (deadlock or serialization failure), Refused,
    TookTooLong, else StorageError.
    """
    conn = await pool.acquire_in_time()
    try:
        with translated(conn, pool.address, pool.named_by):
            yield conn
    finally:
        # What is committed is committed: a connection that dies on its way back is dropped by the pool.
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, *_SERVER_GONE):
            await pool.release(conn)


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncGenerator[Conn]:
    """One transaction on a connection of its own: committed when the block ends, undone when it raises.

    Raises as `borrowed`.
    """
    async with borrowed(pool) as conn, conn.transaction():
        yield conn


@asynccontextmanager
async def part_of(conn: Conn, pool: Pool) -> AsyncGenerator[None]:
    """A part of the transaction of `conn`: undone alone when the block raises. Errors as in `transaction`."""
    with translated(conn, pool.address, pool.named_by):
        async with conn.transaction():
            yield


async def plan_each(conn: Conn) -> None:
    """For the rest of the transaction, plan each query for its parameters.

    After five times Postgres plans a query of a connection once for all parameters. A query whose parameter
    limits it to some accounts, or is null for all of them, then looks at all of them: it took 70 s for 10,000
    of a million accounts, and takes 3 s.
    """
    await conn.execute("set local plan_cache_mode = force_custom_plan")


@contextmanager
def translated(conn: Conn, where: str, named_by: str = SETTING) -> Generator[None]:
    """Turn the errors of `conn` inside the block into ours. `where` is the address to name, `named_by` the
    setting that gives it.

    An OSError counts as the database's only when the connection is gone: the block may have opened files.
    Whoever is cancelled stays cancelled, whatever error of the database comes up on the way out of the block.
    """
    try:
        with _cancelled_first():
            yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise Refused(
            f"The database refused the change: {_first_line(error)}.", error.constraint_name
        ) from error
    except asyncpg.TransactionRollbackError as error:
        raise StaleState(
            f"Another writer came first, so nothing was written: {_first_line(error)}."
        ) from error
    except asyncpg.ReadOnlySQLTransactionError as error:
        conn.terminate()  # a new connection finds out whether the server still takes no writes
        raise _unreachable(where, error, named_by) from error
    except _OUT_OF_TIME as error:
        raise TookTooLong(
            f"The database did not do this in time ({_first_line(error)}). Try again later."
        ) from error
    except _SERVER_GONE as error:
        raise _unreachable(where, error, named_by) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if _is_gone(conn):
            raise _unreachable(where, error, named_by) from error
        raise StorageError(f"The database could not do this: {_first_line(error)}.") from error
    except OSError as error:
        if _is_gone(conn):
            raise _unreachable(where, error, named_by) from error
        raise


@contextmanager
def _cancelled_first() -> Generator[None]:
    """Raise CancelledError in place of an error of the database if the task has been cancelled.

    A transaction that is cancelled is rolled back, which fails if its connection is lost. A loop that goes on
    after errors of the database would handle that one too, and never hear that it was to end.
    """
    try:
        yield
    except (OSError, *_ASYNCPG_ERRORS) as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise


@contextmanager
def lost(dsn: str, *also: type[Exception]) -> Generator[None]:
    """Raise Unreachable for whatever ends a library's long work with `dsn`; `also` are its own errors."""
    try:
        yield
    except (OSError, *_ASYNCPG_ERRORS, *also) as error:
        raise _unreachable(address(dsn), error) from error


def _is_gone(conn: Conn) -> bool:
    try:
        return conn.is_closed()
    except asyncpg.InterfaceError:  # a pool takes a dead connection back at once
        return True


def _unreachable(where: str, error: Exception, named_by: str = SETTING) -> Unreachable:
    return Unreachable(f"Cannot reach the database at {where} (setting {named_by}): {_reason(error)}.")


def _reason(error: Exception) -> str:
    """Why there is no connection: plain words for the usual cases, else Postgres' own."""
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return "no server listens there"
    if isinstance(error, _READ_ONLY):
        return "it takes no writes, because it is a replica or set to read-only"
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return "the connection was closed"
    return _first_line(error)


def _first_line(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")


@asynccontextmanager
async def listen(
    dsn: str, channel: str, keep_alive_s: float = KEEP_ALIVE_S
) -> AsyncGenerator[AsyncIterator[str]]:
    """Payloads of NOTIFY on `channel`, from a connection of its own.

    Once the block is entered nothing is missed, so read the backlog after entering. The iterator never ends
    by itself: it raises Unreachable when the connection dies, also when it dies without a word, since a
    query is sent after `keep_alive_s` seconds of silence.
    """
    conn = await connect(dsn)
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def heard(_conn: object, _pid: int, _channel: str, payload: object) -> None:
        queue.put_nowait(str(payload))

    def died(_conn: object) -> None:
        queue.put_nowait(None)

    try:
        conn.add_termination_listener(died)
        with translated(conn, address(dsn)):
            await conn.add_listener(channel, heard)
        yield _payloads(conn, queue, address(dsn), keep_alive_s)
    finally:
        conn.remove_termination_listener(died)
        await close(conn)


async def _payloads(
    conn: Conn, queue: asyncio.Queue[str | None], where: str, keep_alive_s: float
) -> AsyncIterator[str]:
    while True:
        try:
            async with asyncio.timeout(keep_alive_s):
                payload = await queue.get()
        except TimeoutError:
            await still_there(conn, where, keep_alive_s)
            continue
        if payload is None:
            raise Unreachable(f"The database at {where} (setting {SETTING}) closed the connection.")
        yield payload


async def still_there(conn: Conn, where: str, timeout_s: float) -> None:
    """Raises Unreachable, and gives up the connection, when no answer comes within `timeout_s` seconds."""
    try:
        await conn.execute("select 1", timeout=timeout_s)
    except (OSError, *_ASYNCPG_ERRORS) as error:
        conn.terminate()  # nobody there to say goodbye to
        raise _unreachable(where, error) from error


async def probe(dsn: str) -> None:
    """Connect and ask once. Raises Unreachable if the server does not answer in time or takes no writes."""
    conn = await connect(dsn, to_write=True)
    try:
        await still_there(conn, address(dsn), _CONNECT_TIMEOUT_S)
    finally:
        await close(conn)

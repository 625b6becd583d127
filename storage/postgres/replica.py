"""Long queries on a streaming replica that is as current as the primary.

Before each read, the replica must have replayed all that the primary had committed. Otherwise the primary is
read, so no result is older than it says.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

import asyncpg

from storage.model.text.units import size_words
from storage.postgres.errors import READ_SETTING, NoFreeConnection, StaleState, StorageError, Unreachable
from storage.postgres.pool import Conn, Pool, PoolLimits, borrowed, open_pool, transaction, translated
from storage.postgres.recording_order import settle

log = logging.getLogger(__name__)

_PATIENCE_S: Final = 2.0
"""How long a read waits for the replica to catch up, and for a connection to it."""
_CHECK_S: Final = 3 * _PATIENCE_S
"""How long a replica may take for all that comes before a read."""
_ASKED_EVERY_S: Final = 0.02
_UNLIMITED: Final = PoolLimits(1, free_within_s=_PATIENCE_S, statement_s=0, lock_s=0, idle_s=0)
"""For the pools of commands, which have no limits either."""


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """What the last check found."""

    at: datetime | None
    """By the clock of the primary. None if this role may not ask it."""
    trouble: str | None
    """Why the primary is read instead; None if the replica is read."""
    since: datetime | None
    """When the trouble was first found; None without trouble or `at`."""

    @property
    def is_used(self) -> bool:
        return self.trouble is None


@dataclass(frozen=True, slots=True)
class Position:
    """A position in the write-ahead log of one cluster, on one timeline, as seen from one database of it."""

    at: datetime
    cluster: int
    timeline: int
    lsn: str
    database: int
    schema: str


async def position(conn: Conn) -> Position | None:
    """Return the position of the primary, which covers every commit before this call. None if the role cannot
    execute pg_control_system.
    """
    # With synchronous_commit = off, a commit is seen before its WAL is flushed: so what is inserted counts.
    # At the start of a page that is past the header (24 or 40 bytes), which is never replayed. The name of a
    # WAL file begins with the timeline. The control file has that of the last checkpoint.
    try:
        async with conn.transaction():
            row = await conn.fetchrow(
                """
                select clock_timestamp() as at, system_identifier as cluster,
                    (inserted - case when in_page in (24, 40) then in_page else 0 end)::text as lsn,
                    ('x' || left(pg_walfile_name(inserted), 8))::bit(32)::int as timeline,
                    (select oid from pg_database where datname = current_database()) as database,
                    current_schema()::text as schema
                from pg_control_system(), pg_current_wal_insert_lsn() as inserted,
                    lateral (select (inserted - '0/0') % current_setting('wal_block_size')::int as in_page)
                """
            )
    except asyncpg.InsufficientPrivilegeError:
        return None
    if row is None:
        raise LookupError("the query for the position of the primary returned no row")
    return Position(**row)


class Replica:
    """A read-only copy of the database of a pool. No connection is made before the first read."""

    def __init__(self, pool: Pool, dsn: str, pause_s: float) -> None:
        self._pool = pool
        self.dsn = dsn
        self._pause_s = pause_s
        self._paused_until = 0.0
        self.state: ReplicaState | None = None
        """None before the first read."""

    @property
    def address(self) -> str:
        return self._pool.address

    @property
    def is_paused(self) -> bool:
        """Whether it could not be used a moment ago, and is left alone."""
        return asyncio.get_running_loop().time() < self._paused_until

    async def check(self, primary: Pool) -> ReplicaState:
        """Check the replica, unless it is paused, and return what is known of it. Raises StorageError if the
        primary cannot be asked.
        """
        if self.state is not None and self.is_paused:
            return self.state
        async with transaction(primary) as conn:
            wanted = await position(conn)
        async with AsyncExitStack() as stack:
            await self.connected(stack, wanted, limited=True)
        return self.state or ReplicaState(None, "All connections to the replica are in use.", None)

    async def connected(
        self, stack: AsyncExitStack, wanted: Position | None, *, limited: bool
    ) -> Conn | None:
        """Begin a transaction on the replica once it has replayed `wanted`, which is the position of the
        primary; it ends with `stack`. None if the replica does not get there in time or cannot be used.
        """
        if wanted is None:
            self._record("The database role cannot execute pg_control_system on the primary.", None)
            return None
        conn: Conn | None = None
        try:
            async with asyncio.timeout(_CHECK_S):
                conn = await stack.enter_async_context(borrowed(self._pool))
                with translated(conn, self.address, READ_SETTING):
                    trouble = await _trouble(conn, wanted)
                    if trouble is None:
                        await stack.enter_async_context(conn.transaction())
                        await _only_read(conn, limited=limited)
        except NoFreeConnection:  # the replica is busy, not at fault
            return None
        except TimeoutError:
            if conn is not None:
                conn.terminate()  # it would wait for an answer before it goes back to the pool
            trouble = "The replica does not answer in time."
        except StorageError as error:
            trouble = str(error)
        self._record(trouble, wanted.at)
        return conn if trouble is None else None

    @asynccontextmanager
    async def watched(self) -> AsyncGenerator[None]:
        """While reading from it. If the replica fails, the next reads go to the primary."""
        began = None if self.state is None else self.state.at
        try:
            yield
        except StaleState as error:  # see hot_standby_feedback
            said = "canceled a query because of a conflict with recovery"
            self._record(f"The replica {said}.", began)
            raise StorageError(
                f"The replica at {self.address} {said}. Try again. If it happens often, see "
                "docs/how-to/postgres.md#replicas."
            ) from error
        except Unreachable as error:
            self._record(str(error), began)
            raise

    def _record(self, trouble: str | None, at: datetime | None) -> None:
        before = self.state
        was_used = before is None or before.is_used
        if trouble is None:
            if self.is_paused:
                return  # this check began before the one that started the pause
            if not was_used:
                log.info("Replica %s recovered", self.address, extra={"event": "replica_recovered"})
            self.state = ReplicaState(at, None, None)
            return
        if was_used:
            log.warning(
                "Replica %s failed, so the primary is read: %s",
                self.address,
                trouble,
                extra={"event": "replica_failed"},
            )
        self._paused_until = asyncio.get_running_loop().time() + self._pause_s
        since = at if before is None or before.is_used else before.since
        self.state = ReplicaState(at, trouble, since)


_replicas: Final = WeakKeyDictionary[Pool, Replica]()


def replica_of(pool: Pool) -> Replica | None:
    """The replica that `snapshot` may read instead of this pool; None without one."""
    return _replicas.get(pool)


@asynccontextmanager
async def with_replica(pool: Pool, dsn: str | None, pause_s: float = 30.0) -> AsyncGenerator[None]:
    """Let `snapshot` read from the server at `dsn` until the block ends; None changes nothing. A replica that
    cannot be used is left alone for `pause_s` seconds.
    """
    if dsn is None:
        yield
        return
    limits = pool.limits or replace(_UNLIMITED, connections=pool.get_max_size())
    limits = replace(limits, free_within_s=_PATIENCE_S)
    async with open_pool(dsn, min_size=0, limits=limits, is_replica=True) as copy:
        _replicas[pool] = Replica(copy, dsn, pause_s)
        try:
            yield
        finally:
            del _replicas[pool]


@asynccontextmanager
async def snapshot(
    pool: Pool, *, known_at: datetime | None = None, limited: bool = False
) -> AsyncGenerator[Conn]:
    """A transaction that sees one moment of the whole database, for reading only. A query in it may take as
    long as it needs, since it may read a whole table; `limited` keeps the statement timeout of the pool, for
    what a reader waits for.

    The moment is not before the call, and what was known at `known_at` is settled in it. The replica of
    `pool` is read if it has one that catches up in time, and no month is archived: rows of archived months
    are copied into temporary tables, which a replica cannot have. Raises as `transaction`, and NotSettled.
    """
    if known_at is not None:
        await settle(pool, known_at)
    replica = replica_of(pool)
    if replica is not None and not replica.is_paused:
        async with transaction(pool) as conn:  # it is free again while the replica is waited for
            wanted, is_archived = await position(conn), await _has_archive(conn)
        async with replica.watched(), AsyncExitStack() as stack:
            conn = None if is_archived else await replica.connected(stack, wanted, limited=limited)
            if conn is not None:
                yield conn
                return
    async with transaction(pool) as conn:
        await _only_read(conn, limited=limited)
        yield conn


async def _has_archive(conn: Conn) -> bool:
    """Whether the database has archived months, also one without the tables of Blockline."""
    if await conn.fetchval("select to_regclass('archived_month') is null"):
        return False
    return await conn.fetchval("select exists (select from archived_month)")


async def _only_read(conn: Conn, *, limited: bool) -> None:
    await conn.execute("set transaction isolation level repeatable read")
    if not await _has_archive(conn):  # temporary tables cannot be created otherwise
        await conn.execute("set transaction read only")
    if not limited:
        await conn.execute("set local statement_timeout = 0")


async def _trouble(conn: Conn, wanted: Position) -> str | None:
    """Why this server does not have all up to `wanted`; None if it has."""
    row = await conn.fetchrow(
        """
        select pg_is_in_recovery() as follows, system_identifier as cluster, timeline_id as timeline,
            (select oid from pg_database where datname = current_database()) as database,
            current_schema()::text as schema,
            exists (
                select from pg_class
                where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v')
                    and not has_table_privilege(oid, 'select')
            ) as is_barred
        from pg_control_system(), pg_control_checkpoint()
        """
    )
    if row is None or row["cluster"] != wanted.cluster:
        return "The server is not a replica of the primary."
    if (row["database"], row["schema"]) != (wanted.database, wanted.schema):
        return "Setting database_read_url names another database or schema than database_url."
    if row["is_barred"]:
        return "The role of setting database_read_url cannot read all tables."
    if not row["follows"]:
        return "The server accepts writes, so it is not a replica."
    if row["timeline"] != wanted.timeline:
        return (
            "The replica has not reached the timeline of the primary. After a failover, this takes up to "
            "checkpoint_timeout."
        )
    behind = 0
    for _ in range(round(_PATIENCE_S / _ASKED_EVERY_S)):
        behind = await conn.fetchval("select $1::text::pg_lsn - pg_last_wal_replay_lsn()", wanted.lsn)
        if behind <= 0:
            return None
        await asyncio.sleep(_ASKED_EVERY_S)
    return f"The replica is {size_words(int(behind))} of WAL behind the primary."

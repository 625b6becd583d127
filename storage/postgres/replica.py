"""Long queries on a streaming replica that is as current as the primary.

Before each read, the replica must have replayed all that the primary had committed. Otherwise the primary is
read, so no result is older than it says.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

import asyncpg

from storage.model.text.units import size_words
from storage.postgres.errors import NoFreeConnection, StaleState, StorageError, Unreachable
from storage.postgres.pool import Conn, Pool, PoolLimits, open_pool, transaction
from storage.postgres.recording_order import settle

log = logging.getLogger(__name__)

_PATIENCE_S: Final = 2.0
"""How long a read waits for the replica to catch up, and for a connection to it."""
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
    """A position in the write-ahead log of one cluster, on one timeline."""

    at: datetime
    cluster: int
    timeline: int
    lsn: str


async def position(conn: Conn) -> Position | None:
    """Return the position of the primary, which covers every commit before this call. None if the role cannot
    execute pg_control_system.
    """
    # The name of a WAL file begins with the timeline. The control file has that of the last checkpoint.
    try:
        async with conn.transaction():
            row = await conn.fetchrow(
                """
                select clock_timestamp() as at, system_identifier as cluster,
                    pg_current_wal_flush_lsn()::text as lsn,
                    ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int as timeline
                from pg_control_system()
                """
            )
    except asyncpg.InsufficientPrivilegeError:
        return None
    if row is None:
        raise LookupError("the query for the position of the primary returned no row")
    return Position(row["at"], row["cluster"], row["timeline"], row["lsn"])


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

    async def check(self, primary: Conn) -> ReplicaState:
        """Check the replica, unless it is paused, and return what is known of it. Waits up to 2 s."""
        if self.state is not None and self.is_paused:
            return self.state
        return await self.compare(await position(primary))

    async def compare(self, wanted: Position | None) -> ReplicaState:
        """Wait up to 2 s for the replica to replay `wanted`, which is the position of the primary."""
        if wanted is None:
            return self._record("The database role cannot execute pg_control_system on the primary.", None)
        try:
            async with transaction(self._pool) as conn:
                return self._record(await _trouble(conn, wanted), wanted.at)
        except NoFreeConnection as error:  # the replica is busy, not at fault
            return ReplicaState(wanted.at, str(error), None)
        except StorageError as error:
            return self._record(str(error), wanted.at)

    @asynccontextmanager
    async def reading(self, *, limited: bool) -> AsyncGenerator[Conn]:
        """A transaction on the replica, after `compare`. If the replica fails, the next reads go to the
        primary.
        """
        began = None if self.state is None else self.state.at
        try:
            async with transaction(self._pool) as conn:
                await _only_read(conn, limited=limited)
                yield conn
        except StaleState as error:  # see hot_standby_feedback
            said = "canceled a query because of a conflict with recovery"
            self._record(f"The replica {said}.", began)
            raise StorageError(
                f"The replica at {self.address} {said}. Try again; the primary is read for the next "
                f"{self._pause_s:g} s."
            ) from error
        except NoFreeConnection:
            raise
        except Unreachable as error:
            self._record(str(error), began)
            raise

    def _record(self, trouble: str | None, at: datetime | None) -> ReplicaState:
        before = self.state
        if before is not None and trouble is None and self.is_paused:
            return before  # this check began before the one that started the pause
        was_used = before is None or before.is_used
        if trouble is None:
            if not was_used:
                log.info("Replica %s recovered", self.address, extra={"event": "replica_recovered"})
            self.state = ReplicaState(at, None, None)
            return self.state
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
        return self.state


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
    """A transaction that sees one moment of the whole database, and writes nothing. A query in it may take as
    long as it needs, since it may read a whole table; `limited` keeps the statement timeout of the pool, for
    what a reader waits for.

    The moment is not before the call, and what was known at `known_at` is settled in it. The replica of
    `pool` is read if it has one that catches up in time. Raises as `transaction`, and NotSettled.
    """
    if known_at is not None:
        await settle(pool, known_at)
    replica = replica_of(pool)
    if replica is not None and not replica.is_paused:
        async with transaction(pool) as conn:
            wanted = await position(conn)
        if (await replica.compare(wanted)).is_used:  # the connection to the primary is free meanwhile
            async with replica.reading(limited=limited) as conn:
                yield conn
            return
    async with transaction(pool) as conn:
        await _only_read(conn, limited=limited)
        yield conn


async def _only_read(conn: Conn, *, limited: bool) -> None:
    await conn.execute("set transaction isolation level repeatable read, read only")
    if not limited:
        await conn.execute("set local statement_timeout = 0")


async def _trouble(conn: Conn, wanted: Position) -> str | None:
    """Why this server does not have all up to `wanted`; None if it has."""
    row = await conn.fetchrow(
        """
        select pg_is_in_recovery() as follows, system_identifier as cluster, timeline_id as timeline
        from pg_control_system(), pg_control_checkpoint()
        """
    )
    if row is None or row["cluster"] != wanted.cluster:
        return "The server is not a replica of the primary."
    if not row["follows"]:
        return "The server accepts writes, so it is not a replica."
    if row["timeline"] != wanted.timeline:
        return "The replica has not reached the timeline of the primary."
    behind = 0
    for _ in range(round(_PATIENCE_S / _ASKED_EVERY_S)):
        behind = await conn.fetchval("select $1::text::pg_lsn - pg_last_wal_replay_lsn()", wanted.lsn)
        if behind <= 0:
            return None
        await asyncio.sleep(_ASKED_EVERY_S)
    return f"The replica is {size_words(int(behind))} of WAL behind the primary."

"""Reading a long answer from a streaming replica, where it has all that the primary has.

Exports, reports, Replay and re-evaluation read far more than a page, and none of it is newer than the moment
at which they begin. So the replica gives the same answer as the primary, once it has replayed all that the
primary had committed then. Where it has not, the primary answers: no answer is ever older than it says.
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
from storage.postgres.errors import READ_SETTING, StaleState, StorageError, Unreachable
from storage.postgres.pool import Conn, Pool, PoolLimits, open_pool, transaction

log = logging.getLogger(__name__)

_PATIENCE_S: Final = 2.0
"""How long a read waits for the replica to replay what the primary has."""
_ASKED_EVERY_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """What the last read found."""

    at: datetime | None
    """By the clock of the primary. None if this role may not ask it."""
    trouble: str | None
    """Why the primary was read instead; None if the replica was read."""
    since: datetime | None
    """When the trouble was first found; None without trouble or `at`."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the primary is: its cluster, its history since the last failover, and its write-ahead log."""

    at: datetime
    cluster: int
    timeline: int
    lsn: str


async def position(conn: Conn) -> Position | None:
    """What was committed before this call lies before its position, since a commit waits for the log. None if
    this role may not know it.
    """
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

    async def has_all(self, primary: Conn) -> bool:
        """Whether the replica has all that the primary had committed when this was called. Waits for it a
        moment.
        """
        if self.is_paused:
            return False
        return await self.reaches(await position(primary))

    async def reaches(self, wanted: Position | None) -> bool:
        """Whether the replica gets to `wanted` in a moment."""
        if wanted is None:
            self._found("The role may not call pg_control_system on the primary.", None)
            return False
        try:
            async with transaction(self._pool) as conn:
                trouble = await _trouble(conn, wanted)
        except StorageError as error:
            trouble = str(error)
        self._found(trouble, wanted.at)
        return trouble is None

    @asynccontextmanager
    async def reading(self, *, limited: bool) -> AsyncGenerator[Conn]:
        """A transaction on the replica, after `reaches`. If the replica fails, the next reads go to the
        primary.
        """
        if self.state is None:
            raise LookupError("nobody asked whether this replica has all")
        began = self.state.at
        try:
            async with transaction(self._pool) as conn:
                await _only_read(conn, limited=limited)
                yield conn
        except StaleState as error:
            # It must remove what this query still reads, as the primary did. See hot_standby_feedback.
            self._found("It stopped a query in order to follow the primary.", began)
            raise StorageError(
                f"The replica at {self.address} stopped this query to follow the primary. Try again: "
                "the primary is read for the next half minute."
            ) from error
        except Unreachable as error:
            self._found(str(error), began)
            raise

    def _found(self, trouble: str | None, at: datetime | None) -> None:
        was_well = self.state is None or self.state.trouble is None
        since = None if self.state is None else self.state.since
        if trouble is None:
            if not was_well:
                log.info(
                    "The replica at %s is read again.", self.address, extra={"event": "replica_recovered"}
                )
            self.state = ReplicaState(at, None, None)
            return
        if was_well:
            log.warning(
                "The primary is read instead of the replica at %s (setting %s). %s",
                self.address,
                READ_SETTING,
                trouble,
                extra={"event": "replica_failed"},
            )
        self._paused_until = asyncio.get_running_loop().time() + self._pause_s
        self.state = ReplicaState(at, trouble, since or at)


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
    limits = pool.limits or PoolLimits(pool.get_max_size(), 0, statement_s=0, lock_s=30, idle_s=600)
    limits = replace(limits, free_within_s=_PATIENCE_S)
    async with open_pool(dsn, min_size=0, limits=limits, is_replica=True) as copy:
        _replicas[pool] = Replica(copy, dsn, pause_s)
        try:
            yield
        finally:
            del _replicas[pool]


@asynccontextmanager
async def snapshot(pool: Pool, *, limited: bool = False) -> AsyncGenerator[Conn]:
    """A transaction that sees one moment of the whole database, and writes nothing. Unless it is `limited`, a
    query in it may take as long as it needs, since it may read a whole table.

    The moment is not before the call. The replica of `pool` is read if it has one that gets there in time.
    Raises as `transaction`.
    """
    replica = replica_of(pool)
    if replica is not None and not replica.is_paused:
        async with transaction(pool) as conn:
            wanted = await position(conn)
        if await replica.reaches(wanted):  # without a connection to the primary: others may need it
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
        return "It is not a replica of this database."
    if not row["follows"]:
        return "It is not a replica: it takes writes."
    if row["timeline"] != wanted.timeline:
        return "It does not follow the present primary yet."
    behind = 0
    for _ in range(round(_PATIENCE_S / _ASKED_EVERY_S)):
        behind = await conn.fetchval("select $1::text::pg_lsn - pg_last_wal_replay_lsn()", wanted.lsn)
        if behind <= 0:
            return None
        await asyncio.sleep(_ASKED_EVERY_S)
    return f"It is {size_words(int(behind))} of the write-ahead log behind."

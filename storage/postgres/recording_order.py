"""The order of recording: when what a transaction writes counts as known.

Whoever writes what is told "as known at" takes the turn first, and keeps it until the commit. So the moments
are in the order of the commits, whatever the clocks of the machines show and however long a commit takes. Who
tells what was known at a moment settles it first: nothing that is committed later is dated before it.

Locks are taken in this order: accounts, the turn, then those of `announce` and of alerts.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import asyncpg

from storage.postgres.errors import NotSettled
from storage.postgres.pool import Conn, Pool, transaction

_PATIENCE_S: Final = 10
_TURN: Final = "select pg_advisory_xact_lock(hashtextextended('blockline recording', 0))"


async def moment(conn: Conn, clock: Callable[[], datetime]) -> datetime:
    """Take the turn until the end of the transaction, and tell when what it writes counts as known.

    That is what `clock` shows once it is our turn, but never before what was recorded last. Whoever holds up
    the others and does nothing for a minute loses the connection: all of them wait for this commit.
    """
    await conn.execute("select set_config('idle_in_transaction_session_timeout', '60000', true)")
    await conn.execute(_TURN)
    return await conn.fetchval(
        """
        insert into recording_order (next_at) values ($1)
        on conflict (is_only) do update set next_at = greatest(recording_order.next_at, excluded.next_at)
        returning next_at
        """,
        clock(),
    )


async def moment_after_wrong_clock(conn: Conn, clock: Callable[[], datetime]) -> datetime:
    """`moment`, but nothing that was recorded more than a minute after what `clock` shows counts: a clock was
    wrong then, and this one is known to be right. Else all that follows would be known only when that time
    has come.
    """
    await conn.execute(_TURN)
    return await conn.fetchval(
        """
        insert into recording_order (next_at) values ($1)
        on conflict (is_only) do update set next_at = case
            when recording_order.next_at > $1 + interval '1 minute' then $1
            else greatest(recording_order.next_at, $1)
        end
        returning next_at
        """,
        clock(),
    )


@asynccontextmanager
async def as_known(pool: Pool, known: datetime | None) -> AsyncGenerator[Conn]:
    """A transaction in which what was known at `known` is what any later one tells of that moment. None: it
    tells what is known now. Raises as `settle`.
    """
    if known is not None:
        await settle(pool, known)
    async with transaction(pool) as conn:
        yield conn


async def settle_at_most(pool: Pool, at: datetime) -> datetime:
    """Settle `at`, or the present of the database where that is earlier; returns what was settled. Raises
    NotSettled when somebody records for too long.
    """
    async with transaction(pool) as conn:
        known = await conn.fetchval("select least($1::timestamptz, clock_timestamp())", at)
    await settle(pool, known)
    return known


async def settle(pool: Pool, known: datetime, patience_s: float = _PATIENCE_S) -> None:
    """Return when everything that counts as known at `known` is committed: whatever is recorded from now on
    counts as known later, whichever process records it.

    Raises NotSettled when somebody records for longer than `patience_s` seconds, or when `known` is still to
    come by the clock of the database.
    """
    async with transaction(pool) as conn:
        if await conn.fetchval("select exists (select from recording_order where next_at > $1)", known):
            return
        await conn.execute("select set_config('lock_timeout', $1, true)", f"{round(patience_s * 1000)}ms")
        try:
            await conn.execute(_TURN)
        except asyncpg.LockNotAvailableError as error:
            raise NotSettled(
                f"What was known at {known:%Y-%m-%d %H:%M:%S} UTC is still being recorded. Try again, or "
                "choose an earlier moment."
            ) from error
        if not await conn.fetchval("select $1 <= clock_timestamp() + interval '1 second'", known):
            raise NotSettled(f"{known:%Y-%m-%d %H:%M:%S} UTC is in the future by the clock of the database.")
        await conn.execute(
            """
            insert into recording_order (next_at) values ($1::timestamptz + interval '1 microsecond')
            on conflict (is_only) do update set next_at = greatest(recording_order.next_at, excluded.next_at)
            """,
            known,
        )

"""The order of recording: when what a transaction writes counts as known.

Whoever writes what is told "as known at" takes the turn first, and keeps it until the commit. So the moments
are in the order of the commits, whatever the clocks of the machines show and however long a commit takes.

Locks are taken in this order: accounts, the turn, then those of `announce` and of alerts.
"""

from collections.abc import Callable
from datetime import datetime

from storage.postgres.pool import Conn

_TURN = "select pg_advisory_xact_lock(hashtextextended('blockline recording', 0))"


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

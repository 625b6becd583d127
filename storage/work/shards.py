"""Into how many shards the accounts of each platform are divided, and how that changes while leaders run.

A shard is led by the process that holds its lock. The number in force changes only while no process holds the
lock of any shard of the platform and no transaction of an earlier holder is open. So a process that holds a
lock and has read the number after taking it may rely on the number.
"""

from collections.abc import Sequence

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.shards import Shard, ShardNumbers
from storage.postgres.locks import are_free, is_held
from storage.postgres.pool import Conn
from storage.work.workers import planning_lock


async def shard_numbers(conn: Conn, platform: Platform) -> ShardNumbers:
    """The number of shards of a platform, in force and wanted."""
    row = await conn.fetchrow(
        "select in_force, wanted from platform_shards where platform = $1", platform.value
    )
    return ShardNumbers() if row is None else ShardNumbers(row["in_force"], row["wanted"])


async def want_shards(conn: Conn, platform: Platform, count: int) -> ShardNumbers:
    """Ask for another number of shards. Return the numbers before."""
    await conn.execute(
        """
        insert into platform_shards (platform, in_force, wanted) values ($1, 1, 1)
        on conflict (platform) do nothing
        """,
        platform.value,
    )
    row = await conn.fetchrow(
        "select in_force, wanted from platform_shards where platform = $1 for update", platform.value
    )
    await conn.execute("update platform_shards set wanted = $2 where platform = $1", platform.value, count)
    return ShardNumbers() if row is None else ShardNumbers(row["in_force"], row["wanted"])


async def put_in_force(conn: Conn, platform: Platform) -> ShardNumbers:
    """Let the wanted number of shards take effect if no shard has a leader. Return the numbers now.

    Every shard begins to read the stream of events where the one that was furthest behind stopped.
    """
    row = await conn.fetchrow(
        "select in_force, wanted from platform_shards where platform = $1 for update", platform.value
    )
    if row is None or row["in_force"] == row["wanted"]:
        return ShardNumbers() if row is None else ShardNumbers(row["in_force"], row["wanted"])
    numbers = ShardNumbers(row["in_force"], row["wanted"])
    if not await are_free(conn, [planning_lock(platform, i) for i in range(numbers.in_force)]):
        return numbers
    await conn.execute(
        """
        insert into stream_position as p (platform, shard, cursor, at)
        select $1, shard, cursor, at
        from (select cursor, at from stream_position where platform = $1 order by at limit 1) behind,
            generate_series(0, $2::integer - 1) as shard
        on conflict (platform, shard) do update set cursor = excluded.cursor, at = excluded.at
        """,
        platform.value,
        numbers.wanted,
    )
    await conn.execute(
        "delete from stream_position where platform = $1 and shard >= $2", platform.value, numbers.wanted
    )
    await conn.execute("update platform_shards set in_force = wanted where platform = $1", platform.value)
    return ShardNumbers(numbers.wanted, numbers.wanted)


async def was_divided(conn: Conn, platform: Platform) -> bool:
    """Whether the number of shards of a platform was ever set: then its rosters may have changed with it."""
    return await conn.fetchval(
        "select exists (select from platform_shards where platform = $1)", platform.value
    )


async def is_led(conn: Conn, platform: Platform, index: int) -> bool:
    """Whether a process holds the lock of the shard with this index."""
    return await is_held(conn, planning_lock(platform, index))


async def watched_in(conn: Conn, platform: Platform, shard: Shard) -> list[AccountId]:
    """The watched accounts of a shard, by number."""
    rows = await conn.fetch(
        """
        select account_id from account
        where platform = $1 and watched and shard_of(account_id, $2) = $3 order by account_id
        """,
        platform.value,
        shard.count,
        shard.index,
    )
    return [AccountId(r["account_id"]) for r in rows]


async def watched_native_ids(conn: Conn, platform: Platform) -> Sequence[str]:
    """The platform's own ids of all watched accounts, whichever shard they are in."""
    rows = await conn.fetch(
        "select native_id from account where platform = $1 and watched order by account_id", platform.value
    )
    return [r["native_id"] for r in rows]

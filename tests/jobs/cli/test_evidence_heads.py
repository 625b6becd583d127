"""The head of a day that is over is given away for good."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.x.declaration import X
from storage.model.core.accounts import Account
from storage.postgres.pool import Conn, Pool, transaction
from storage.postgres.recording_order import moment
from tests.support.clients.command_line import console
from tests.support.seeds.chain_rows import add_change
from tests.support.seeds.single_rows import enlist
from tests.support.servers.dashboard import until


async def midnight(conn: Conn) -> datetime:
    """The beginning of this day by the clock of the database."""
    return await conn.fetchval("select date_trunc('day', now())")


async def recorded(conn: Conn, account: Account, key: str, shown: datetime) -> datetime:
    """A change, by a clock that shows this; when it counts as known."""
    at = await moment(conn, lambda: shown)
    await add_change(conn, account.account_id, key, shown, recorded_at=at)
    return at


async def given_away(dsn: str) -> list[dict[str, Any]]:
    ran = await asyncio.to_thread(console, "evidence", "heads", "--json", BLOCKLINE_DATABASE_URL=dsn)
    assert (ran.code, ran.err) == (0, "")
    return ran.json["heads"]


@pytest.mark.slow
async def test_what_is_committed_after_midnight_moves_no_head_that_was_given_away(
    pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        today = await midnight(conn)
        yesterday = today.replace(microsecond=0) - (today.resolution * 500_000)
        await recorded(conn, one, "a", yesterday)
    async with transaction(pool) as held_up:
        assert await recorded(held_up, one, "b", yesterday) == yesterday
        asked = asyncio.ensure_future(given_away(dsn))

        async def someone_waits() -> bool:
            query = "select exists (select from pg_locks where not granted)"
            return asked.done() or await held_up.fetchval(query)

        await until(someone_waits, within_s=60)
    first = await asked
    assert [(head["day"], head["seq"]) for head in first] == [(f"{yesterday.astimezone(UTC):%Y-%m-%d}", 2)]
    async with transaction(pool) as conn:
        assert await recorded(conn, one, "c", yesterday) > today, "a clock that is behind"
    again = await given_away(dsn)
    assert again[0] == first[0]
    assert [head["seq"] for head in again[1:]] == [3]

"""The order of recording: no moment is before an earlier one, nor before what was told of as known."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage.postgres.errors import NotSettled
from storage.postgres.pool import Pool, transaction
from storage.postgres.recording_order import as_known, moment, settle, settle_at_most
from tests.support.samples.readings import T0, minutes
from tests.support.servers.dashboard import until


async def recorded(pool: Pool, shown: datetime) -> datetime:
    """The moment of a recording that is committed, by a clock that shows this."""
    async with transaction(pool) as conn:
        return await moment(conn, lambda: shown)


async def someone_waits(pool: Pool) -> bool:
    async with transaction(pool) as conn:
        return await conn.fetchval("select exists (select from pg_locks where not granted)")


async def test_a_moment_is_settled_when_the_commits_of_before_are_there(pool: Pool) -> None:
    async def seen() -> int:
        async with as_known(pool, minutes(10)) as conn:
            return await conn.fetchval("select count(*) from watch_list")

    async with transaction(pool) as recording:
        await moment(recording, lambda: minutes(9))
        await recording.execute("insert into watch_list (name, created_at) values ('a', now())")
        asked = asyncio.ensure_future(seen())
        await until(lambda: someone_waits(pool))
        assert not asked.done()
    assert await asked == 1


async def test_who_waits_for_too_long_is_told_so(pool: Pool) -> None:
    async with transaction(pool) as recording:
        await moment(recording, lambda: minutes(9))
        with pytest.raises(NotSettled, match=r"2021-02-01 00:10:00 UTC is still being recorded\. Try again"):
            await settle(pool, minutes(10), patience_s=0.05)


async def test_a_moment_that_the_database_has_not_reached_is_never_settled(pool: Pool) -> None:
    ahead = datetime.now(UTC) + timedelta(days=365)  # noqa: TID251 - a clock that is wrong
    with pytest.raises(NotSettled, match="is in the future by the clock of the database"):
        await settle(pool, ahead)
    assert await settle_at_most(pool, ahead) < ahead
    assert T0 < await recorded(pool, T0) < ahead
    assert await settle_at_most(pool, T0) == T0

"""The order of recording: no moment is before an earlier one, nor before what was told of as known."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage.postgres.errors import NotSettled
from storage.postgres.pool import Pool, borrowed, transaction
from storage.postgres.recording_order import as_known, moment, settle, settle_at_most
from tests.support.samples.readings import T0, minutes
from tests.support.servers.dashboard import until

A_MICROSECOND = timedelta(microseconds=1)


async def recorded(pool: Pool, shown: datetime) -> datetime:
    """The moment of a recording that is committed, by a clock that shows this."""
    async with transaction(pool) as conn:
        return await moment(conn, lambda: shown)


async def someone_waits(pool: Pool) -> bool:
    async with transaction(pool) as conn:
        return await conn.fetchval("select exists (select from pg_locks where not granted)")


async def test_the_moment_is_what_the_clock_shows_and_never_goes_back(pool: Pool) -> None:
    shown = [minutes(n) for n in (1, 5, 3, 5, 6, 0)]
    assert [await recorded(pool, at) for at in shown] == [minutes(n) for n in (1, 5, 5, 5, 6, 6)]


async def test_the_clock_is_read_when_nobody_else_records_any_more(pool: Pool) -> None:
    shown = minutes(1)
    async with transaction(pool) as first:
        assert await moment(first, lambda: shown) == minutes(1)
        async with transaction(pool) as second:
            waiting = asyncio.ensure_future(moment(second, lambda: shown))
            await until(lambda: someone_waits(pool))
            shown = minutes(9)
            await first.execute("commit")
            try:
                assert await waiting == minutes(9)
            finally:
                await first.execute("begin")


async def test_what_is_undone_leaves_no_moment(pool: Pool) -> None:
    async with borrowed(pool) as conn:
        await conn.execute("begin")
        assert await moment(conn, lambda: minutes(60)) == minutes(60)
        await conn.execute("rollback")
    assert await recorded(pool, minutes(1)) == minutes(1)


async def test_nothing_that_is_recorded_later_counts_as_known_at_a_moment_that_is_settled(pool: Pool) -> None:
    await settle(pool, minutes(10))
    assert await recorded(pool, minutes(3)) == minutes(10) + A_MICROSECOND
    await settle(pool, minutes(5))
    assert await recorded(pool, minutes(3)) == minutes(10) + A_MICROSECOND


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


async def test_what_was_recorded_before_something_later_is_settled_without_waiting(pool: Pool) -> None:
    await recorded(pool, minutes(9))
    async with transaction(pool) as recording:
        await moment(recording, lambda: minutes(12))
        await settle(pool, minutes(8))


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

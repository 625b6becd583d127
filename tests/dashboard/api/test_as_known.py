"""What was told as known at a moment stays, however long a commit takes that was under way then."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Api, api_served
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import SUSPENDED, minutes
from tests.support.servers.dashboard import until

AT_ONCE_S = 2.0


@asynccontextmanager
async def held_up(pool: Pool) -> AsyncGenerator[None]:
    """Whoever records waits for the end of the block, when its moment is taken and before its commit."""
    async with transaction(pool) as conn:
        await conn.execute("lock table coverage_row in share mode")
        yield


async def someone_waits(pool: Pool) -> bool:
    async with transaction(pool) as conn:
        return await conn.fetchval("select exists (select from pg_locks where not granted)")


async def told(api: Api, known: datetime) -> dict[str, str]:
    """The answers that depend on what was known, by their addresses."""
    day = {"from_": minutes(0), "to": minutes(24 * 60), "as_known_at": known}
    asked: dict[str, dict[str, Any]] = {
        "/statuses": {"at": known, "as_known_at": known},
        "/changes": {"as_known_at": known},
        "/spells": {"as_known_at": known},
        "/accounts/1/readings": day,
        "/export/coverage": {"as_known_at": known},
        "/export/changes": {"as_known_at": known},
        "/export/chain": {"as_known_at": known},
    }
    answers = {path: await api.get(path, **query) for path, query in asked.items()}
    assert {answer.status for answer in answers.values()} == {200}, answers
    return {path: answer.text for path, answer in answers.items()}


@pytest.mark.slow
async def test_what_was_shown_while_a_commit_was_held_up_is_shown_again_after_it(
    pool: Pool, dsn: str
) -> None:
    world = World(pool)
    await world.enlist(["1"])
    monitor = await world.start()
    await world.run(monitor, minutes(119))
    world.platform.truth["1"] = SUSPENDED
    await world.run(monitor, minutes(120) - timedelta(seconds=1))
    world.clock.set(minutes(120))
    known = minutes(120.1)
    async with api_served(pool, dsn, minutes(121)) as api:
        before = await told(api, minutes(119.5))
        async with held_up(pool):
            recording = asyncio.ensure_future(monitor.tick())
            await until(lambda: someone_waits(pool))
            first = asyncio.ensure_future(told(api, known))
            await asyncio.wait([first], timeout=AT_ONCE_S)
            assert await told(api, minutes(119.5)) == before, "nobody waits to tell what is settled"
        await recording
        assert await told(api, known) == await first
        assert await told(api, minutes(119.5)) == before
        world.clock.set(minutes(120) + timedelta(seconds=1))
        await monitor.read_now(["1"])
        await monitor.tick()
        assert await world.rows("select count(*) from coverage") == [(3,)]
        assert await told(api, known) == await first, "what a slow clock dates is known later all the same"

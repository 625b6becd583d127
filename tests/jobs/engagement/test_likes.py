"""What is kept of likes: each once, and since when they can be seen or not, and why."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from collectors.simulator.history import History
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from jobs.base.clock import SimulatedClock
from jobs.engagement.likes import LikesPoller
from storage.executives.signals import add_executive
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import MINUTE, T0
from tests.support.samples.x_answers import body
from tests.support.simulated.scripted_x import GRANT, OWNER, like, plain, reader, scripted

EVERY = timedelta(minutes=15)
ACCESS = """
    select native_id, since, observable, reason from signal_access join account using (account_id)
    order by since, native_id
"""
LIKES = "select native_id, made_at, first_seen_at from signal where kind = 'like' order by signal_id"


async def rows(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with transaction(pool) as conn:
        return [tuple(r) for r in await conn.fetch(query)]


async def with_executives(pool: Pool, *native_ids: str) -> None:
    async with transaction(pool) as conn:
        for native_id in native_ids:
            await add_executive(conn, X, native_id, f"h{native_id}", "Name", "Title", T0)


@pytest.mark.parametrize(
    ("script", "want"),
    [
        pytest.param(plain(403, b"{}"), [False], id="a refusal is kept"),
        pytest.param(plain(401, b"{}"), [False], id="a revoked authorisation is kept"),
        pytest.param(plain(503, b"<html>"), [], id="an outage says nothing of access"),
        pytest.param(plain(429, b"{}"), [], id="a rate limit says nothing of access"),
        pytest.param(plain(402, b"{}"), [], id="used up credits say nothing of access"),
        pytest.param(plain(200, body(meta={"result_count": 0})), [True], id="no likes are an answer"),
    ],
)
async def test_only_an_answer_about_access_changes_what_is_kept_of_it(
    script: Callable[[web.BaseRequest], web.Response], want: Sequence[bool], pool: Pool
) -> None:
    await with_executives(pool, OWNER)
    async with scripted(script) as server, reader(server.base_url) as x:
        poller = LikesPoller(pool, X, {OWNER: x}, EVERY, lambda: T0)
        await poller.load()
        await poller.tick()
        due = poller.next_due()
        await poller.tick()
        assert len(server.asked) == 1
    assert due == T0 + EVERY
    assert [row[2] for row in await rows(pool, ACCESS)] == want
    assert await rows(pool, LIKES) == []


async def test_a_new_authorisation_ends_the_time_without_access(pool: Pool) -> None:
    await with_executives(pool, OWNER)
    clock = SimulatedClock(T0)
    poller = LikesPoller(pool, X, {}, EVERY, clock)
    await poller.load()
    clock.set(T0 + MINUTE)
    async with (
        serve_x(History(()), acts=[like(90)], now=T0, grants=[GRANT]) as server,
        reader(server.base_url) as x,
    ):
        poller = LikesPoller(pool, X, {OWNER: x}, EVERY, clock)
        await poller.load()
        await poller.tick()
    assert [row[1:3] for row in await rows(pool, ACCESS)] == [(T0, False), (T0 + MINUTE, True)]

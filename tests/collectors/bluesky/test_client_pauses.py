"""When which server of Bluesky is left in peace, and that an outage of one is nobody's status."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_bluesky import (
    Stage,
    did,
    names,
    shown,
    staged,
    statuses,
)
from tests.support.simulated.scripted_x import ONCE, cut, hang

A, B, C = did(1), did(2), did(3)
CUTS = 2
"""Requests that a server sees for one GET over a connection that it cuts: aiohttp repeats it once."""


def limited(request: web.BaseRequest) -> web.Response:
    """As the reference server says it: recorded."""
    headers = {
        "retry-after": "289",
        "ratelimit-remaining": "0",
        "ratelimit-reset": str(int(T0.timestamp()) + 289),
    }
    return web.Response(status=429, body=b'{"error":"RateLimitExceeded"}', headers=headers)


async def test_a_limit_met_over_one_account_is_not_run_into_for_the_others() -> None:
    async with staged(Stage(calls={"getProfile": limited})) as (bluesky, server):
        first = await bluesky.read([A, B, C], T0)
        assert names(server) == ["getProfiles", "getProfile"]
        assert first.trouble is None
        assert statuses(first) == dict.fromkeys((A, B, C), "rate_limited")
        paused = await bluesky.read([A], T0 + MINUTE)
        assert not paused.sent
        assert len(server.asked) == 2


async def test_when_the_app_answers_no_more_the_rest_of_a_batch_is_not_waited_for() -> None:
    async with staged(Stage(calls={"getProfile": cut})) as (bluesky, server):
        answer = await bluesky.read([did(n) for n in range(25)], T0)
        assert names(server) == ["getProfiles", *["getProfile"] * CUTS]
        assert set(statuses(answer).values()) == {"network"}
        assert (await bluesky.read([A], T0)).sent


# servers that hang ---------------------------------------------------------------------------------------

SOON = replace(ONCE, follow_up_s=0.2)
"""As a collector asks, which gives a server that hangs 20 seconds; further questions get less."""


@pytest.mark.parametrize("hanging", ["listRecords", "log"])
async def test_what_is_read_beside_the_statuses_holds_up_no_batch(hanging: str) -> None:
    asked = asyncio.Event()

    async def noted(request: web.BaseRequest) -> web.Response:
        asked.set()
        return await hang(request)

    is_log = hanging == "log"
    stage = Stage({C: shown(C)}, calls={} if is_log else {hanging: noted}, log=noted if is_log else None)
    async with staged(stage, http=SOON) as (bluesky, _), asyncio.TaskGroup() as group:
        beside = bluesky.handle_history(A, T0) if is_log else bluesky.engagement(A, None, T0)
        reading = group.create_task(beside)
        async with asyncio.timeout(100):
            await asked.wait()
            answer = await bluesky.read([A, C], T0)
        assert statuses(answer) == {A: "not_found", C: "available"}
        reading.cancel()

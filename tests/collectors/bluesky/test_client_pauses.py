"""When which server of Bluesky is left in peace, and that an outage of one is nobody's status."""

import asyncio
import json
from dataclasses import replace

import pytest
from aiohttp import web

from storage.model.core.availability import MissedReason
from tests.support.samples.bluesky_answers import document
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_bluesky import (
    DOWN,
    REPO_GONE,
    Said,
    Stage,
    did,
    names,
    shown,
    staged,
    statuses,
)
from tests.support.simulated.scripted_x import ONCE, cut, hang, scripted

A, B, C = did(1), did(2), did(3)
CUTS = 2
"""Requests that a server sees for one GET over a connection that it cuts: aiohttp repeats it once."""


@pytest.mark.parametrize(
    ("said", "reason", "breaker"),
    [
        pytest.param((429, {"error": "RateLimitExceeded"}), MissedReason.RATE_LIMITED, False, id="429"),
        pytest.param((401, b""), MissedReason.AUTH, True, id="401"),
        pytest.param((403, b"<html>"), MissedReason.ACCESS, True, id="403"),
    ],
)
async def test_a_refusal_of_the_app_pauses_everything_that_is_asked_of_it(
    said: Said, reason: MissedReason, breaker: bool
) -> None:
    async with staged(Stage(calls={"getProfiles": said})) as (bluesky, server):
        first = await bluesky.read([A], T0)
        again = await bluesky.read([A, B], T0 + MINUTE / 2)
        assert (await bluesky.resolve(["alice.test"], T0)).trouble is not None
    assert len(server.asked) == 1
    assert (first.sent, again.sent) == (True, False)
    assert statuses(again) == {A: reason.value, B: reason.value}
    for answer in (first, again):
        assert answer.trouble is not None
        assert (answer.trouble.reason, answer.trouble.breaker) == (reason, breaker)
        assert answer.trouble.retry_at >= T0 + MINUTE


@pytest.mark.parametrize("said", [DOWN, cut, (200, b"<html>"), (302, b"")])
async def test_a_failing_batch_is_trouble_and_the_next_one_may_be_asked(said: Said) -> None:
    async with staged(Stage(calls={"getProfiles": said})) as (bluesky, server):
        first = await bluesky.read([A], T0)
        await bluesky.read([A], T0)
    assert len(server.asked) == (2 * CUTS if said is cut else 2)
    assert first.trouble is not None
    assert (first.trouble.breaker, first.trouble.retry_at) == (False, T0 + MINUTE)
    assert [miss.reason for miss in first.missed] == [first.trouble.reason]


def limited(request: web.BaseRequest) -> web.Response:
    """As the reference server says it: recorded."""
    headers = {
        "retry-after": "289",
        "ratelimit-remaining": "0",
        "ratelimit-reset": str(int(T0.timestamp()) + 289),
    }
    return web.Response(status=429, body=b'{"error":"RateLimitExceeded"}', headers=headers)


async def test_a_limit_of_one_server_pauses_that_server_until_it_says() -> None:
    stage = Stage({C: shown(C)}, repos={A: limited, B: limited})
    async with staged(stage) as (bluesky, server):
        first = await bluesky.read([A, B, C], T0)
        assert statuses(first) == {A: "rate_limited", B: "rate_limited", C: "available"}
        assert first.trouble is None
        assert names(server).count("getRepoStatus") == 1
        await bluesky.read([A, B, C], T0 + 4 * MINUTE)
        assert names(server).count("getRepoStatus") == 1
        stage.repos = {A: REPO_GONE, B: REPO_GONE}
        later = await bluesky.read([A, B, C], T0 + 5 * MINUTE)
    assert statuses(later) == {A: "not_found", B: "not_found", C: "available"}


async def test_a_limit_met_over_one_account_is_not_run_into_for_the_others() -> None:
    async with staged(Stage(calls={"getProfile": limited})) as (bluesky, server):
        first = await bluesky.read([A, B, C], T0)
        assert names(server) == ["getProfiles", "getProfile"]
        assert first.trouble is None
        assert statuses(first) == dict.fromkeys((A, B, C), "rate_limited")
        paused = await bluesky.read([A], T0 + MINUTE)
        assert not paused.sent
        assert len(server.asked) == 2


async def test_a_window_that_is_used_up_is_not_overrun() -> None:
    def last(request: web.BaseRequest) -> web.Response:
        headers = {"ratelimit-remaining": "0", "ratelimit-reset": str(int(T0.timestamp()) + 120)}
        return web.Response(body=json.dumps({"profiles": [shown(A)]}).encode(), headers=headers)

    async with staged(Stage(calls={"getProfiles": last})) as (bluesky, _):
        assert (await bluesky.read([A], T0)).readings
        paused = await bluesky.read([A], T0 + MINUTE)
        assert not paused.sent
        assert paused.trouble is not None
        assert paused.trouble.retry_at == T0 + 2 * MINUTE
        assert (await bluesky.read([A], T0 + 2 * MINUTE)).readings


@pytest.mark.parametrize("outage", [DOWN, cut])
async def test_an_outage_of_a_server_is_met_once_a_minute_not_once_an_account(outage: Said) -> None:
    everybody = [did(n) for n in range(25)]
    async with staged(Stage(calls={"getRepoStatus": outage})) as (bluesky, server):
        answer = await bluesky.read(everybody, T0)
        once = CUTS if outage is cut else 1
        assert names(server).count("getRepoStatus") == once
        await bluesky.read(everybody, T0 + MINUTE / 2)
        assert names(server).count("getRepoStatus") == once
        await bluesky.read(everybody, T0 + MINUTE)
        assert names(server).count("getRepoStatus") == 2 * once
    assert set(statuses(answer).values()) <= {"upstream", "network"}
    assert answer.trouble is None


async def test_an_outage_of_the_directory_is_met_once_and_nobody_is_called_gone() -> None:
    everybody = [did(n) for n in range(25)]
    async with staged(Stage(documents=dict.fromkeys(everybody, DOWN))) as (bluesky, server):
        answer = await bluesky.read(everybody, T0)
    assert names(server).count("document") == 1
    assert set(statuses(answer).values()) == {"upstream"}


async def test_when_the_app_answers_no_more_the_rest_of_a_batch_is_not_waited_for() -> None:
    async with staged(Stage(calls={"getProfile": cut})) as (bluesky, server):
        answer = await bluesky.read([did(n) for n in range(25)], T0)
        assert names(server) == ["getProfiles", *["getProfile"] * CUTS]
        assert set(statuses(answer).values()) == {"network"}
        assert (await bluesky.read([A], T0)).sent


async def test_one_account_that_makes_its_server_stumble_does_not_hide_the_same_others_every_time() -> None:
    repos: dict[str, Said] = {did(n): REPO_GONE for n in range(1, 10)} | {did(0): DOWN}
    read: set[str] = set()
    async with staged(Stage(repos=repos)) as (bluesky, _):
        for n in range(20):
            answer = await bluesky.read([did(n) for n in range(10)], T0 + n * 15 * MINUTE)
            read |= {reading.native_id for reading in answer.readings}
    assert read == {did(n) for n in range(1, 10)}


# servers that hang ---------------------------------------------------------------------------------------

SOON = replace(ONCE, follow_up_s=0.2)
"""As a collector asks, which gives a server that hangs 20 seconds; further questions get less."""


async def test_a_server_that_hangs_holds_up_nobody_else_of_its_batch() -> None:
    async with scripted(hang) as hanging, asyncio.timeout(100):
        away = {one: (200, document(one, hanging.base_url)) for one in (A, did(4))}
        stage = Stage({C: shown(C)}, documents=dict(away))
        async with staged(stage, http=SOON) as (bluesky, _):
            first = await bluesky.read([A, B, C, did(4)], T0)
            assert statuses(first) == {A: "network", B: "not_found", C: "available", did(4): "network"}
            assert first.trouble is None
            again = await bluesky.read([A, B, C], T0 + MINUTE / 2)
            assert statuses(again) == {A: "network", B: "not_found", C: "available"}
            assert len(hanging.asked) == 1
            await bluesky.read([A, B, C], T0 + MINUTE)
            assert len(hanging.asked) == 2


async def test_an_app_or_a_directory_that_hangs_over_single_accounts_holds_up_no_batch() -> None:
    for stage in (
        Stage({C: shown(C)}, calls={"getProfile": hang}),
        Stage({C: shown(C)}, documents={A: hang, B: hang}),
    ):
        async with asyncio.timeout(100), staged(stage, http=SOON) as (bluesky, _):
            answer = await bluesky.read([A, B, C], T0)
        assert statuses(answer) == {A: "network", B: "network", C: "available"}


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

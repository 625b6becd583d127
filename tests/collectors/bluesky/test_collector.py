"""The Bluesky collector over real sockets: what it asks, of whom, and what it survives."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from storage.model.core.availability import MissedReason
from tests.support.samples.bluesky_answers import LABEL, MAIN, OTHER_REGION, REGION
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_bluesky import (
    DOWN,
    Said,
    Stage,
    collector,
    did,
    names,
    shown,
    staged,
    statuses,
)
from tests.support.simulated.scripted_x import ONCE, Told, hang

A, B, C = did(1), did(2), did(3)
GUARDED = HttpOptions(retry=Retry(attempts=0, base_s=0), timeout_s=5, guard=Guard())


def healthy(count: int) -> dict[str, dict[str, object]]:
    return {did(n): shown(did(n), f"n{n}.test") for n in range(count)}


# refusals of one account ---------------------------------------------------------------------------------


async def test_a_handle_that_the_app_refuses_to_resolve_stops_no_reading() -> None:
    stage = Stage({B: shown(B)}, resolved={"alice.test": (403, {"error": "Forbidden", "message": "no"})})
    async with staged(stage) as (bluesky, _):
        assert (await bluesky.resolve(["alice.test"], T0)).trouble is not None
        assert statuses(await bluesky.read([B], T0)) == {B: "available"}


# ids -----------------------------------------------------------------------------------------------------


async def test_an_id_that_cannot_be_one_is_missed_and_not_sent() -> None:
    odd = ["", "alice.test", A + ",", "did:plc:short", A.upper()]
    async with staged(Stage({A: shown(A)})) as (bluesky, server):
        answer = await bluesky.read([*odd, A], T0)
        assert [r.native_id for r in answer.readings] == [A]
        assert [(m.native_id, m.reason) for m in answer.missed] == [
            (o, MissedReason.BAD_REQUEST) for o in odd
        ]
        assert server.asked[0].rel_url.query.getall("actors") == [A]
        nothing = await bluesky.read(odd, T0)
        assert len(nothing.missed) == len(odd)
        assert nothing.trouble is None
        assert len(server.asked) == 1


async def test_more_accounts_than_bluesky_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 25"):
        await collector("http://127.0.0.1:9").read([did(n) for n in range(26)], T0)


def refusing(stage: Stage, bad: set[str]) -> Said:
    """Bluesky as it is with actors that it calls malformed: one of them fails the whole request."""

    def script(request: web.BaseRequest) -> web.Response:
        asked = request.rel_url.query.getall("actors")
        if bad & set(asked):
            body = {"error": "InvalidRequest", "message": "Invalid AT identifier"}
            return web.Response(status=400, body=json.dumps(body).encode())
        found = [stage.profiles[one] for one in asked]
        return web.Response(body=json.dumps({"profiles": found}).encode())

    return script


async def test_trouble_met_while_looking_for_the_refused_id_is_the_batchs_trouble() -> None:
    stage = Stage(healthy(4))
    refuse = refusing(stage, set(stage.profiles))

    def script(request: web.BaseRequest) -> Told:
        assert callable(refuse)
        whole = len(request.rel_url.query.getall("actors")) == 4
        return refuse(request) if whole else web.Response(status=429)

    stage.calls["getProfiles"] = script
    async with staged(stage) as (bluesky, server):
        answer = await bluesky.read(list(stage.profiles), T0)
    assert len(server.asked) == 2
    assert statuses(answer) == dict.fromkeys(stage.profiles, "rate_limited")
    assert answer.trouble is not None
    assert answer.trouble.reason is MissedReason.RATE_LIMITED


# whose server --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("native_id", ["did:web:localhost", "did:web:127.0.0.1", "did:web:10.0.0.1%3A8080"])
async def test_a_did_web_in_a_private_network_is_not_asked_for_its_document(native_id: str) -> None:
    async with staged(Stage(), http=GUARDED) as (bluesky, server):
        answer = await bluesky.read([native_id], T0)
    assert names(server) == ["getProfiles", "getProfile"]
    assert statuses(answer) == {native_id: "network"}


# evidence ------------------------------------------------------------------------------------------------


async def test_public_profiles_are_asked_for_once_and_ids_that_are_none_are_left_out() -> None:
    async with staged(Stage(profiles={A: {**shown(A, "a.test"), "followersCount": 7}})) as (bluesky, server):
        found = await bluesky.public_profiles([A, B, A, "nobody"], T0)
        assert await bluesky.public_profiles(["nobody"], T0) == ()
        with pytest.raises(ValueError, match="26 ids in one request"):
            await bluesky.public_profiles([A] * 26, T0)
    assert not isinstance(found, RequestFailure)
    assert [(one.native_id, one.followers) for one in found] == [(A, 7)]
    assert [request.rel_url.query.getall("actors") for request in server.asked] == [[A, B]]


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


SECOND_SOURCE_A, SECOND_SOURCE_B = did(1), did(2)
HELD = {SECOND_SOURCE_A: frozenset({"TR"})}
WITHDRAWN = {**LABEL, "uri": SECOND_SOURCE_A, "neg": True}


def labeler(endpoint: object, did: str = REGION) -> Said:
    """The DID document of a labeler."""
    service = {"id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": endpoint}
    return 200, {"id": did, "service": [service]}


def page(*labels: object, cursor: str | None = None) -> Said:
    return 200, {"labels": list(labels), **({"cursor": cursor} if cursor else {})}


def stage(lists: Said, **parts: Any) -> Stage:
    """A and B are shown without labels; the labeler of TR answers on the same address."""
    made = Stage(
        {SECOND_SOURCE_A: shown(SECOND_SOURCE_A), SECOND_SOURCE_B: shown(SECOND_SOURCE_B)},
        calls={"queryLabels": lists},
        **parts,
    )
    made.documents[REGION] = lambda _: respond(labeler(made.base_url))
    return made


def respond(said: Said) -> web.Response:
    assert not callable(said)
    return web.json_response(said[1], status=said[0])


def silences(answer: CollectorAnswer) -> dict[str, set[str]]:
    return {r.native_id: set(r.silent_on) for r in answer.readings}


async def test_a_list_without_end_proves_nothing() -> None:
    async with staged(stage(page(WITHDRAWN, cursor="1"))) as (bluesky, server):
        answer = await bluesky.verify_lifts(
            await bluesky.read([SECOND_SOURCE_A, SECOND_SOURCE_B], T0), HELD, T0
        )
    assert names(server).count("queryLabels") == 5
    assert silences(answer) == {SECOND_SOURCE_A: {"TR"}, SECOND_SOURCE_B: {"TR"}}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param((404, {"message": f"DID not registered: {REGION}"}), id="no such DID"),
        pytest.param(DOWN, id="the directory is down"),
        pytest.param((200, {"id": REGION}), id="a document without a labeler"),
        pytest.param(labeler("ftp://labels.example.com"), id="no address that can be asked"),
        pytest.param(labeler("https://labels.example.com", did=OTHER_REGION), id="of another DID"),
    ],
)
async def test_a_labeler_that_nobody_can_find_leaves_its_countries_silent(document: Said) -> None:
    made = stage(page(WITHDRAWN))
    made.documents[REGION] = document
    async with staged(made) as (bluesky, server):
        answer = await bluesky.verify_lifts(
            await bluesky.read([SECOND_SOURCE_A, SECOND_SOURCE_B], T0), HELD, T0
        )
    assert names(server) == ["getProfiles", "document"]
    assert silences(answer) == {SECOND_SOURCE_A: {"TR"}, SECOND_SOURCE_B: {"TR"}}


async def test_an_account_whose_own_answer_hears_less_than_the_batch_is_missed() -> None:
    def alone(request: web.BaseRequest) -> web.Response:
        return web.json_response(shown(SECOND_SOURCE_A), headers={"atproto-content-labelers": MAIN})

    made = replace(
        stage(DOWN, alone={SECOND_SOURCE_A: alone}), profiles={SECOND_SOURCE_B: shown(SECOND_SOURCE_B)}
    )
    async with staged(made) as (bluesky, _):
        answer = await bluesky.read([SECOND_SOURCE_A, SECOND_SOURCE_B], T0)
    assert statuses(answer) == {SECOND_SOURCE_A: "unheard", SECOND_SOURCE_B: "available"}

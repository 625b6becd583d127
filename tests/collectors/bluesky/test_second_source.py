"""The labelers' own lists over real sockets: who is asked, when, and what comes of it."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from collectors.core.collector import CollectorAnswer
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from tests.support.samples.bluesky_answers import LABEL, MAIN, OTHER_REGION, REGION
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_bluesky import (
    DOWN,
    TAKEN_DOWN,
    Said,
    Stage,
    did,
    holds,
    names,
    shown,
    staged,
    statuses,
)
from tests.support.simulated.scripted_x import cut, hang, scripted

A, B = did(1), did(2)
HELD = {A: frozenset({"TR"})}
WITHDRAWN = {**LABEL, "uri": A, "neg": True}
HEARD = f"{MAIN};redact,{REGION}"


def labeler(endpoint: object, did: str = REGION) -> Said:
    """The DID document of a labeler."""
    service = {"id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": endpoint}
    return 200, {"id": did, "service": [service]}


def page(*labels: object, cursor: str | None = None) -> Said:
    return 200, {"labels": list(labels), **({"cursor": cursor} if cursor else {})}


def stage(lists: Said, **parts: Any) -> Stage:
    """A and B are shown without labels; the labeler of TR answers on the same address."""
    made = Stage({A: shown(A), B: shown(B)}, calls={"queryLabels": lists}, **parts)
    made.documents[REGION] = lambda _: respond(labeler(made.base_url))
    return made


def respond(said: Said) -> web.Response:
    assert not callable(said)
    return web.json_response(said[1], status=said[0])


def silences(answer: CollectorAnswer) -> dict[str, set[str]]:
    return {r.native_id: set(r.silent_on) for r in answer.readings}


async def test_a_labeler_is_asked_about_everybody_in_the_answer_when_a_restriction_is_in_doubt() -> None:
    async with staged(stage(page(WITHDRAWN))) as (bluesky, server):
        answer = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
        assert names(server) == ["getProfiles", "document", "queryLabels"]
        query = server.asked[-1].rel_url.query
        assert query.getall("uriPatterns") == [A, B]
        assert (query["sources"], query["limit"]) == (REGION, "250")
        assert silences(answer) == {A: set(), B: set()}
        kept = json.loads(bluesky.evidence(answer.exchanges, [A])[A])
        assert [item["about"]["labels"] for item in kept] == [[], [WITHDRAWN]]
        assert B not in json.dumps(kept)
        assert bluesky.evidence(answer.exchanges, [B])[B].count(b"queryLabels") == 0


async def test_nobody_is_asked_as_long_as_nothing_is_in_doubt() -> None:
    async with staged(stage(page(WITHDRAWN))) as (bluesky, server):
        answer = await bluesky.read([A, B], T0)
        assert await bluesky.verify_lifts(answer, {}, T0) == answer
        assert await bluesky.verify_lifts(answer, {did(3): frozenset({"TR"})}, T0) == answer
    assert names(server) == ["getProfiles"]


async def test_who_is_taken_down_shows_no_labels_and_leaves_nothing_in_doubt() -> None:
    made = stage(page(WITHDRAWN), alone={A: TAKEN_DOWN}, repos={A: holds(A)})
    del made.profiles[A]
    async with staged(made) as (bluesky, server):
        answer = await bluesky.read([A, B], T0)
        assert await bluesky.verify_lifts(answer, HELD, T0) == answer
    assert "queryLabels" not in names(server)


async def test_a_list_is_read_to_its_end() -> None:
    pages = {None: page({**WITHDRAWN, "neg": False}, cursor="1"), "1": page(WITHDRAWN, cursor="2")}

    def lists(request: web.BaseRequest) -> web.Response:
        return respond(pages.get(request.rel_url.query.get("cursor"), page()))

    async with staged(stage(lists)) as (bluesky, server):
        answer = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
    assert names(server)[2:] == ["queryLabels"] * 3
    assert silences(answer) == {A: set(), B: set()}


async def test_a_list_without_end_proves_nothing() -> None:
    async with staged(stage(page(WITHDRAWN, cursor="1"))) as (bluesky, server):
        answer = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
    assert names(server).count("queryLabels") == 5
    assert silences(answer) == {A: {"TR"}, B: {"TR"}}


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param(DOWN, id="503"),
        pytest.param(cut, id="cut off"),
        pytest.param((400, {"error": "InvalidRequest", "message": "no"}), id="refused"),
        pytest.param((501, {"error": "MethodNotImplemented"}), id="unknown method"),
        pytest.param((200, b"<html>"), id="no JSON"),
        pytest.param(page(), id="empty"),
    ],
)
async def test_a_labeler_that_does_not_answer_leaves_its_countries_silent(lists: Said) -> None:
    async with staged(stage(lists)) as (bluesky, _):
        answer = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
    assert silences(answer) == {A: {"TR"}, B: {"TR"}}
    assert statuses(answer) == {A: "available", B: "available"}
    assert answer.trouble is None


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
        answer = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
    assert names(server) == ["getProfiles", "document"]
    assert silences(answer) == {A: {"TR"}, B: {"TR"}}


async def test_a_labeler_that_is_down_is_left_alone_for_a_while_and_then_asked_again() -> None:
    lists: list[Said] = [(503, {}), page(WITHDRAWN), page()]
    async with staged(stage(lambda _: respond(lists.pop(0)))) as (bluesky, server):
        first = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
        soon = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0 + MINUTE / 2)
        assert names(server).count("queryLabels") == 1
        later = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0 + 2 * MINUTE)
    assert silences(first) == silences(soon) == {A: {"TR"}, B: {"TR"}}
    assert silences(later) == {A: set(), B: set()}


async def test_a_labeler_that_hangs_is_given_up_soon_and_left_alone_for_a_while() -> None:
    http = HttpOptions(retry=Retry(attempts=2, base_s=0), follow_up_s=0.2)
    async with scripted(hang) as hanging, asyncio.timeout(100):
        made = stage(page(WITHDRAWN))
        made.documents[REGION] = labeler(hanging.base_url)
        async with staged(made, http=http) as (bluesky, _):
            first = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
            await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0 + MINUTE / 2)
    assert silences(first) == {A: {"TR"}, B: {"TR"}}
    assert len(hanging.asked) == 1


async def test_a_labeler_in_a_private_network_is_not_asked_whoever_names_it() -> None:
    guarded = HttpOptions(retry=Retry(attempts=0, base_s=0), timeout_s=5, guard=Guard())
    async with scripted(Stage(calls={"queryLabels": page(WITHDRAWN)}).answer) as inside:
        made = stage(page(WITHDRAWN))
        made.documents[REGION] = labeler(inside.base_url)
        async with staged(made, http=guarded) as (bluesky, _):
            answer = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
    assert inside.asked == []
    assert silences(answer) == {A: {"TR"}, B: {"TR"}}


async def test_an_account_that_was_asked_for_alone_is_missed_and_silences_nobody_else() -> None:
    made = stage(DOWN, alone={A: (200, shown(A))})
    del made.profiles[A]
    made.profiles[B] = shown(B, labels=[{**LABEL, "uri": B}])
    async with staged(made) as (bluesky, _):
        answer = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
    assert statuses(answer) == {A: "unheard", B: "withheld"}
    assert silences(answer) == {B: set()}


async def test_an_account_whose_own_answer_hears_less_than_the_batch_is_missed() -> None:
    def alone(request: web.BaseRequest) -> web.Response:
        return web.json_response(shown(A), headers={"atproto-content-labelers": MAIN})

    made = replace(stage(DOWN, alone={A: alone}), profiles={B: shown(B)})
    async with staged(made) as (bluesky, _):
        answer = await bluesky.read([A, B], T0)
    assert statuses(answer) == {A: "unheard", B: "available"}

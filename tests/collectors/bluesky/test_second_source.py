"""The labelers' own lists over real sockets: who is asked, when, and what comes of it."""

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from collectors.core.collector import CollectorAnswer
from tests.support.samples.bluesky_answers import LABEL, MAIN, OTHER_REGION, REGION
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_bluesky import (
    DOWN,
    Said,
    Stage,
    did,
    names,
    shown,
    staged,
    statuses,
)

A, B = did(1), did(2)
HELD = {A: frozenset({"TR"})}
WITHDRAWN = {**LABEL, "uri": A, "neg": True}


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


async def test_a_list_without_end_proves_nothing() -> None:
    async with staged(stage(page(WITHDRAWN, cursor="1"))) as (bluesky, server):
        answer = await bluesky.verify_lifts(await bluesky.read([A, B], T0), HELD, T0)
    assert names(server).count("queryLabels") == 5
    assert silences(answer) == {A: {"TR"}, B: {"TR"}}


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


async def test_an_account_whose_own_answer_hears_less_than_the_batch_is_missed() -> None:
    def alone(request: web.BaseRequest) -> web.Response:
        return web.json_response(shown(A), headers={"atproto-content-labelers": MAIN})

    made = replace(stage(DOWN, alone={A: alone}), profiles={B: shown(B)})
    async with staged(made) as (bluesky, _):
        answer = await bluesky.read([A, B], T0)
    assert statuses(answer) == {A: "unheard", B: "available"}

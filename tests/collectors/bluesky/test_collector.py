"""The Bluesky collector over real sockets: what it asks, of whom, and what it survives."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import RequestFailure
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from storage.model.core.availability import Flag, Missed, MissedReason, Status
from tests.support.samples.bluesky_answers import LABEL, MAIN, REGION, document
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, T0
from tests.support.simulated.scripted_bluesky import (
    DEACTIVATED,
    DOWN,
    NOT_SHOWN,
    REPO_GONE,
    TAKEN_DOWN,
    Said,
    Stage,
    collector,
    did,
    holds,
    names,
    shown,
    staged,
    statuses,
)
from tests.support.simulated.scripted_x import Told, cut, scripted

A, B, C = did(1), did(2), did(3)
HOUR = timedelta(hours=1)
GUARDED = HttpOptions(retry=Retry(attempts=0, base_s=0), timeout_s=5, guard=Guard())


def healthy(count: int) -> dict[str, dict[str, object]]:
    return {did(n): shown(did(n), f"n{n}.test") for n in range(count)}


async def test_a_healthy_batch_is_exactly_one_request() -> None:
    async with staged(Stage(healthy(25))) as (bluesky, server):
        answer = await bluesky.read([did(n) for n in range(25)], T0)
    assert len(server.asked) == 1
    assert [reading.state for reading in answer.readings] == [AVAILABLE] * 25
    assert (answer.missed, answer.trouble, answer.sent) == ((), None, True)
    (request,) = server.asked
    assert request.rel_url.query.getall("actors") == [did(n) for n in range(25)]
    assert request.headers["atproto-accept-labelers"] == f"{MAIN};redact, {REGION}"
    (exchange,) = answer.exchanges
    assert exchange.url == f"{server.base_url}/xrpc/app.bsky.actor.getProfiles?actors=… (25 DIDs)"
    assert dict(exchange.said) == {"atproto-content-labelers": f"{MAIN};redact,{REGION}"}


async def test_only_the_missing_are_asked_alone_with_the_same_labelers() -> None:
    stage = Stage(healthy(5), alone={A: TAKEN_DOWN}, repos={A: holds(A, active=False, status="takendown")})
    del stage.profiles[A]
    async with staged(stage) as (bluesky, server):
        answer = await bluesky.read([did(n) for n in range(5)], T0)
    assert names(server) == ["getProfiles", "getProfile", "document", "getRepoStatus"]
    assert [server.asked[n].rel_url.query.get(key) for n, key in ((1, "actor"), (3, "did"))] == [A, A]
    assert server.asked[1].headers["atproto-accept-labelers"] == f"{MAIN};redact, {REGION}"
    assert "atproto-accept-labelers" not in server.asked[3].headers
    assert statuses(answer)[A] == "suspended"
    assert len(answer.readings) == 5
    assert answer.trouble is None
    (suspended,) = (r for r in answer.readings if r.native_id == A)
    assert suspended.flags == {Flag.HOST}
    assert len(answer.exchanges) == 4


@pytest.mark.parametrize(
    ("alone", "document", "repo", "says", "asked"),
    [
        pytest.param(DEACTIVATED, None, None, "deactivated", 2, id="deactivated is told by the app alone"),
        pytest.param(
            NOT_SHOWN, None, REPO_GONE, "not_found", 4, id="deleted needs app, directory and server"
        ),
        pytest.param(
            NOT_SHOWN,
            (404, {"message": f"DID not registered: {A}"}),
            None,
            "not_found",
            3,
            id="never registered needs no server",
        ),
        pytest.param(
            NOT_SHOWN, None, holds(A), "contradictory", 4, id="held and not shown is a contradiction"
        ),
        pytest.param(NOT_SHOWN, None, DOWN, "upstream", 4, id="not shown while its server is down is a miss"),
        pytest.param(
            NOT_SHOWN, DOWN, None, "upstream", 3, id="not shown while the directory is down is a miss"
        ),
        pytest.param(NOT_SHOWN, None, cut, "network", 5, id="not shown while its server is cut off"),
        pytest.param(TAKEN_DOWN, None, DOWN, "suspended", 4, id="a takedown stands while its server is down"),
        pytest.param((200, shown(A)), None, None, "available", 2, id="shown alone is available"),
        pytest.param(DOWN, None, None, "upstream", 2, id="the app fails for one"),
    ],
)
async def test_an_account_that_a_batch_left_out_is_asked_for_as_far_as_it_takes(
    alone: Said, document: Said | None, repo: Said | None, says: str, asked: int
) -> None:
    stage = Stage({B: shown(B)}, alone={A: alone})
    stage.documents = {A: document} if document else {}
    stage.repos = {A: repo} if repo else {}
    async with staged(stage) as (bluesky, server):
        answer = await bluesky.read([A, B], T0)
    assert statuses(answer) == {A: says, B: "available"}
    assert len(server.asked) == asked
    assert answer.trouble is None


async def test_each_asked_account_is_answered_once_whatever_became_of_it() -> None:
    alone: dict[str, Said] = {did(n): (TAKEN_DOWN, DEACTIVATED, NOT_SHOWN, DOWN)[n % 4] for n in range(20)}
    repos: dict[str, Said] = {did(n): holds(did(n)) for n in range(0, 20, 3)}
    stage = Stage({one: shown(one) for one in map(did, range(20, 25))}, alone=alone, repos=repos)
    asked = [*map(did, range(24)), "odd", did(3)]
    async with staged(stage) as (bluesky, _):
        answer = await bluesky.read(asked, T0)
    said = [one.native_id for one in (*answer.readings, *answer.missed)]
    assert sorted(said) == sorted(set(asked))


async def test_the_platform_and_its_one_place() -> None:
    bluesky = collector("http://127.0.0.1:9")
    assert (bluesky.platform, bluesky.batch_size, bluesky.place(A)) == (BLUESKY, 25, "")
    candidates = await bluesky.candidates("", T0)
    assert [one.handle for one in candidates] == ["bsky.app", "atproto.com", "safety.bsky.app"]
    assert {one.expected for one in candidates} == {Status.AVAILABLE}


# refusals of one account ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        pytest.param((403, {"error": "Forbidden", "message": "no"}), "access", id="403"),
        pytest.param((401, {"error": "AuthMissing", "message": "no"}), "auth", id="401"),
    ],
)
async def test_one_account_that_the_app_refuses_to_show_is_left_alone_and_stops_no_other(
    refusal: Said, reason: str
) -> None:
    stage = Stage({B: shown(B)}, alone={A: refusal, C: DEACTIVATED})
    async with staged(stage) as (bluesky, server):
        for after in (0, 10, 14):
            answer = await bluesky.read([A, B, C], T0 + after * MINUTE)
            assert statuses(answer) == {A: reason, B: "available", C: "deactivated"}
            assert (answer.sent, answer.trouble) == (True, None)
        about_a = [one for one in server.asked if one.rel_url.query.get("actor") == A]
        assert len(about_a) == 1
        stage.alone[A] = TAKEN_DOWN
        stage.repos[A] = holds(A, active=False, status="takendown")
        assert statuses(await bluesky.read([A], T0 + 15 * MINUTE)) == {A: "suspended"}


async def test_a_handle_that_the_app_refuses_to_resolve_stops_no_reading() -> None:
    stage = Stage({B: shown(B)}, resolved={"alice.test": (403, {"error": "Forbidden", "message": "no"})})
    async with staged(stage) as (bluesky, _):
        assert (await bluesky.resolve(["alice.test"], T0)).trouble is not None
        assert statuses(await bluesky.read([B], T0)) == {B: "available"}


async def test_follows_that_the_app_refuses_to_compare_stop_no_reading() -> None:
    stage = Stage({B: shown(B)}, calls={"getRelationships": (403, {"error": "Forbidden", "message": "no"})})
    async with staged(stage) as (bluesky, _):
        refused = await bluesky.follows_among(B, [C], T0)
        assert isinstance(refused, RequestFailure)
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


@pytest.mark.parametrize("position", [0, 11, 24])
async def test_one_id_that_bluesky_refuses_is_found_and_the_others_are_read(position: int) -> None:
    stage = Stage(healthy(25))
    stage.calls["getProfiles"] = refusing(stage, {did(position)})
    async with staged(stage) as (bluesky, server):
        answer = await bluesky.read([did(n) for n in range(25)], T0)
    assert answer.missed == (Missed(did(position), T0, MissedReason.BAD_REQUEST, "Bluesky refuses this DID"),)
    assert len(answer.readings) == 24
    assert answer.trouble is None
    assert len(server.asked) <= 1 + 12 + 1


async def test_a_batch_that_is_refused_in_every_part_costs_a_bounded_number_of_requests() -> None:
    stage = Stage(healthy(25))
    stage.calls["getProfiles"] = refusing(stage, set(stage.profiles))
    async with staged(stage) as (bluesky, server):
        answer = await bluesky.read(list(stage.profiles), T0)
    assert len(server.asked) == 1 + 12
    assert statuses(answer) == dict.fromkeys(stage.profiles, "bad_request")
    assert answer.trouble is not None
    assert (answer.trouble.reason, answer.trouble.breaker) == (MissedReason.BAD_REQUEST, False)


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


async def test_a_document_is_kept_for_an_hour() -> None:
    async with staged(Stage(alone={A: TAKEN_DOWN})) as (bluesky, server):
        for after in (0 * MINUTE, 30 * MINUTE, HOUR):
            await bluesky.read([A], T0 + after)
        assert names(server).count("document") == 1
        await bluesky.read([A], T0 + HOUR + MINUTE)
        assert names(server).count("document") == 2


async def test_a_server_that_an_account_left_is_not_believed_over_the_new_one() -> None:
    """The old server no longer holds it; the document that was kept from before still names the old one."""
    stage = Stage(alone={A: TAKEN_DOWN})
    async with scripted(Stage(repos={A: holds(A)}).answer) as new, staged(stage) as (bluesky, _):
        await bluesky.read([A], T0)
        stage.profiles[A] = shown(A)
        stage.documents[A] = (200, document(A, new.base_url))
        assert statuses(await bluesky.read([A], T0 + MINUTE)) == {A: "available"}
        del stage.profiles[A]
        stage.alone = {A: NOT_SHOWN}
        assert statuses(await bluesky.read([A], T0 + 2 * MINUTE)) == {A: "contradictory"}


async def test_an_old_server_is_not_believed_after_a_move_within_the_hour_that_a_document_is_kept() -> None:
    stage = Stage(alone={A: NOT_SHOWN}, repos={A: DOWN})
    async with scripted(Stage(repos={A: DOWN}).answer) as new, staged(stage) as (bluesky, _):
        assert statuses(await bluesky.read([A], T0)) == {A: "upstream"}
        stage.documents[A] = (200, document(A, new.base_url))
        stage.repos[A] = holds(A, active=False, status="deactivated")
        assert statuses(await bluesky.read([A], T0 + 10 * MINUTE)) == {A: "upstream"}


@pytest.mark.parametrize(
    "pds",
    [
        "http://127.0.0.1:1",
        "https://127.0.0.1",
        "https://localhost",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://2130706433",
        "http://pds.example.com",
        "https://pds.example.com:8443",
    ],
)
async def test_a_server_in_a_private_network_is_not_asked_whoever_names_it(pds: str) -> None:
    async with scripted(Stage(repos={A: REPO_GONE}).answer) as inside:
        named = pds.replace("http://127.0.0.1:1", inside.base_url)
        async with staged(Stage(pds=named), http=GUARDED) as (bluesky, server):
            answer = await bluesky.read([A], T0)
    assert inside.asked == []
    assert names(server) == ["getProfiles", "getProfile", "document"]
    (miss,) = answer.missed
    assert miss.reason is MissedReason.NETWORK
    assert "trusted_hosts" in miss.detail


@pytest.mark.parametrize("native_id", ["did:web:localhost", "did:web:127.0.0.1", "did:web:10.0.0.1%3A8080"])
async def test_a_did_web_in_a_private_network_is_not_asked_for_its_document(native_id: str) -> None:
    async with staged(Stage(), http=GUARDED) as (bluesky, server):
        answer = await bluesky.read([native_id], T0)
    assert names(server) == ["getProfiles", "getProfile"]
    assert statuses(answer) == {native_id: "network"}


async def test_the_servers_of_the_configuration_and_trusted_ones_may_be_private() -> None:
    async with scripted(Stage(repos={A: REPO_GONE}).answer) as inside:
        host = inside.base_url.removeprefix("http://")
        http = HttpOptions(retry=Retry(attempts=0, base_s=0), guard=Guard([host]))
        async with staged(Stage(pds=inside.base_url), http=http) as (bluesky, _):
            answer = await bluesky.read([A], T0)
    assert [(r.state, r.flags) for r in answer.readings] == [(NOT_FOUND, {Flag.DELETED})]


# evidence ------------------------------------------------------------------------------------------------


async def test_evidence_holds_every_answer_that_a_status_rests_on() -> None:
    label = {**LABEL, "uri": B}
    stage = Stage(
        {B: shown(B, labels=[label], displayName="Bob")}, alone={A: TAKEN_DOWN}, repos={A: holds(A)}
    )
    async with staged(stage) as (bluesky, server):
        answer = await bluesky.read([A, B], T0)
        kept = bluesky.evidence(answer.exchanges, [A, B])
    assert [r.state for r in answer.readings if r.native_id == A] == [SUSPENDED]
    about_a = json.loads(kept[A])
    assert [item["url"].removeprefix(server.base_url) for item in about_a] == [
        f"/xrpc/app.bsky.actor.getProfile?actor={A}",
        f"/{A}",
        f"/xrpc/com.atproto.sync.getRepoStatus?did={A}",
    ]
    assert [item["about"].get("error") for item in about_a] == ["AccountTakedown", None, None]
    (about_b,) = json.loads(kept[B])
    assert about_b["about"] == {"did": B, "handle": "name.test", "labels": [label]}
    assert about_b["said"] == {"atproto-content-labelers": f"{MAIN};redact,{REGION}"}


async def test_evidence_dates_each_answer_by_its_own_question() -> None:
    async def late(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(0.05)
        return web.json_response({"did": A, "active": True})

    async with staged(Stage(alone={A: TAKEN_DOWN}, repos={A: late})) as (bluesky, _):
        first = await bluesky.read([A], T0)
        again = await bluesky.read([A], T0 + MINUTE)
        kept = json.loads(bluesky.evidence(first.exchanges, [A])[A])
        later = json.loads(bluesky.evidence(again.arrived(T0 + 2 * MINUTE).exchanges, [A])[A])
    times = [datetime.fromisoformat(item[key]) for item in kept for key in ("asked_at", "answered_at")]
    assert times == sorted(times)
    assert len(set(times)) == 6
    assert times[-1] - times[-2] >= timedelta(seconds=0.05)
    assert {item["at"] for item in kept} == {T0.isoformat()}
    # A document that is kept for an hour stays dated by the reading that asked for it.
    assert [later[1][key] for key in ("asked_at", "answered_at")] == [
        kept[1][key] for key in ("asked_at", "answered_at")
    ]
    assert datetime.fromisoformat(later[0]["asked_at"]) >= T0 + MINUTE


async def test_no_answer_is_dated_after_the_reading_that_rests_on_it() -> None:
    """The clock that dates readings may lag a little behind the one that measures."""
    async with staged(Stage({A: shown(A)})) as (bluesky, _):
        (exchange,) = (await bluesky.read([A], T0)).arrived(T0 + timedelta(microseconds=1)).exchanges
    assert (exchange.asked_after, exchange.answered_after) == (timedelta(microseconds=1),) * 2


async def test_evidence_keeps_that_a_server_gave_no_usable_answer() -> None:
    async with staged(Stage(alone={A: TAKEN_DOWN}, repos={A: DOWN})) as (bluesky, _):
        answer = await bluesky.read([A], T0)
        last = json.loads(bluesky.evidence(answer.exchanges, [A])[A])[-1]
    assert (last["http_status"], last["about"]) == (503, {})


async def test_public_profiles_are_asked_for_once_and_ids_that_are_none_are_left_out() -> None:
    async with staged(Stage(profiles={A: {**shown(A, "a.test"), "followersCount": 7}})) as (bluesky, server):
        found = await bluesky.public_profiles([A, B, A, "nobody"], T0)
        assert await bluesky.public_profiles(["nobody"], T0) == ()
        with pytest.raises(ValueError, match="26 ids in one request"):
            await bluesky.public_profiles([A] * 26, T0)
    assert not isinstance(found, RequestFailure)
    assert [(one.native_id, one.followers) for one in found] == [(A, 7)]
    assert [request.rel_url.query.getall("actors") for request in server.asked] == [[A, B]]


async def test_profiles_that_cannot_be_read_are_trouble_not_nobody() -> None:
    async with staged(Stage(calls={"getProfiles": DOWN})) as (bluesky, _):
        said = await bluesky.public_profiles([A], T0)
    assert isinstance(said, RequestFailure)
    assert said.reason is MissedReason.UPSTREAM

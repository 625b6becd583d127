"""Posts over real sockets: what is asked about them, of whom, and what survives every fault."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY, DECLARATION
from collectors.bluesky.simulator.app import BlueskyServer, serve_bluesky
from collectors.bluesky.simulator.repo_proof import proof
from collectors.bluesky.simulator.simulator import SIMULATOR
from collectors.core.collector import CollectorAnswer
from collectors.simulator.canaries import with_canaries
from collectors.simulator.faults import PROFILES, FaultKind, FaultPlan, profile
from collectors.simulator.history import APP_VIEW_ONLY, WITH_AUTHOR, History, HistoryAccount, parse_history
from collectors.simulator.history_conversion import recast
from collectors.transport.client import HttpOptions, Retry
from storage.model.core.availability import BY_COUNTRY, Flag, State, Status
from storage.model.evidence.decisive import decisive_words
from tests.collectors.conformance.stage import heard
from tests.support.samples.bluesky_answers import LABEL, MAIN, REGION
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, T0
from tests.support.simulated.bluesky_cast import ALICE, HOUR, account
from tests.support.simulated.scripted_bluesky import (
    NO_RECORD,
    Said,
    Stage,
    did,
    post,
    shown,
    shown_post,
    staged,
    statuses,
)

A, B = post(1), post(2)
AUTHOR = did(1)
SERVED: Said = (200, {"uri": A, "cid": "bafyrei", "value": {"text": "private words"}})
KEPT, GONE = (proof(AUTHOR, "app.bsky.feed.post/3k1", record) for record in ({"text": "private words"}, None))
TAKEDOWN = {**LABEL, "src": MAIN, "uri": A, "val": "!takedown"}


def stage(**parts: Any) -> Stage:
    """The author is shown and one of two posts is not; the labelers answer on the same address."""
    made = Stage({AUTHOR: shown(AUTHOR)}, posts={B: shown_post(B)}, **parts)

    def labeler(request: web.BaseRequest) -> web.Response:
        service = {"id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": made.base_url}
        return web.json_response({"id": request.path.removeprefix("/"), "service": [service]})

    made.documents |= {MAIN: labeler, REGION: labeler}
    return made


def page(*labels: object) -> Said:
    return 200, {"labels": list(labels)}


async def test_posts_and_accounts_are_places_of_their_own() -> None:
    async with staged(stage()) as (bluesky, _):
        assert (bluesky.place(A), bluesky.place(AUTHOR)) == ("posts", "")
        with pytest.raises(ValueError, match="accounts and posts in one request"):
            await bluesky.read([A, AUTHOR], T0)
        controls = await bluesky.candidates("posts", T0)
        assert {bluesky.place(one.native_id) for one in controls} == {"posts"}
        assert all(DECLARATION.is_post_handle(one.handle) for one in controls)
        assert {bluesky.place(one.native_id) for one in await bluesky.candidates("", T0)} == {""}


async def test_an_address_that_bluesky_refuses_is_found_and_the_others_are_read() -> None:
    posts = {post(n): shown_post(post(n)) for n in range(8)}
    made = Stage(posts=posts)

    def refusing(request: web.BaseRequest) -> web.Response:
        uris = request.rel_url.query.getall("uris")
        if post(5) in uris:
            return web.json_response({"error": "InvalidRequest", "message": "Invalid at-uri"}, status=400)
        return web.json_response({"posts": [posts[uri] for uri in uris]})

    made.calls["getPosts"] = refusing
    async with staged(made) as (bluesky, _):
        answer = await bluesky.read([*posts, "at://did:plc:short/app.bsky.feed.post/3k"], T0)
    refused = [m.native_id for m in answer.missed]
    assert refused == ["at://did:plc:short/app.bsky.feed.post/3k", post(5)]
    assert len(answer.readings) == 7


# lifts ---------------------------------------------------------------------------------------------------


# evidence ------------------------------------------------------------------------------------------------


async def test_evidence_of_a_missing_post_has_each_answer_that_it_rests_on() -> None:
    made = stage(served={A: SERVED}, calls={"queryLabels": page(TAKEDOWN, {**TAKEDOWN, "uri": B})})
    async with staged(made) as (bluesky, _):
        answer = await bluesky.read([A, B], T0)
        kept = bluesky.evidence(answer.exchanges, [A])
        steps = {
            item["url"].rpartition("?")[0].rpartition(".")[2]: item["about"] for item in json.loads(kept[A])
        }
        assert steps["getProfile"] == {"did": AUTHOR, "handle": "name.test", "labels": []}
        assert steps["getRecord"] == {"uri": A, "cid": "bafyrei"}
        assert steps["queryLabels"] == {"labels": [TAKEDOWN]}
        assert b"private" not in kept[A]
        made.served[A], made.proofs[A] = NO_RECORD, (200, KEPT)
        answer = await bluesky.read([A, B], T0 + MINUTE)
    kept = bluesky.evidence(answer.exchanges, [A])
    *_, served, held = json.loads(kept[A])
    assert served["about"]["error"] == "RecordNotFound"
    assert held["about"] == {"in_repository": True}
    *_, because, proven = decisive_words(kept[A], DECLARATION.decisive)
    assert because == 'HTTP 400: "error": "RecordNotFound"; "message": "Could not locate record"'
    assert proven == 'HTTP 200: "in_repository": true'


# names ---------------------------------------------------------------------------------------------------


async def test_a_post_has_no_record_of_handles() -> None:
    async with staged(stage()) as (bluesky, server):
        said = await bluesky.handle_history(A, T0)
        assert not isinstance(said, tuple)
        assert (said.retry_at, said.breaker) == (T0, False)
        assert server.asked == []


# against the simulator -----------------------------------------------------------------------------------

WITHHELD = State(Status.WITHHELD, ("DE", "TR"))
OWN: Mapping[str, tuple[State, str]] = {
    "served": (AVAILABLE, ""),
    "withheld": (WITHHELD, ""),
    "hidden": (SUSPENDED, APP_VIEW_ONLY),
    "hosted": (SUSPENDED, ""),
    "deleted": (NOT_FOUND, ""),
}
SHARED = {
    "withheld": WITHHELD,
    "suspended": SUSPENDED,
    "deactivated": State(Status.DEACTIVATED),
    "gone": NOT_FOUND,
}


def posted(key: str, by: str, state: State, detail: str) -> HistoryAccount:
    """A post that stands so for an hour, is served for one, and stands so again; its author is renamed."""
    uri, times = f"at://{by}/app.bsky.feed.post/{key}", (T0, T0 + HOUR, T0 + 2 * HOUR)
    moves = state != AVAILABLE
    return HistoryAccount(
        BLUESKY,
        uri,
        times if moves else times[:1],
        (state, AVAILABLE, state) if moves else (state,),
        times[:2],
        (f"n{by[-4:]}.test/{key}", f"m{by[-4:]}.test/{key}"),
        (),
        (detail, "", detail) if moves and detail else (),
    )


def posts_of_every_fate() -> tuple[HistoryAccount, ...]:
    """By one author in each of the states that are a post's own, and with each fate of an author."""
    own = [posted(f"3k{name}{n}", did(1), *fate) for name, fate in OWN.items() for n in range(2)]
    shared = [
        posted(f"3k{name}{n}", did(10 + at), state, WITH_AUTHOR)
        for at, (name, state) in enumerate(SHARED.items())
        for n in range(2)
    ]
    return (*own, *shared)


@asynccontextmanager
async def simulated(
    faults: FaultPlan = FaultPlan(),  # noqa: B008 - frozen
) -> AsyncGenerator[tuple[BlueskyCollector, BlueskyServer, tuple[HistoryAccount, ...]]]:
    history = with_canaries(History(posts_of_every_fate()))
    http = HttpOptions(retry=Retry(attempts=0, base_s=0))
    async with (
        serve_bluesky(history, faults=faults, now=T0) as server,
        BlueskyCollector(app_view=server.base_url, plc=server.base_url, http=http) as bluesky,
    ):
        yield bluesky, server, history.accounts


async def read_truly(
    bluesky: BlueskyCollector, server: BlueskyServer, posts: tuple[HistoryAccount, ...], hours: float
) -> CollectorAnswer:
    """Whatever is read of the posts must be so."""
    now = T0 + hours * HOUR
    server.set_clock(now)
    answer = await bluesky.read([one.native_id for one in posts], now)
    truth = {one.native_id: SIMULATOR.observable(one.at(now)) for one in posts}
    assert sorted(one.native_id for one in (*answer.readings, *answer.missed)) == sorted(truth)
    assert [r for r in answer.readings if r.state != heard(truth[r.native_id], r.silent_on)] == []
    for r in answer.readings:
        shared = next(p for p in posts if p.native_id == r.native_id).detail_at(now) == WITH_AUTHOR
        assert shared is (Flag.WITH_AUTHOR in r.flags) or r.silent_on
    return answer


LIES = {FaultKind.ALL_NOT_FOUND, FaultKind.LABELS_DROPPED}


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in LIES])
async def test_no_fault_makes_a_reading_of_a_post_that_differs_from_the_truth(kind: FaultKind) -> None:
    plan = FaultPlan({kind: 100_000}, hang_s=0.01, slow_s=0.01)
    async with simulated(plan) as (bluesky, server, posts):
        for hours in range(3):
            await read_truly(bluesky, server, posts, hours)


@pytest.mark.parametrize("name", [name for name, plan in PROFILES.items() if not plan.lies])
async def test_under_no_profile_of_faults_a_post_is_read_as_what_it_is_not(name: str) -> None:
    readings = 0
    async with simulated(profile(name, seed=5)) as (bluesky, server, posts):
        for n in range(12):
            readings += len((await read_truly(bluesky, server, posts, n / 4)).readings)
        assert readings > len(posts) * 12 / 3


async def test_an_app_that_knows_no_post_is_contradicted_by_their_servers() -> None:
    async with simulated(FaultPlan({FaultKind.ALL_NOT_FOUND: 100_000})) as (bluesky, server, posts):
        answer = await read_truly(bluesky, server, posts, 0)
        shown = {one.native_id for one in posts if one.at(T0).status in BY_COUNTRY}
        assert shown <= {m.native_id for m in answer.missed}
        assert shown


async def test_a_post_shares_the_state_of_an_author_who_is_in_the_history_too() -> None:
    uri = f"at://{ALICE}/app.bsky.feed.post/3k1"
    post_of_alice = HistoryAccount(
        BLUESKY,
        uri,
        (T0, T0 + HOUR),
        (AVAILABLE, SUSPENDED),
        (T0,),
        ("alice.test/3k1",),
        (),
        ("", WITH_AUTHOR),
    )
    history = History((account(ALICE, AVAILABLE, SUSPENDED), post_of_alice))
    async with (
        serve_bluesky(history, now=T0) as server,
        BlueskyCollector(app_view=server.base_url, plc=server.base_url) as bluesky,
    ):
        assert statuses(await bluesky.read([uri], T0)) == {uri: "available"}
        server.set_clock(T0 + HOUR)
        (said,) = (await bluesky.read([uri], T0 + HOUR)).readings
        assert (said.state, said.flags) == (SUSPENDED, {Flag.WITH_AUTHOR, Flag.HOST})


def test_a_post_of_another_platform_becomes_a_post_with_the_author_of_its_handle() -> None:
    rows = [
        "platform,account_id,handle,at,status,withheld_in,list,detail",
        "x,post:20,jack/20,2026-11-24T00:00:00Z,available,,a,",
        "x,post:20,jack/20,2026-11-25T00:00:00Z,not_found,,a,with_author",
        "x,post:21,jack/21,2026-11-24T00:00:00Z,withheld,IN,a,",
        "x,post:22,Ann_B/22,2026-11-24T00:00:00Z,available,,a,",
        "x,12,jack,2026-11-24T00:00:00Z,available,,a,",
    ]
    first, second, other, person = recast(parse_history(rows, "x.csv"), BLUESKY).accounts
    posts = (first, second, other)
    assert all(
        DECLARATION.is_post(one.native_id) and DECLARATION.is_post_handle(one.handles[0]) for one in posts
    )
    assert len({one.native_id for one in posts}) == 3
    authors = [one.native_id.rpartition("/app.bsky")[0] for one in posts]
    assert authors[0] == authors[1] != authors[2]
    assert first.handles[0].partition("/")[0] == second.handles[0].partition("/")[0] != person.handles[0]
    assert (first.states, first.details) == ((AVAILABLE, NOT_FOUND), ("", WITH_AUTHOR))
    assert not DECLARATION.is_post(person.native_id)
    made_up = SIMULATOR.made_up_handle(first.native_id)
    assert DECLARATION.is_post_handle(made_up)

"""What executives did on Bluesky, page by page; whose handle is whose; over real sockets."""

import json
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from collectors.bluesky.engagement import MAX_PAGES
from collectors.bluesky.wire.identity import HandleSince
from collectors.bluesky.wire.records import COLLECTIONS, PAGE_SIZE
from collectors.core.collector import RequestFailure, ResolvedHandle, UnresolvedReason
from storage.model.core.availability import MissedReason
from storage.model.core.signals import SignalKind
from tests.support.samples.bluesky_answers import AT, FRANK, document, recorded_json
from tests.support.samples.readings import MINUTE
from tests.support.simulated.scripted_bluesky import (
    DEACTIVATED,
    DOWN,
    NOT_SHOWN,
    TAKEN_DOWN,
    Said,
    Stage,
    collector,
    did,
    names,
    shown,
    staged,
)
from tests.support.simulated.scripted_x import Told, cut, scripted

A, B, C = did(1), did(2), did(3)
LIKE, REPOST, FOLLOW, POST = COLLECTIONS


def keys(first: int, last: int) -> list[str]:
    """Keys of records in the order of their times, long before the tests are."""
    return [f"3k{n:05}" for n in range(first, last)]


def key_of(native_id: str) -> str:
    return native_id.rpartition("/")[2]


async def test_without_a_cursor_only_the_newest_page_of_each_collection_is_read() -> None:
    stage = Stage(records={(A, LIKE): keys(0, 250), (A, REPOST): keys(300, 301)})
    async with staged(stage) as (bluesky, server):
        seen = await bluesky.engagement(A, None, AT)
    assert names(server) == ["document", *["listRecords"] * 4]
    likes = [key_of(one.native_id) for one in seen.signals if one.kind is SignalKind.LIKE]
    assert likes == keys(150, 250)
    assert [key_of(one.native_id) for one in seen.signals][-1] == "3k00300"
    assert seen.trouble is None


async def test_the_next_poll_gives_what_is_new_oldest_first_and_nothing_else() -> None:
    stage = Stage(records={(A, LIKE): keys(0, 3)})
    async with staged(stage) as (bluesky, server):
        first = await bluesky.engagement(A, None, AT)
        again = await bluesky.engagement(A, first.cursor, AT)
        assert (again.signals, again.cursor) == ((), first.cursor)
        stage.records = {(A, LIKE): keys(0, 5), (A, REPOST): keys(4, 6)}
        then = await bluesky.engagement(A, again.cursor, AT)
    assert [(one.kind, key_of(one.native_id)) for one in then.signals] == [
        (SignalKind.LIKE, "3k00003"),
        (SignalKind.LIKE, "3k00004"),
        (SignalKind.REPOST, "3k00004"),
        (SignalKind.REPOST, "3k00005"),
    ]
    assert names(server).count("document") == 1
    assert {one.target_author_id for one in then.signals} == {did(9)}


@pytest.mark.parametrize("count", [1, 99, 100, 101, PAGE_SIZE * MAX_PAGES, PAGE_SIZE * MAX_PAGES + 1, 1234])
@pytest.mark.parametrize("before", [0, 1])
async def test_no_act_is_lost_or_seen_twice_however_many_there_were(count: int, before: int) -> None:
    """Also when there was nothing at all at the first poll, and when more is done between two polls."""
    stage = Stage(records={(A, LIKE): keys(0, before)})
    seen: list[str] = []
    async with staged(stage) as (bluesky, server):
        cursor = (await bluesky.engagement(A, None, AT)).cursor
        stage.records = {(A, LIKE): keys(0, before + count)}
        for more in (7, 0, 0, 0):
            asked = len(server.asked)
            polled = await bluesky.engagement(A, cursor, AT)
            assert names(server)[asked:].count("listRecords") <= MAX_PAGES + 3
            seen += [key_of(one.native_id) for one in polled.signals]
            cursor = polled.cursor
            total = len(stage.records[A, LIKE]) + more
            stage.records = {(A, LIKE): keys(0, total)}
    assert sorted(seen) == keys(before, before + count + 7)
    assert len(set(seen)) == len(seen)


async def test_a_record_that_was_taken_back_does_not_lose_the_place() -> None:
    stage = Stage(records={(A, LIKE): keys(0, 5)})
    async with staged(stage) as (bluesky, _):
        cursor = (await bluesky.engagement(A, None, AT)).cursor
        stage.records = {(A, LIKE): [*keys(0, 4), *keys(6, 7)]}
        polled = await bluesky.engagement(A, cursor, AT)
    assert [key_of(one.native_id) for one in polled.signals] == ["3k00006"]


@pytest.mark.parametrize("failing", [LIKE, POST])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(DOWN, MissedReason.UPSTREAM, id="503"),
        pytest.param((200, b"{"), MissedReason.MALFORMED, id="cut JSON"),
        pytest.param((429, b""), MissedReason.RATE_LIMITED, id="429"),
        pytest.param((401, b""), MissedReason.AUTH, id="401"),
        pytest.param(cut, MissedReason.NETWORK, id="cut connection"),
    ],
)
async def test_a_poll_that_fails_on_any_page_concludes_nothing_and_keeps_the_cursor(
    failing: str, said: Said, reason: MissedReason
) -> None:
    stage = Stage(records={(A, name): keys(0, 3) for name in COLLECTIONS})

    def script(request: web.BaseRequest) -> Told:
        query = request.rel_url.query
        if query["collection"] != failing:
            page = stage.page(query["repo"], query["collection"], query.get("cursor"))
            return web.Response(body=json.dumps(page).encode())
        if callable(said):
            return said(request)
        return web.Response(status=said[0], body=said[1])

    async with staged(stage) as (bluesky, _):
        cursor = (await bluesky.engagement(A, None, AT)).cursor
        stage.records = {(A, name): keys(0, 6) for name in COLLECTIONS}
        stage.calls["listRecords"] = script
        seen = await bluesky.engagement(A, cursor, AT + MINUTE)
    assert (seen.signals, seen.cursor) == ((), cursor)
    assert seen.trouble is not None
    # One server of many: nothing that it says may stop the collector.
    assert (seen.trouble.reason, seen.trouble.breaker) == (reason, False)


async def test_the_limit_of_one_server_stops_neither_the_app_nor_another_server() -> None:
    async with scripted(Stage(records={(B, LIKE): keys(0, 2)}).answer) as other:
        stage = Stage({C: shown(C)}, documents={B: (200, document(B, other.base_url))})
        stage.calls["listRecords"] = (429, b"")
        async with staged(stage) as (bluesky, server):
            for _ in range(2):
                limited = await bluesky.engagement(A, None, AT)
                assert limited.trouble is not None
                assert limited.trouble.reason is MissedReason.RATE_LIMITED
            assert names(server).count("listRecords") == 1
            assert len((await bluesky.engagement(B, None, AT)).signals) == 2
            assert (await bluesky.read([C], AT)).readings


@pytest.mark.parametrize(
    "stage",
    [
        Stage(
            calls={"listRecords": (400, {"error": "InvalidRequest", "message": f"Could not find repo: {A}"})}
        ),
        Stage(documents={A: (404, {"message": f"DID not available: {A}"})}),
        Stage(documents={A: (200, {"id": A})}),
    ],
)
async def test_a_hidden_repository_is_trouble_of_that_account_alone(stage: Stage) -> None:
    stage.profiles = {C: shown(C)}
    async with staged(stage) as (bluesky, _):
        for _ in range(2):
            seen = await bluesky.engagement(A, None, AT)
            assert seen.trouble is not None
            assert (seen.trouble.reason, seen.trouble.breaker) == (MissedReason.ACCESS, False)
            assert seen.trouble.retry_at == AT
        assert (await bluesky.read([C], AT)).readings


async def test_who_moved_to_another_server_is_followed_there() -> None:
    async with scripted(Stage(records={(A, LIKE): keys(0, 4)}).answer) as new:
        stage = Stage(records={(A, LIKE): keys(0, 2)})
        async with staged(stage) as (bluesky, server):
            first = await bluesky.engagement(A, None, AT)
            stage.calls["listRecords"] = (
                400,
                {"error": "InvalidRequest", "message": "Could not find repo: x"},
            )
            stage.documents[A] = (200, document(A, new.base_url))
            then = await bluesky.engagement(A, first.cursor, AT + MINUTE)
            assert [key_of(one.native_id) for one in then.signals] == keys(2, 4)
            assert names(server).count("document") == 2


async def test_a_directory_that_is_down_is_no_statement_about_an_executive() -> None:
    async with staged(Stage(documents={A: DOWN})) as (bluesky, server):
        seen = await bluesky.engagement(A, None, AT)
        await bluesky.engagement(A, None, AT)
        assert seen.trouble is not None
        assert (seen.trouble.reason, seen.trouble.breaker) == (MissedReason.UPSTREAM, False)
        assert names(server) == ["document"]


@pytest.mark.parametrize(
    ("native_id", "cursor", "sentence"),
    [("alice.test", None, "not a DID"), ("", None, "not a DID"), (A, "yesterday", "not a cursor")],
)
async def test_an_id_or_cursor_that_is_not_one_of_bluesky_is_refused(
    native_id: str, cursor: str | None, sentence: str
) -> None:
    async with collector("http://127.0.0.1:9") as bluesky:
        with pytest.raises(ValueError, match=sentence):
            await bluesky.engagement(native_id, cursor, AT)


# follows -------------------------------------------------------------------------------------------------


async def test_follows_are_compared_with_thirty_accounts_in_a_request() -> None:
    def script(request: web.BaseRequest) -> web.Response:
        query = request.rel_url.query
        followed = [did(n) for n in range(10, 75, 7)]
        items = [
            {"did": other, "following": f"at://{A}/{FOLLOW}/{other[-3:]}"}
            if other in followed
            else {"did": other}
            for other in query.getall("others")
        ]
        return web.Response(body=json.dumps({"actor": query["actor"], "relationships": items}).encode())

    others = [did(n) for n in range(10, 75)]
    async with staged(Stage(calls={"getRelationships": script})) as (bluesky, server):
        follows = await bluesky.follows_among(A, others, AT)
        assert await bluesky.follows_among(A, [], AT) == ()
    assert not isinstance(follows, RequestFailure)
    assert [one.target_id for one in follows] == [did(n) for n in range(10, 75, 7)]
    assert {(one.kind, one.made_at) for one in follows} == {(SignalKind.FOLLOW, None)}
    assert [len(r.rel_url.query.getall("others")) for r in server.asked] == [30, 30, 5]


async def test_follows_that_cannot_be_told_are_trouble_not_nobody() -> None:
    async with staged(Stage(calls={"getRelationships": DOWN})) as (bluesky, _):
        said = await bluesky.follows_among(A, [B], AT)
        assert isinstance(said, RequestFailure)
        assert said.reason is MissedReason.UPSTREAM
        with pytest.raises(ValueError, match="not a DID"):
            await bluesky.follows_among(A, ["bob.test"], AT)


# handles -------------------------------------------------------------------------------------------------


async def test_the_history_of_a_handle_comes_from_the_directory() -> None:
    stage = Stage(documents={FRANK: (200, recorded_json("plc_audit__renamed"))})
    async with staged(stage) as (bluesky, server):
        history = await bluesky.handle_history(FRANK, AT)
        assert [request.path for request in server.asked] == [f"/{FRANK}/log/audit"]
    assert history == (
        HandleSince("frank.test", datetime.fromisoformat("2026-11-24T13:45:02.659Z")),
        HandleSince("frank-new.test", datetime.fromisoformat("2026-11-24T13:45:27.618Z")),
    )


@pytest.mark.parametrize(
    ("native_id", "said", "reason"),
    [
        (A, DOWN, MissedReason.UPSTREAM),
        (A, (404, {"message": f"DID not registered: {A}"}), MissedReason.UNCLASSIFIED),
        ("did:web:a.example", (200, b"[]"), MissedReason.ACCESS),
    ],
)
async def test_a_history_that_cannot_be_seen_is_trouble_not_an_empty_one(
    native_id: str, said: Said, reason: MissedReason
) -> None:
    async with staged(Stage(documents={A: said})) as (bluesky, _):
        history = await bluesky.handle_history(native_id, AT)
        assert isinstance(history, RequestFailure)
        assert (history.reason, history.breaker) == (reason, False)
        with pytest.raises(ValueError, match="not a DID"):
            await bluesky.handle_history("alice.test", AT)


async def test_names_resolve_to_dids_or_say_why_not() -> None:
    stage = Stage(
        {A: shown(A, "alice.test"), B: shown(B, "bob.test"), C: shown(C, "handle.invalid")},
        resolved={"alice.test": (200, {"did": A}), "bobs-domain.test": (200, {"did": B})},
        alone={
            "gone.test": NOT_SHOWN,
            "down.test": TAKEN_DOWN,
            "asleep.test": DEACTIVATED,
            did(4): TAKEN_DOWN,
            did(5): NOT_SHOWN,
            "only-in-the-app.test": (200, shown(did(6), "only-in-the-app.test")),
        },
    )
    asked = {
        "@Alice.test": (A, "alice.test"),
        "https://bsky.app/profile/alice.test": (A, "alice.test"),
        A: (A, "alice.test"),
        "bobs-domain.test": (B, "bob.test"),
        f"https://bsky.app/profile/{C}": (C, "name.test"),
        did(4): (did(4), "name.test"),
        "only-in-the-app.test": (did(6), "only-in-the-app.test"),
        "gone.test": UnresolvedReason.NOT_FOUND,
        "down.test": UnresolvedReason.SUSPENDED,
        "asleep.test": UnresolvedReason.DEACTIVATED,
        did(5): UnresolvedReason.NOT_FOUND,
        "no-dots": UnresolvedReason.NOT_A_HANDLE,
        "https://x.com/alice": UnresolvedReason.NOT_A_HANDLE,
    }
    async with staged(stage) as (bluesky, _):
        answer = await bluesky.resolve(list(asked), AT)
    found: dict[str, object] = {one.asked: (one.native_id, one.handle) for one in answer.found}
    assert found | {one.asked: one.why for one in answer.unresolved} == asked
    assert answer.trouble is None


@pytest.mark.parametrize(
    "said",
    [(200, b"{}"), (200, {"did": 3, "handle": "a.test"}), (200, shown(B)), (400, b"<html>"), (200, b"[]")],
)
async def test_a_profile_that_cannot_be_read_finds_nobody(said: Said) -> None:
    async with staged(Stage(alone={A: said})) as (bluesky, _):
        answer = await bluesky.resolve([A], AT)
    assert [one.why for one in answer.unresolved] == [UnresolvedReason.NO_ANSWER]
    assert answer.trouble is not None
    assert answer.trouble.reason is MissedReason.MALFORMED


async def test_an_account_without_a_claimed_handle_goes_by_its_did() -> None:
    stage = Stage(alone={A: TAKEN_DOWN}, documents={A: (200, document(A, alsoKnownAs=[]))})
    async with staged(stage) as (bluesky, _):
        assert (await bluesky.resolve([A], AT)).found == (ResolvedHandle(A, A, A),)


@pytest.mark.parametrize("call", ["resolveHandle", "getProfile"])
@pytest.mark.parametrize(
    ("said", "reason"), [(DOWN, MissedReason.UPSTREAM), ((429, b""), MissedReason.RATE_LIMITED)]
)
async def test_a_name_that_met_trouble_may_be_tried_again(
    call: str, said: Said, reason: MissedReason
) -> None:
    async with staged(Stage(calls={call: said})) as (bluesky, _):
        answer = await bluesky.resolve(["alice.test", "no-dots"], AT)
    assert [one.why for one in answer.unresolved] == [
        UnresolvedReason.NO_ANSWER,
        UnresolvedReason.NOT_A_HANDLE,
    ]
    assert answer.trouble is not None
    assert answer.trouble.reason is reason
    assert answer.trouble.retry_at >= AT + timedelta(minutes=1)


async def test_a_handle_that_resolved_is_found_although_its_profile_met_trouble() -> None:
    stage = Stage(resolved={"alice.test": (200, {"did": A})}, calls={"getProfile": DOWN})
    async with staged(stage) as (bluesky, _):
        assert (await bluesky.resolve(["alice.test"], AT)).found == (
            ResolvedHandle("alice.test", A, "alice.test"),
        )

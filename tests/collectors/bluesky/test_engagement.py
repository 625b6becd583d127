"""What executives did on Bluesky, page by page; whose handle is whose; over real sockets."""

import pytest

from collectors.bluesky.engagement import MAX_PAGES
from collectors.bluesky.wire.records import COLLECTIONS, PAGE_SIZE
from collectors.core.collector import RequestFailure, UnresolvedReason
from storage.model.core.availability import MissedReason
from tests.support.samples.bluesky_answers import AT, document
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
from tests.support.simulated.scripted_x import scripted

A, B, C = did(1), did(2), did(3)
LIKE, REPOST, FOLLOW, POST = COLLECTIONS


def keys(first: int, last: int) -> list[str]:
    """Keys of records in the order of their times, long before the tests are."""
    return [f"3k{n:05}" for n in range(first, last)]


def key_of(native_id: str) -> str:
    return native_id.rpartition("/")[2]


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


async def test_follows_that_cannot_be_told_are_trouble_not_nobody() -> None:
    async with staged(Stage(calls={"getRelationships": DOWN})) as (bluesky, _):
        said = await bluesky.follows_among(A, [B], AT)
        assert isinstance(said, RequestFailure)
        assert said.reason is MissedReason.UPSTREAM
        with pytest.raises(ValueError, match="not a DID"):
            await bluesky.follows_among(A, ["bob.test"], AT)


# handles -------------------------------------------------------------------------------------------------


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

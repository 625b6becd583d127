"""What records say that somebody did, page by page, and how far they have been read."""

from datetime import datetime

import pytest

from collectors.bluesky.wire.records import (
    COLLECTIONS,
    RecordPage,
    RepoRecord,
    read_records,
    read_relationships,
)
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from tests.support.samples.bluesky_answers import ALICE, BOB, CAROL, made, recorded, refusal

LIKE, REPOST, FOLLOW, POST = COLLECTIONS
TARGET = f"at://{ALICE}/app.bsky.feed.post/3n32rpia52s2j"
QUOTE = {"$type": "app.bsky.embed.record", "record": {"uri": TARGET}}


def signals(answer: Exchange, collection: str, did: str = BOB) -> list[Signal]:
    page = read_records(answer, did, collection)
    assert isinstance(page, RecordPage), page
    return [signal for record in page.records for signal in record.signals]


def uri(collection: str, rkey: str) -> str:
    return f"at://{BOB}/{collection}/{rkey}"


def second(n: int) -> datetime:
    return datetime.fromisoformat(f"2026-11-24T13:45:{n:02}Z")


def page_of(collection: str, *values: object, **parts: object) -> Exchange:
    records = [{"uri": uri(collection, f"3k{n}"), "value": value} for n, value in enumerate(values)]
    return made(200, {"records": records, **parts})


@pytest.mark.parametrize(
    ("name", "collection", "expected"),
    [
        (
            "list_records__likes",
            LIKE,
            [Signal(SignalKind.LIKE, uri(LIKE, "3n32rpicq322j"), second(3), TARGET, ALICE)],
        ),
        (
            "list_records__reposts",
            REPOST,
            [Signal(SignalKind.REPOST, uri(REPOST, "3n32rpifosc2j"), second(3), TARGET, ALICE)],
        ),
        (
            "list_records__follows",
            FOLLOW,
            [
                Signal(SignalKind.FOLLOW, uri(FOLLOW, "3n32rpikttk2j"), second(4), CAROL, CAROL),
                Signal(SignalKind.FOLLOW, uri(FOLLOW, "3n32rpiinjk2j"), second(3), ALICE, ALICE),
            ],
        ),
        (
            "list_records__posts_reply_quote",
            POST,
            [
                Signal(SignalKind.QUOTE, uri(POST, "3n32rpionvs2j"), second(4), TARGET, ALICE),
                Signal(SignalKind.REPLY, uri(POST, "3n32rpimwak2j"), second(4), TARGET, ALICE),
            ],
        ),
    ],
)
def test_recorded_records_are_the_acts_that_they_state(
    name: str, collection: str, expected: list[Signal]
) -> None:
    assert signals(recorded(name), collection) == expected


@pytest.mark.parametrize(
    ("collection", "value"),
    [
        (LIKE, {}),
        (LIKE, {"subject": ALICE}),
        (LIKE, {"subject": {"uri": "at://alice.test/app.bsky.feed.post/1"}}),
        (REPOST, {"subject": {"uri": None}}),
        (FOLLOW, {"subject": "alice.test"}),
        (FOLLOW, {"subject": {"uri": TARGET}}),
        (FOLLOW, None),
    ],
)
def test_a_record_that_its_author_garbled_is_passed_over_and_stops_nothing(
    collection: str, value: object
) -> None:
    page = read_records(page_of(collection, value), BOB, collection)
    assert page == RecordPage((RepoRecord("3k0", ()),), None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(made(200, {}), MissedReason.MALFORMED, id="no records"),
        pytest.param(made(200, {"records": {}}), MissedReason.MALFORMED, id="records an object"),
        pytest.param(made(200, {"records": [], "cursor": 3}), MissedReason.MALFORMED, id="cursor a number"),
        pytest.param(made(200, {"records": [None]}), MissedReason.MALFORMED, id="a record that is null"),
        pytest.param(made(200, {"records": [{"value": "x"}]}), MissedReason.MALFORMED, id="no address"),
        pytest.param(page_of(POST, {}), MissedReason.MALFORMED, id="another collection"),
        pytest.param(
            made(200, {"records": [{"uri": f"at://{ALICE}/{LIKE}/1", "value": "x"}]}),
            MissedReason.MALFORMED,
            id="somebody else's record",
        ),
        pytest.param(refusal("InvalidRequest", "Error: limit"), MissedReason.BAD_REQUEST, id="our mistake"),
        pytest.param(recorded("rate_limited_429"), MissedReason.RATE_LIMITED, id="429"),
        pytest.param(made(503, b"<html>"), MissedReason.UPSTREAM, id="503"),
    ],
)
def test_a_page_that_cannot_be_read_is_not_an_empty_one(answer: Exchange, reason: MissedReason) -> None:
    page = read_records(answer, BOB, LIKE)
    assert isinstance(page, WireFault)
    assert page.reason is reason


# positions -----------------------------------------------------------------------------------------------


def records(*rkeys: str) -> list[RepoRecord]:
    return [RepoRecord(rkey, ()) for rkey in rkeys]


# relationships -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "followed"),
    [("get_relationships__follows", ALICE), ("get_relationships__target_taken_down", ALICE)],
)
def test_a_follow_is_told_also_after_its_target_was_taken_down(name: str, followed: str) -> None:
    address = uri(FOLLOW, "3n32rpiinjk2j")
    assert read_relationships(recorded(name), BOB) == (
        Signal(SignalKind.FOLLOW, address, None, followed, followed),
    )


@pytest.mark.parametrize(
    "body", [{}, {"actor": ALICE, "relationships": []}, {"actor": BOB, "relationships": {}}, []]
)
def test_relationships_of_somebody_else_are_a_fault(body: object) -> None:
    assert isinstance(read_relationships(made(200, body), BOB), WireFault)

"""What records say that somebody did, page by page, and how far they have been read."""

from datetime import datetime, timedelta

import pytest

from collectors.bluesky.wire.records import (
    COLLECTIONS,
    PAGE_SIZE,
    CollectionPosition,
    RecordPage,
    RepoRecord,
    UnreadableRepo,
    cursor_of,
    positions_of,
    read_records,
    read_relationships,
)
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from tests.support.samples.bluesky_answers import ALICE, AT, BOB, CAROL, NOBODY, made, recorded, refusal

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
    ("value", "expected"),
    [
        pytest.param({"text": "x"}, [(SignalKind.POST, None)], id="a post"),
        pytest.param({"embed": QUOTE}, [(SignalKind.QUOTE, TARGET)], id="a quote"),
        pytest.param(
            {"embed": {"$type": "app.bsky.embed.recordWithMedia", "record": {"record": {"uri": TARGET}}}},
            [(SignalKind.QUOTE, TARGET)],
            id="a quote with a picture",
        ),
        pytest.param(
            {"reply": {"parent": {"uri": TARGET}, "root": {"uri": uri(POST, "1")}}, "embed": QUOTE},
            [(SignalKind.REPLY, TARGET), (SignalKind.QUOTE, TARGET)],
            id="a reply that quotes is both",
        ),
        pytest.param(
            {"embed": {**QUOTE, "record": {"uri": f"at://{ALICE}/app.bsky.graph.list/1"}}},
            [(SignalKind.POST, None)],
            id="a list that is shown is no quote",
        ),
        pytest.param(
            {"embed": {"$type": "app.bsky.embed.images", "record": {"uri": TARGET}}},
            [(SignalKind.POST, None)],
            id="another kind of embed",
        ),
        pytest.param(
            {"reply": {"parent": "?"}}, [(SignalKind.REPLY, None)], id="a reply to what cannot be told"
        ),
        pytest.param({"embed": "x", "reply": None}, [(SignalKind.POST, None)], id="odd fields"),
        pytest.param("text", [], id="no object"),
    ],
)
def test_a_post_record_is_a_post_a_reply_a_quote_or_both(
    value: object, expected: list[tuple[SignalKind, str | None]]
) -> None:
    assert [(one.kind, one.target_id) for one in signals(page_of(POST, value), POST)] == expected


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
    "created", [None, 5, "yesterday", "2026-11-24T13:45:03", "0001-01-01T00:00:00+14:00"]
)
def test_an_act_without_a_readable_time_is_not_dated(created: object) -> None:
    (act,) = signals(page_of(LIKE, {"subject": {"uri": TARGET}, "createdAt": created}), LIKE)
    assert act.made_at is None


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


@pytest.mark.parametrize(
    "answer",
    [
        recorded("list_records__taken_down"),
        refusal("RepoTakendown"),
        refusal("RepoDeactivated"),
        refusal("RepoNotFound"),
    ],
)
def test_a_hidden_repository_is_about_its_owner_alone(answer: Exchange) -> None:
    assert isinstance(read_records(answer, ALICE, POST), UnreadableRepo)


def test_a_short_page_is_the_last_although_it_has_a_cursor() -> None:
    like = {"subject": {"uri": TARGET}}
    short = read_records(page_of(LIKE, *[like] * (PAGE_SIZE - 1), cursor="3k1"), BOB, LIKE)
    full = read_records(page_of(LIKE, *[like] * PAGE_SIZE, cursor="3k1"), BOB, LIKE)
    assert isinstance(short, RecordPage)
    assert isinstance(full, RecordPage)
    assert (short.next_cursor, full.next_cursor) == (None, "3k1")


# positions -----------------------------------------------------------------------------------------------


def records(*rkeys: str) -> list[RepoRecord]:
    return [RepoRecord(rkey, ()) for rkey in rkeys]


@pytest.mark.parametrize(
    "positions",
    [
        {},
        {LIKE: CollectionPosition("")},
        {LIKE: CollectionPosition("3k"), POST: CollectionPosition("3a", "3b", "3c")},
        {FOLLOW: CollectionPosition("odd.key~with:all-of_them", 'q"', "\\")},
    ],
)
def test_positions_survive_being_stored(positions: dict[str, CollectionPosition]) -> None:
    assert positions_of(cursor_of(positions)) == positions


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "yesterday",
        "[]",
        "null",
        '{"odd":["1"]}',
        f'{{"{LIKE}":[]}}',
        f'{{"{LIKE}":[1]}}',
        f'{{"{LIKE}":"1"}}',
    ],
)
def test_a_cursor_that_was_not_made_here_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        positions_of(cursor)


def test_a_complete_poll_goes_on_from_the_newest_key() -> None:
    assert CollectionPosition("3b").after(records("3d", "3c"), AT, complete=True) == CollectionPosition("3d")
    assert CollectionPosition("3b").after([], AT, complete=True) == CollectionPosition("3b")
    assert CollectionPosition().after([], AT, complete=True) == CollectionPosition("")


def test_a_poll_that_had_to_stop_goes_on_below_and_keeps_the_newest_key() -> None:
    stopped = CollectionPosition("3b").after(records("3h", "3g"), AT, complete=False)
    assert stopped == CollectionPosition("3b", "3g", "3h")
    assert stopped.after(records("3f", "3e"), AT, complete=False) == CollectionPosition("3b", "3e", "3h")
    assert stopped.after(records("3c"), AT, complete=True) == CollectionPosition("3h")


@pytest.mark.parametrize("ahead", ["zzzzzzzzzzzzz", "~", "3n3zzzzzzzzzz"])
def test_a_key_from_the_future_never_hides_what_comes_until_then(ahead: str) -> None:
    assert CollectionPosition("3b").after(
        records(ahead, "3n32rpicq322j"), AT, complete=True
    ) == CollectionPosition("3n32rpicq322j")


def test_a_recorded_key_is_as_old_as_its_record() -> None:
    made_at = second(3)
    known = CollectionPosition("3b")
    late = known.after(records("3n32rpicq322j"), made_at + timedelta(minutes=1), complete=True)
    early = known.after(records("3n32rpicq322j"), made_at - timedelta(minutes=10), complete=True)
    assert (late, early) == (CollectionPosition("3n32rpicq322j"), known)


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
    "item",
    [
        {"actor": NOBODY, "notFound": True},
        {"did": ALICE},
        {"did": ALICE, "followedBy": uri(FOLLOW, "1")},
        {"did": ALICE, "following": f"at://{CAROL}/{FOLLOW}/1"},
        {"did": ALICE, "following": uri(LIKE, "1")},
        {"did": "alice.test", "following": uri(FOLLOW, "1")},
        None,
    ],
)
def test_only_a_follow_of_the_asked_account_is_one(item: object) -> None:
    assert read_relationships(made(200, {"actor": BOB, "relationships": [item]}), BOB) == ()


@pytest.mark.parametrize(
    "body", [{}, {"actor": ALICE, "relationships": []}, {"actor": BOB, "relationships": {}}, []]
)
def test_relationships_of_somebody_else_are_a_fault(body: object) -> None:
    assert isinstance(read_relationships(made(200, body), BOB), WireFault)

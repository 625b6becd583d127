"""What records say that somebody did, page by page, and how far they have been read."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.simulator.repo_proof import car, proof, put
from collectors.bluesky.wire.dag_cbor import Cid, decode, decode_all, encode
from collectors.bluesky.wire.evidence import excerpt
from collectors.bluesky.wire.records import (
    COLLECTIONS,
    RecordPage,
    RepoRecord,
    read_records,
    read_relationships,
)
from collectors.bluesky.wire.repo_proof import read_proof
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from tests.support.samples.bluesky_answers import (
    ALICE,
    BOB,
    CAROL,
    made,
    recorded,
    recorded_json,
)

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


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=9)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_is_read_again(value: object) -> None:
    assert decode(encode(value)) == value
    assert decode_all(encode(value) * 2) == [value, value]


@given(st.binary(max_size=60))
def test_any_bytes_are_values_or_refused(data: bytes) -> None:
    try:
        decode_all(data)
    except ValueError:
        return


@pytest.mark.parametrize("value", [1.5, 2**64, {"a": object()}, "\ud800"])
def test_what_has_no_encoding_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        encode(value)


PATH = "app.bsky.feed.post/3k5"
RECORD = {
    "$type": "app.bsky.feed.post",
    "text": "a" * 300,
    "langs": ["en"],
    "createdAt": "2026-11-24T13:45:03Z",
}
THERE, NOT_THERE = proof(ALICE, PATH, RECORD), proof(ALICE, PATH, None)

REPO_PROOF_POST = "app.bsky.feed.post/"
AWAY = Cid(b"\x01\x71\x12\x20" + bytes(32))
"""The address of a block that was not sent."""


@dataclass(frozen=True)
class Node:
    """A part of a tree: what is left of all keys, and for each key how many letters it has of the one before,
    its others, and what is between it and the next.
    """

    left: "Node | Cid | None" = None
    keys: "tuple[tuple[int, str, Node | Cid | None], ...]" = ()


def put_tree(blocks: dict[Cid, bytes], tree: Node | Cid | None) -> Cid | None:
    if not isinstance(tree, Node):
        return tree
    value = put({}, RECORD)
    keys = [
        {"p": n, "k": rest.encode(), "v": value, "t": put_tree(blocks, right)} for n, rest, right in tree.keys
    ]
    return put(blocks, {"l": put_tree(blocks, tree.left), "e": keys})


def with_tree(tree: Node | Cid | dict[str, object], did: str = ALICE) -> bytes:
    """The proof with this tree, or with an object in its place."""
    blocks: dict[Cid, bytes] = {}
    root = put(blocks, tree) if isinstance(tree, dict) else put_tree(blocks, tree)
    return car(put(blocks, {"did": did, "version": 3, "data": root, "rev": "r", "sig": b"s"}), blocks)


def read(body: bytes) -> bool | WireFault | None:
    return read_proof(made(200, body), ALICE, PATH)


HERE = Node(None, ((0, PATH, None),))
BEFORE, AFTER = f"{REPO_PROOF_POST}3k4", f"{REPO_PROOF_POST}3k6"


@pytest.mark.parametrize(
    ("tree", "is_there"),
    [
        pytest.param(Node(), False, id="an empty tree"),
        pytest.param(
            Node(None, ((0, BEFORE, None), (len(REPO_PROOF_POST), "3k5", None))),
            True,
            id="keys leave out what they share with the one before",
        ),
        pytest.param(
            Node(AWAY, ((0, BEFORE, HERE), (len(REPO_PROOF_POST), "3k6", AWAY))), True, id="between two keys"
        ),
        pytest.param(
            Node(AWAY, ((0, BEFORE, Node()), (len(REPO_PROOF_POST), "3k6", AWAY))),
            False,
            id="an empty place between two",
        ),
        pytest.param(Node(HERE, ((0, AFTER, AWAY),)), True, id="left of all"),
        pytest.param(Node(None, ((0, AFTER, AWAY),)), False, id="nothing is left of all"),
        pytest.param(Node(AWAY, ((0, BEFORE, HERE),)), True, id="right of all"),
        pytest.param(Node(AWAY, ((0, BEFORE, None),)), False, id="nothing is right of all"),
        pytest.param(Node(None, ((0, f"{PATH}x", None),)), False, id="a longer key is another"),
    ],
)
def test_the_tree_is_followed_to_the_place_of_the_key(tree: Node, is_there: bool) -> None:
    assert read(with_tree(tree)) is is_there


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b'{"error":"x"}', id="JSON"),
        pytest.param(proof(BOB, PATH, None), id="the repository of somebody else"),
        pytest.param(with_tree(AWAY), id="the tree was not sent"),
        pytest.param(with_tree(Node(None, ((0, BEFORE, AWAY),))), id="the part with the key was not sent"),
        pytest.param(with_tree({"l": None}), id="a node without entries"),
        pytest.param(with_tree({"l": 7, "e": []}), id="a link that is none"),
        pytest.param(with_tree({"e": []}), id="a node without its left side"),
        pytest.param(
            with_tree({"l": None, "e": [{"p": 9, "k": b"a", "t": None}]}), id="more than the key before"
        ),
        pytest.param(with_tree({"l": None, "e": [{"p": 0, "k": "a", "t": None}]}), id="a key as text"),
        pytest.param(car(put({}, {}), {}), id="the commit was not sent"),
        pytest.param(THERE + b"\x01", id="more than the file has"),
        pytest.param(THERE.replace(b"3k5", b"3k6"), id="a block that is not what its address says"),
        pytest.param(b"\x80" * 20, id="a length without end"),
        pytest.param(b"\x0a" + b"\x81" * 10, id="lists in lists"),
        pytest.param(b"\x7f" + b"\x81" * 127, id="lists in lists without end"),
        pytest.param(b"\x09\x9b" + b"\xff" * 8, id="a list of more items than there are bytes"),
        pytest.param(b"\x09\xbb" + b"\xff" * 8, id="an object of more"),
    ],
)
def test_what_is_no_proof_proves_nothing(body: bytes) -> None:
    said = read(body)
    assert isinstance(said, WireFault)
    assert said.reason is MissedReason.MALFORMED


@given(st.sampled_from([THERE, NOT_THERE]), st.data())
def test_a_proof_that_was_cut_proves_nothing_and_a_changed_one_never_the_contrary(
    body: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(body) - 1))
    assert isinstance(read(body[:at]), WireFault)
    changed = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    assert isinstance(said := read(changed), WireFault) or said is (body is THERE)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(body: bytes) -> None:
    read(body)


def test_evidence_of_a_did_document_names_the_server_that_was_believed() -> None:
    about = excerpt(recorded("plc_document__active"), [ALICE])[ALICE]
    assert about == {
        key: recorded_json("plc_document__active")[key] for key in ("id", "alsoKnownAs", "service")
    }


def test_evidence_of_the_list_of_a_labeler_keeps_the_rows_about_one_account() -> None:
    (row,) = recorded_json("query_labels__moderation_takedown_reversed")["labels"]
    about = excerpt(recorded("query_labels__moderation_takedown_reversed"), [ALICE, CAROL])
    assert about == {ALICE: {"labels": [{key: row[key] for key in ("src", "uri", "val", "cts", "neg")}]}}


def test_evidence_of_a_did_web_is_found_by_its_address() -> None:
    answer = made(200, {"id": "did:web:a.example%3A8443"}, url="https://a.example:8443/.well-known/did.json")
    assert list(excerpt(answer, ["did:web:a.example%3A8443"])) == ["did:web:a.example%3A8443"]

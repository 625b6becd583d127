"""Whether a repository has a record, by the blocks that its server sends."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.simulator.repo_proof import car, proof, put
from collectors.bluesky.wire.dag_cbor import Cid
from collectors.bluesky.wire.repo_proof import read_proof
from collectors.core.wire import WireFault
from storage.model.core.availability import MissedReason
from tests.support.samples.bluesky_answers import ALICE, BOB, made

PATH = "app.bsky.feed.post/3k5"
RECORD = {
    "$type": "app.bsky.feed.post",
    "text": "a" * 300,
    "langs": ["en"],
    "createdAt": "2026-11-24T13:45:03Z",
}
THERE, NOT_THERE = proof(ALICE, PATH, RECORD), proof(ALICE, PATH, None)

POST = "app.bsky.feed.post/"
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
BEFORE, AFTER = f"{POST}3k4", f"{POST}3k6"


@pytest.mark.parametrize(
    ("tree", "is_there"),
    [
        pytest.param(Node(), False, id="an empty tree"),
        pytest.param(
            Node(None, ((0, BEFORE, None), (len(POST), "3k5", None))),
            True,
            id="keys leave out what they share with the one before",
        ),
        pytest.param(Node(AWAY, ((0, BEFORE, HERE), (len(POST), "3k6", AWAY))), True, id="between two keys"),
        pytest.param(
            Node(AWAY, ((0, BEFORE, Node()), (len(POST), "3k6", AWAY))),
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

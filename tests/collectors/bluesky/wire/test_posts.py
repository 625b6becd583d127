"""What the answers about posts say, row by row."""

from typing import Any

import pytest

from collectors.bluesky.wire.identity import DidDocument, NoDid
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.posts import (
    no_server,
    not_served,
    read_posts,
    unusable,
)
from collectors.core.wire import WireFault
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Strength
from tests.support.samples.bluesky_answers import (
    AT,
    BOB,
    CAROL,
    HEARD,
    LABEL,
    OTHER_REGION,
    TWO_REGIONS,
    made,
)
from tests.support.samples.readings import NOT_FOUND
from tests.support.simulated.scripted_bluesky import shown, shown_post

POST = f"at://{CAROL}/app.bsky.feed.post/3k5"
OF_POST = {**LABEL, "uri": POST}
R = MissedReason


def one(*labels: Any, of_author: tuple[Any, ...] = (), **parts: Any) -> dict[str, Any]:
    """The post as the app shows it, with these labels on it and on its author."""
    author = shown(CAROL, "carol.test", labels=list(of_author))
    return shown_post(POST, author=author, labels=list(labels)) | parts


def read(
    *items: Any, heard: str = f"{HEARD},{OTHER_REGION}", labelers: Labelers = TWO_REGIONS
) -> Reading | Missed:
    """What an answer with these items says of the post."""
    said = read_posts(made(200, {"posts": list(items)}, heard), [POST], labelers)
    (found,) = (*said.readings, *said.missed)
    return found


# what the app shows --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        pytest.param([one(author=shown(BOB))], R.MALFORMED, id="of another author"),
        pytest.param([one(author=None)], R.MALFORMED, id="of nobody"),
        pytest.param(
            [one(author=shown(CAROL, "no handle"))], R.MALFORMED, id="of an author without a handle"
        ),
        pytest.param([one(record=None)], R.MALFORMED, id="without its record"),
        pytest.param([one(labels="!hide")], R.MALFORMED, id="labels that are no list"),
        pytest.param(
            [one(author=shown(CAROL, labels=7))], R.MALFORMED, id="labels of the author that are none"
        ),
        pytest.param([one({**OF_POST, "exp": "soon"})], R.MALFORMED, id="a label that cannot be read"),
        pytest.param([one(OF_POST, {**OF_POST, "neg": True})], R.CONTRADICTORY, id="given and withdrawn"),
        pytest.param([one(), one(OF_POST)], R.CONTRADICTORY, id="twice, with other labels"),
        pytest.param(
            [{"uri": POST, "notFound": True, "$type": "app.bsky.feed.defs#notFoundPost"}],
            R.MALFORMED,
            id="a view that says of itself that it is none",
        ),
        pytest.param(
            [{"uri": POST, "blocked": True, "author": {"did": CAROL}}],
            R.MALFORMED,
            id="a view of a blocked post",
        ),
        pytest.param(
            [{k: v for k, v in one().items() if k != "labels"}], R.UNHEARD, id="labels with the author only"
        ),
        pytest.param(
            [one(author={"did": CAROL, "handle": "carol.test"})], R.UNHEARD, id="labels with the post only"
        ),
    ],
)
def test_what_is_not_plainly_stated_is_missed(items: list[Any], reason: MissedReason) -> None:
    said = read(*items)
    assert isinstance(said, Missed)
    assert (said.native_id, said.reason) == (POST, reason)


# what it leaves out --------------------------------------------------------------------------------------


def author(state: State, *flags: Flag, strength: Strength = Strength.STRONG) -> Reading:
    return Reading(CAROL, AT, state, strength, "carol.test", frozenset(flags))


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        pytest.param(
            NoDid.TOMBSTONED, R.UNCLASSIFIED, id="the DID was given up while the app shows the author"
        ),
        pytest.param(DidDocument(None, None), R.UNCLASSIFIED, id="no server is named"),
        pytest.param(WireFault(R.NETWORK, "cut"), R.NETWORK, id="the directory does not answer"),
    ],
)
def test_a_post_of_which_no_server_can_be_asked_is_missed(
    identity: DidDocument | NoDid | WireFault, reason: MissedReason
) -> None:
    assert no_server(POST, identity, AT).reason is reason


def test_a_record_is_deleted_only_if_its_repository_is_proven_not_to_have_it() -> None:
    assert not_served(POST, False, AT) == Reading(
        POST, AT, NOT_FOUND, Strength.WEAK, flags=frozenset({Flag.DELETED})
    )
    assert not_served(POST, None, AT) == Reading(POST, AT, NOT_FOUND, Strength.WEAK)
    assert not_served(POST, WireFault(R.NETWORK, "cut"), AT) == unusable(
        POST, WireFault(R.NETWORK, "cut"), AT
    )


# names ---------------------------------------------------------------------------------------------------

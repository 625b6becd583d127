"""What the answers about posts say, row by row."""

from typing import Any

import pytest

from collectors.bluesky.wire.identity import DidDocument, NoDid, post_named
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.posts import (
    no_server,
    not_served,
    read_posts,
    read_record,
    served,
    unusable,
    with_author,
)
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
from tests.support.samples.bluesky_answers import (
    ALICE,
    AT,
    BOB,
    CAROL,
    HEARD,
    LABEL,
    LABELERS,
    MAIN,
    OTHER_REGION,
    TWO_REGIONS,
    made,
    refusal,
)
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED
from tests.support.simulated.scripted_bluesky import shown, shown_post

POST = f"at://{CAROL}/app.bsky.feed.post/3k5"
OTHER = f"at://{CAROL}/app.bsky.feed.post/3k6"
OF_POST = {**LABEL, "uri": POST}
IN_TR, IN_BOTH = State(Status.WITHHELD, ("TR",)), State(Status.WITHHELD, ("DE", "TR"))
NONE = frozenset[Flag]()
SHARED = frozenset({Flag.WITH_AUTHOR})
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
    ("item", "state", "flags"),
    [
        pytest.param(one(), AVAILABLE, NONE, id="served"),
        pytest.param(one(OF_POST), IN_TR, NONE, id="labelled by the labeler of a region"),
        pytest.param(
            one(of_author=(LABEL,)), IN_TR, SHARED, id="its author is labelled, and so all posts are"
        ),
        pytest.param(one(OF_POST, of_author=(LABEL,)), IN_TR, NONE, id="both are: it is its own too"),
        pytest.param(
            one({**OF_POST, "src": OTHER_REGION}, of_author=(LABEL,)),
            IN_BOTH,
            NONE,
            id="each in another country",
        ),
        pytest.param(one(LABEL), AVAILABLE, NONE, id="a label of the author among those of the post"),
        pytest.param(one(of_author=(OF_POST,)), AVAILABLE, NONE, id="and of the post among the author's"),
        pytest.param(one({**LABEL, "uri": OTHER}), AVAILABLE, NONE, id="a label of another post"),
        pytest.param(
            one(of_author=({**LABEL, "uri": f"at://{CAROL}/app.bsky.actor.profile/self"},)),
            AVAILABLE,
            NONE,
            id="a label of the author's profile keeps nobody from the account",
        ),
        pytest.param(one({**OF_POST, "neg": True}), AVAILABLE, NONE, id="a label that was withdrawn"),
        pytest.param(one({**OF_POST, "exp": "2026-11-24T13:59:00Z"}), AVAILABLE, NONE, id="one that expired"),
        pytest.param(one({**OF_POST, "val": "spam"}), AVAILABLE, NONE, id="one that restricts nobody"),
        pytest.param(one({**OF_POST, "src": MAIN}), AVAILABLE, NONE, id="one of the main labeler"),
        pytest.param(one({**OF_POST, "src": CAROL}), AVAILABLE, NONE, id="one of the author's own"),
        pytest.param(one({**OF_POST, "cid": "bafyother"}), IN_TR, NONE, id="one on a version of the post"),
        pytest.param(
            one(of_author=({"src": CAROL, "uri": CAROL, "val": "!no-unauthenticated"},)),
            AVAILABLE,
            frozenset({Flag.NO_UNAUTHENTICATED}),
            id="the author asks for signed-in readers",
        ),
    ],
)
def test_a_post_is_withheld_where_it_is_labelled_or_its_author_is(
    item: dict[str, Any], state: State, flags: frozenset[Flag]
) -> None:
    said = read(item)
    assert isinstance(said, Reading)
    assert (said.state, said.flags, said.strength) == (state, flags, Strength.STRONG)
    assert (said.handle, said.silent_on) == ("carol.test/3k5", frozenset())


def test_an_author_whose_handle_leads_nowhere_gives_the_post_no_handle() -> None:
    said = read(one(author=shown(CAROL, "handle.invalid")))
    assert isinstance(said, Reading)
    assert (said.handle, said.flags) == (None, {Flag.HANDLE_INVALID})


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


def test_a_labeler_that_was_not_heard_leaves_its_country_open() -> None:
    said = read(one(), heard=HEARD)
    assert isinstance(said, Reading)
    assert said.silent_on == {"DE"}
    without = {k: v for k, v in one(author={"did": CAROL, "handle": "carol.test"}).items() if k != "labels"}
    silent = read(without)
    assert isinstance(silent, Reading)
    assert silent.silent_on == {"DE", "TR"}


def test_a_labeler_whose_label_is_on_an_author_was_heard() -> None:
    said = read(one(of_author=(LABEL,)), heard=MAIN)
    assert isinstance(said, Reading)
    assert (said.state, said.silent_on) == (IN_TR, {"DE"})


def test_a_post_that_is_not_in_the_answer_is_still_to_be_asked_for() -> None:
    stranger = shown_post(f"at://{BOB}/app.bsky.feed.post/3k5")
    said = read_posts(made(200, {"posts": [one(), stranger, 7, {}]}, HEARD), [POST, OTHER, POST], LABELERS)
    assert [r.native_id for r in said.readings] == [POST]
    assert (said.missed, said.missing, said.fault) == ((), (OTHER,), None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(made(200, {"profiles": []}), R.MALFORMED, id="profiles"),
        pytest.param(made(200, {"posts": {}}), R.MALFORMED, id="no list"),
        pytest.param(made(200, b"<html>"), R.MALFORMED, id="HTML"),
        pytest.param(made(400, {"error": "InvalidRequest", "message": "no"}), R.BAD_REQUEST, id="refused"),
        pytest.param(made(503, b""), R.UPSTREAM, id="503"),
        pytest.param(made(429, b""), R.RATE_LIMITED, id="429"),
    ],
)
def test_an_answer_that_is_none_misses_all(answer: Exchange, reason: MissedReason) -> None:
    said = read_posts(answer, [POST, OTHER], LABELERS)
    assert [(m.native_id, m.reason) for m in said.missed] == [(POST, reason), (OTHER, reason)]
    assert said.fault is not None


# what it leaves out --------------------------------------------------------------------------------------


def author(state: State, *flags: Flag, strength: Strength = Strength.STRONG) -> Reading:
    return Reading(CAROL, AT, state, strength, "carol.test", frozenset(flags))


@pytest.mark.parametrize(
    "of_author",
    [
        pytest.param(author(SUSPENDED, Flag.HOST), id="taken down by their server"),
        pytest.param(author(SUSPENDED, Flag.APP_VIEW_ONLY), id="taken down in the app only"),
        pytest.param(author(SUSPENDED, Flag.SCOPE_UNANSWERED), id="taken down, by whom is open"),
        pytest.param(author(State(Status.DEACTIVATED)), id="deactivated"),
        pytest.param(author(NOT_FOUND, Flag.DELETED, strength=Strength.WEAK), id="deleted"),
        pytest.param(author(NOT_FOUND, strength=Strength.WEAK), id="never there"),
    ],
)
def test_a_post_of_an_author_who_is_gone_is_gone_with_them(of_author: Reading) -> None:
    said = with_author(POST, of_author)
    assert isinstance(said, Reading)
    assert (said.native_id, said.state, said.strength) == (POST, of_author.state, of_author.strength)
    assert (said.flags, said.handle) == (of_author.flags | {Flag.WITH_AUTHOR}, None)


def test_an_author_who_is_missed_leaves_their_posts_missed() -> None:
    said = with_author(POST, Missed(CAROL, AT, R.NETWORK, "cut"))
    assert said == Missed(POST, AT, R.NETWORK, "the author of the post: cut")


@pytest.mark.parametrize("state", [AVAILABLE, IN_TR])
def test_an_author_who_is_shown_does_not_say_why_their_post_is_missing(state: State) -> None:
    assert with_author(POST, author(state)) is None


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


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(made(200, {"uri": POST, "cid": "b", "value": {"text": ""}}), True, id="served"),
        pytest.param(refusal("RecordNotFound", "Could not locate record"), False, id="not there"),
        pytest.param(
            refusal("InvalidRequest", f"Could not locate record: {POST}"),
            False,
            id="in the words of an older server",
        ),
        pytest.param(
            refusal("InvalidRequest", f"Could not locate record: {OTHER}"),
            R.BAD_REQUEST,
            id="of another record",
        ),
        pytest.param(
            refusal("InvalidRequest", "Could not find repo: x"), R.BAD_REQUEST, id="no such repository"
        ),
        pytest.param(refusal("RepoNotFound"), R.UNCLASSIFIED, id="no such repository, by name"),
        pytest.param(
            refusal("RepoTakendown"), R.UNCLASSIFIED, id="the app shows whom their server took down"
        ),
        pytest.param(made(200, {"uri": OTHER, "value": {}}), R.MALFORMED, id="another record"),
        pytest.param(made(200, {"uri": POST}), R.MALFORMED, id="no record"),
        pytest.param(made(200, b"null"), R.MALFORMED, id="null"),
        pytest.param(made(404, {"error": "RecordNotFound"}), R.UPSTREAM, id="errors are never a 404"),
        pytest.param(made(503, b""), R.UPSTREAM, id="503"),
    ],
)
def test_whether_the_server_of_the_author_serves_the_record(
    answer: Exchange, says: bool | MissedReason
) -> None:
    said = read_record(answer, POST)
    assert (said.reason if isinstance(said, WireFault) else said) is says


def test_a_record_that_is_held_and_not_served_was_taken_down_by_its_server() -> None:
    assert not_served(POST, True, AT) == Reading(
        POST, AT, SUSPENDED, Strength.STRONG, flags=frozenset({Flag.HOST})
    )


def test_a_record_is_deleted_only_if_its_repository_is_proven_not_to_have_it() -> None:
    assert not_served(POST, False, AT) == Reading(
        POST, AT, NOT_FOUND, Strength.WEAK, flags=frozenset({Flag.DELETED})
    )
    assert not_served(POST, None, AT) == Reading(POST, AT, NOT_FOUND, Strength.WEAK)
    assert not_served(POST, WireFault(R.NETWORK, "cut"), AT) == unusable(
        POST, WireFault(R.NETWORK, "cut"), AT
    )


@pytest.mark.parametrize(
    ("taken_down", "says"),
    [
        pytest.param(frozenset({POST, OTHER}), SUSPENDED, id="listed"),
        pytest.param(frozenset({OTHER}), R.CONTRADICTORY, id="another is listed"),
        pytest.param(
            frozenset({CAROL}), R.CONTRADICTORY, id="its author is listed, and the app shows the author"
        ),
        pytest.param(frozenset[str](), R.CONTRADICTORY, id="nothing is listed"),
        pytest.param(None, R.CONTRADICTORY, id="the labeler proves nothing"),
    ],
)
def test_a_post_that_is_served_and_not_shown_is_taken_down_only_if_the_labeler_says_so(
    taken_down: frozenset[str] | None, says: State | MissedReason
) -> None:
    said = served(POST, taken_down, AT)
    if isinstance(said, Missed):
        assert said.reason is says
    else:
        assert (said.state, said.strength, said.flags) == (says, Strength.STRONG, {Flag.APP_VIEW_ONLY})


# names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("alice.test/3k5", ("alice.test", "3k5"), id="by handle"),
        pytest.param(f"{ALICE}/3k5", (ALICE, "3k5"), id="by DID"),
        pytest.param(f"at://{ALICE}/app.bsky.feed.post/3k5", (ALICE, "3k5"), id="an at-uri"),
        pytest.param("at://alice.test/app.bsky.feed.post/3k5", ("alice.test", "3k5"), id="one with a handle"),
        pytest.param(f"at://{ALICE}/app.bsky.feed.like/3k5", None, id="a like"),
        pytest.param(f"at://{ALICE}", None, id="an account"),
        pytest.param("alice.test", None, id="a handle"),
        pytest.param("https://bsky.app/profile/alice.test", None, id="a page"),
        pytest.param("alice.test/3k5/likes", None, id="more than that"),
        pytest.param("alice.test/", None, id="no key"),
        pytest.param("alice.test/..", None, id="two dots are no key"),
        pytest.param(f"at://{ALICE}/app.bsky.feed.post/.", None, id="one dot is none"),
    ],
)
def test_a_post_is_named_by_its_author_and_key(text: str, found: tuple[str, str] | None) -> None:
    assert post_named(text) == found

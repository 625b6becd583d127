"""What the answers of Bluesky prove about each account, row by row of the classification."""

from typing import Any

import pytest

from collectors.bluesky.wire.errors import Absence
from collectors.bluesky.wire.identity import DidDocument, NoDid, read_document
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.posts import (
    no_server,
    read_posts,
)
from collectors.bluesky.wire.profiles import (
    read_profile,
    read_public_profiles,
    read_repo_status,
    verdict,
)
from collectors.core.abilities import PublicProfile
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
from tests.support.samples.bluesky_answers import (
    ALICE,
    AT,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    FRANK,
    GINA,
    HANK,
    HEARD,
    IRIS,
    LABEL,
    LABELERS,
    NOBODY,
    OTHER_REGION,
    PROFILE,
    TWO_REGIONS,
    made,
    recorded,
)
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED
from tests.support.simulated.scripted_bluesky import shown, shown_post

DEACTIVATED = State(Status.DEACTIVATED)
NETWORK = WireFault(MissedReason.NETWORK, "no answer in time")
R = MissedReason


def became_of(
    did: str,
    shown: Exchange,
    directory: Exchange | WireFault | None = None,
    server: Exchange | WireFault | None = None,
) -> Reading | Missed:
    """What the answers of the app, of the directory of DIDs and of the account's server make together."""
    said = read_profile(shown, did, LABELERS)
    if not isinstance(said, Absence):
        return said
    identity = read_document(directory, did) if isinstance(directory, Exchange) else directory
    repo = read_repo_status(server, did) if isinstance(server, Exchange) else server
    return verdict(did, said, identity, repo, shown)


@pytest.mark.parametrize(
    ("did", "answers", "state", "strength", "flags"),
    [
        pytest.param(ALICE, ("get_profile__active",), AVAILABLE, "strong", "", id="a profile is available"),
        pytest.param(
            GINA,
            ("get_profile__no_profile_record",),
            AVAILABLE,
            "strong",
            "",
            id="no profile record is needed",
        ),
        pytest.param(
            HANK,
            ("get_profile__handle_invalid",),
            AVAILABLE,
            "strong",
            "handle_invalid",
            id="a handle that leads nowhere is a flag, no takedown",
        ),
        pytest.param(
            BOB,
            ("get_profile__no_unauthenticated",),
            AVAILABLE,
            "strong",
            "no_unauthenticated",
            id="who asks for signed-in readers is available: Bluesky protects nobody",
        ),
        pytest.param(FRANK, ("get_profile__renamed",), AVAILABLE, "strong", "", id="renamed is available"),
        pytest.param(
            ALICE,
            ("get_profile__taken_down", "plc_document__active", "get_repo_status__taken_down"),
            SUSPENDED,
            "strong",
            "host",
            id="taken down by its server",
        ),
        pytest.param(
            ALICE,
            (
                "get_profile__moderation_takedown",
                "plc_document__active",
                "get_repo_status__moderation_takedown",
            ),
            SUSPENDED,
            "strong",
            "host",
            id="taken down by Bluesky's moderation, which its server carries out",
        ),
        pytest.param(
            ALICE,
            ("get_profile__taken_down", "plc_document__active", "get_repo_status__active"),
            SUSPENDED,
            "strong",
            "app_view_only",
            id="its server says active: taken down in the app only",
        ),
        pytest.param(
            ALICE,
            ("get_profile__taken_down_by_handle", None, None),
            SUSPENDED,
            "strong",
            "scope_unknown",
            id="a takedown stands without a word of its server",
        ),
        pytest.param(
            ERIN,
            ("get_profile__taken_down", "plc_document__deleted", "get_repo_status__deleted"),
            SUSPENDED,
            "strong",
            "scope_unknown",
            id="taken down and no longer held: by whom is not said",
        ),
        pytest.param(
            IRIS,
            ("get_profile__taken_down", "plc_document__tombstoned", None),
            SUSPENDED,
            "strong",
            "scope_unknown",
            id="a takedown stands although the DID was given up",
        ),
        pytest.param(
            DAVE, ("get_profile__deactivated", None, None), DEACTIVATED, "strong", "", id="deactivated"
        ),
        pytest.param(
            ERIN,
            ("get_profile__deleted", "plc_document__deleted", "get_repo_status__deleted"),
            NOT_FOUND,
            "weak",
            "deleted",
            id="not shown, not held, and still in the directory: deleted",
        ),
        pytest.param(
            IRIS,
            ("get_profile__self_deleted", "plc_document__tombstoned", None),
            NOT_FOUND,
            "weak",
            "deleted",
            id="not shown, and the DID given up: deleted",
        ),
        pytest.param(
            NOBODY,
            ("get_profile__unknown_did", "plc_document__unknown_did", None),
            NOT_FOUND,
            "weak",
            "",
            id="not shown, and never registered: not found",
        ),
    ],
)
def test_recorded_answers_are_read_as_what_they_state(
    did: str, answers: tuple[str | None, ...], state: State, strength: str, flags: str
) -> None:
    shown, directory, server = (recorded(name) if name else None for name in (*answers, None, None)[:3])
    assert shown is not None
    said = became_of(did, shown, directory, server)
    assert isinstance(said, Reading)
    assert (said.state, said.strength) == (state, Strength(strength))
    assert said.flags == frozenset(map(Flag, flags.split()))
    assert (said.native_id, said.at) == (did, AT)


# batches -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param({}, PublicProfile(CAROL, "carol.test", 1_200), id="as documented"),
        pytest.param({"handle": "handle.invalid"}, PublicProfile(CAROL, None, 1_200), id="no valid handle"),
        pytest.param({"handle": ["carol.test"]}, PublicProfile(CAROL, None, 1_200), id="no text"),
        pytest.param({"followersCount": None}, PublicProfile(CAROL, "carol.test", None), id="no number"),
        pytest.param({"followersCount": True}, PublicProfile(CAROL, "carol.test", None), id="true"),
        pytest.param({"followersCount": -1}, PublicProfile(CAROL, "carol.test", None), id="negative"),
        pytest.param({"followersCount": 10**20}, PublicProfile(CAROL, "carol.test", None), id="too large"),
        pytest.param({"did": BOB}, None, id="somebody else"),
        pytest.param({"did": None}, None, id="nobody"),
    ],
)
def test_a_public_profile_says_who_an_account_is(
    item: dict[str, object], expected: PublicProfile | None
) -> None:
    answer = made(200, {"profiles": [{**PROFILE, "followersCount": 1_200, **item}]})
    assert read_public_profiles(answer, [CAROL]) == (() if expected is None else (expected,))


POST = f"at://{CAROL}/app.bsky.feed.post/3k5"
OF_POST = {**LABEL, "uri": POST}


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
def test_what_is_not_plainly_stated_of_a_post_is_missed(items: list[Any], reason: MissedReason) -> None:
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


# names ---------------------------------------------------------------------------------------------------

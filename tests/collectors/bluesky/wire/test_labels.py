"""What the labels of regional labelers say, and of which regions an answer says nothing."""

import pytest

from collectors.bluesky.wire.errors import Absence
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.profiles import read_profile, read_profiles
from collectors.core.collector import Exchange
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
from tests.support.samples.bluesky_answers import (
    ALICE,
    AT,
    CAROL,
    DAVE,
    HANK,
    HEARD,
    LABEL,
    LABELERS,
    MAIN,
    NOBODY,
    OTHER_REGION,
    PROFILE,
    REGION,
    TWO_REGIONS,
    made,
    profile,
    recorded,
)
from tests.support.samples.readings import AVAILABLE

IN_TR = State(Status.WITHHELD, ("TR",))
R = MissedReason


def of_labels(answer: Exchange, labelers: Labelers = TWO_REGIONS) -> Reading | Missed | Absence:
    return read_profile(answer, CAROL, labelers)


def test_the_labels_of_a_region_withhold_there_and_nowhere_else() -> None:
    answer = recorded("get_profiles__labels_region")
    carol, dave, alice = read_profiles(answer, [CAROL, DAVE, ALICE], LABELERS).readings
    assert (carol.state, carol.handle, carol.silent_on) == (IN_TR, "carol.test", frozenset())
    assert (dave.state, alice.state) == (IN_TR, AVAILABLE)


@pytest.mark.parametrize(
    ("name", "silent"),
    [
        pytest.param("get_profiles__labels_default", {"TR", "DE"}, id="nobody was asked to speak"),
        pytest.param(
            "get_profiles__labels_unknown_labeler", {"TR", "DE"}, id="an unknown one is passed over"
        ),
        pytest.param("get_profiles__labels_region", {"DE"}, id="one of two was heard"),
    ],
)
def test_a_region_whose_labeler_was_not_heard_is_silent_not_free(name: str, silent: set[str]) -> None:
    for reading in read_profiles(recorded(name), [CAROL, DAVE, ALICE], TWO_REGIONS).readings:
        assert reading.silent_on == silent


@pytest.mark.parametrize(
    ("labels", "state"),
    [
        pytest.param([], AVAILABLE, id="no label"),
        pytest.param([LABEL], IN_TR, id="!hide"),
        pytest.param([{**LABEL, "val": "!takedown"}], IN_TR, id="!takedown of a region"),
        pytest.param([{**LABEL, "val": "!warn"}], IN_TR, id="!warn"),
        pytest.param([{**LABEL, "val": "spam"}], AVAILABLE, id="a label that does not withhold"),
        pytest.param([{**LABEL, "neg": True}], AVAILABLE, id="withdrawn"),
        pytest.param([{**LABEL, "neg": False}], IN_TR, id="not withdrawn"),
        pytest.param([{**LABEL, "exp": "2026-11-24T13:59:59Z"}], AVAILABLE, id="expired"),
        pytest.param([{**LABEL, "exp": AT.isoformat()}], AVAILABLE, id="expires now"),
        pytest.param([{**LABEL, "exp": "2026-11-24T14:00:01Z"}], IN_TR, id="expires soon"),
        pytest.param([{**LABEL, "uri": ALICE}], AVAILABLE, id="on another account"),
        pytest.param(
            [{**LABEL, "uri": f"at://{CAROL}/app.bsky.actor.profile/self"}],
            AVAILABLE,
            id="on the profile record",
        ),
        pytest.param([{**LABEL, "uri": f"at://{CAROL}/app.bsky.feed.post/3k"}], AVAILABLE, id="on a post"),
        pytest.param([{**LABEL, "src": MAIN}], AVAILABLE, id="of the main labeler"),
        pytest.param([{**LABEL, "src": NOBODY}], AVAILABLE, id="of a stranger"),
        pytest.param([{**LABEL, "src": NOBODY, "val": 3}], AVAILABLE, id="an odd label of a stranger"),
        pytest.param(
            [LABEL, {**LABEL, "src": OTHER_REGION}], State(Status.WITHHELD, ("DE", "TR")), id="of two regions"
        ),
        pytest.param([LABEL, {**LABEL, "val": "!warn"}], IN_TR, id="two labels of one region"),
    ],
)
def test_only_a_lasting_label_on_the_account_by_the_regions_own_labeler_withholds(
    labels: list[object], state: State
) -> None:
    said = of_labels(profile(labels))
    assert isinstance(said, Reading)
    assert (said.state, said.strength) == (state, Strength.STRONG)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        pytest.param("none", R.MALFORMED, id="no array"),
        pytest.param({}, R.MALFORMED, id="an object"),
        pytest.param(None, R.MALFORMED, id="null"),
        pytest.param([None], R.MALFORMED, id="a label that is null"),
        pytest.param([{**LABEL, "src": None}], R.MALFORMED, id="a label of nobody"),
        pytest.param([{**LABEL, "val": None}], R.MALFORMED, id="no value"),
        pytest.param([{**LABEL, "uri": None}], R.MALFORMED, id="on nothing"),
        pytest.param([{**LABEL, "neg": "yes"}], R.MALFORMED, id="neg is text"),
        pytest.param([{**LABEL, "neg": [1]}], R.MALFORMED, id="neg is an array"),
        pytest.param([{**LABEL, "exp": "soon"}], R.MALFORMED, id="exp is no time"),
        pytest.param([{**LABEL, "exp": "2026-11-24T14:00:01"}], R.MALFORMED, id="exp without a time zone"),
        pytest.param([{**LABEL, "exp": 5}], R.MALFORMED, id="exp is a number"),
        pytest.param([LABEL, {**LABEL, "neg": True}], R.CONTRADICTORY, id="given and withdrawn"),
    ],
)
def test_labels_that_cannot_be_read_are_not_called_no_labels(labels: object, reason: MissedReason) -> None:
    said = of_labels(profile(labels))
    assert isinstance(said, Missed)
    assert said.reason is reason


def test_an_account_without_the_field_for_labels_is_available_and_silent_on_every_region() -> None:
    said = of_labels(made(200, {"did": CAROL, "handle": "carol.test"}, HEARD))
    assert isinstance(said, Reading)
    assert (said.state, said.silent_on) == (AVAILABLE, {"TR", "DE"})


def test_a_label_speaks_for_its_region_although_the_header_does_not_name_its_labeler() -> None:
    said = of_labels(profile([LABEL], heard=None))
    assert isinstance(said, Reading)
    assert (said.state, said.silent_on) == (IN_TR, {"DE"})


def test_a_label_that_is_shown_of_one_account_proves_that_its_labeler_was_heard_about_all() -> None:
    items = [{**PROFILE, "labels": [LABEL]}, {**PROFILE, "did": ALICE}]
    carol, alice = read_profiles(made(200, {"profiles": items}), [CAROL, ALICE], TWO_REGIONS).readings
    assert (carol.state, alice.state) == (IN_TR, AVAILABLE)
    assert carol.silent_on == alice.silent_on == {"DE"}


def test_an_account_without_labels_beside_others_that_have_theirs_is_missed() -> None:
    items = [PROFILE, {"did": ALICE, "handle": "alice.test"}]
    said = read_profiles(made(200, {"profiles": items}, HEARD), [CAROL, ALICE], LABELERS)
    assert [(r.native_id, r.silent_on) for r in said.readings] == [(CAROL, frozenset())]
    assert [(m.native_id, m.reason) for m in said.missed] == [(ALICE, R.UNHEARD)]


@pytest.mark.parametrize("uri", [CAROL, f"at://{CAROL}/app.bsky.actor.profile/self"])
@pytest.mark.parametrize(
    ("parts", "asks"), [({}, True), ({"neg": True}, False), ({"src": ALICE}, False), ({"val": "x"}, False)]
)
def test_only_the_owner_can_ask_for_signed_in_readers(uri: str, parts: dict[str, object], asks: bool) -> None:
    said = of_labels(profile([{"src": CAROL, "uri": uri, "val": "!no-unauthenticated", **parts}]))
    assert isinstance(said, Reading)
    assert said.flags == (frozenset({Flag.NO_UNAUTHENTICATED}) if asks else frozenset())


def test_a_handle_that_is_not_valid_any_more_is_not_taken_for_the_handle() -> None:
    said = read_profile(recorded("get_profile__handle_invalid"), HANK, LABELERS)
    assert isinstance(said, Reading)
    assert said.handle is None


def test_the_header_repeats_the_main_labeler_and_never_lets_a_region_redact() -> None:
    assert TWO_REGIONS.accept_header == f"{MAIN};redact, {REGION}, {OTHER_REGION}"


@pytest.mark.parametrize(
    ("main", "regions", "sentence"),
    [
        (MAIN, {"TR": MAIN}, "the main labeler cannot also be"),
        (MAIN, {"tr": REGION}, "'tr' is not a country code"),
        (MAIN, {"TR": "mod-tr.bsky.app"}, "'mod-tr.bsky.app' is not the DID"),
        (f"{MAIN}, {REGION};redact", {}, "is not the DID"),
    ],
)
def test_labelers_that_cannot_be_asked_are_refused(main: str, regions: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Labelers(main, regions, frozenset())

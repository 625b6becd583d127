"""Messages of a labeler's stream, and the labels in them: typed, verified, and never an exception."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.simulator.labeler_signing import did_key
from collectors.bluesky.wire.dag_cbor import encode
from collectors.bluesky.wire.label_lists import UnprovenLift, settled
from collectors.bluesky.wire.label_stream import (
    ErrorFrame,
    Frame,
    InfoFrame,
    LabelsFrame,
    UnreadableFrame,
    read_frame,
    read_signed_label,
    read_signed_labels,
    with_signature_bytes,
)
from collectors.bluesky.wire.labeler_keys import LabelKey
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.profiles import read_profiles
from collectors.core.collector import CollectorAnswer, Exchange
from storage.model.core.availability import MissedReason
from storage.model.core.labels import LabelRefusal, RefusedLabel
from tests.support.samples.bluesky_answers import (
    ALICE,
    BOB,
    CAROL,
    HEARD,
    LABEL,
    MAIN,
    OTHER_REGION,
    PROFILE,
    REGION,
    TWO_REGIONS,
    made,
)
from tests.support.samples.label_signing import KEY, LABELER, POST, STRANGER, SUBJECT, signed_label
from tests.support.samples.readings import T0

KEYS = (LabelKey(did_key(KEY), T0, None),)
SOUND = signed_label()


def frame(header: object, body: object) -> bytes:
    return encode(header) + encode(body)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            frame({"op": 1, "t": "#labels"}, {"seq": 7, "labels": [SOUND]}),
            LabelsFrame(7, (SOUND,)),
            id="labels",
        ),
        pytest.param(
            frame({"op": 1, "t": "#labels"}, {"seq": 7, "labels": []}), LabelsFrame(7, ()), id="no label"
        ),
        pytest.param(
            frame({"op": 1, "t": "#info"}, {"name": "OutdatedCursor", "message": "old"}),
            InfoFrame("OutdatedCursor"),
            id="notice",
        ),
        pytest.param(
            frame({"op": -1}, {"error": "FutureCursor", "message": "Cursor in the future."}),
            ErrorFrame("FutureCursor", "Cursor in the future."),
            id="error",
        ),
        pytest.param(
            frame({"op": -1}, {"error": "ConsumerTooSlow"}), ErrorFrame("ConsumerTooSlow", ""), id="slow"
        ),
        pytest.param(frame({"op": 1, "t": "#later"}, {}), None, id="a kind that is not known is passed over"),
    ],
)
def test_a_message_says_one_thing(data: bytes, expected: Frame | None) -> None:
    assert read_frame(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        encode({"op": 1, "t": "#labels"}),
        frame({"op": 1, "t": "#labels"}, {"seq": "7", "labels": []}),
        frame({"op": 1, "t": "#labels"}, {"seq": True, "labels": []}),
        frame({"op": 1, "t": "#labels"}, {"seq": -1, "labels": []}),
        frame({"op": 1, "t": "#labels"}, {"seq": 2**63, "labels": []}),
        frame({"op": 1, "t": "#labels"}, {"seq": 7, "labels": {}}),
        frame({"op": 1, "t": "#labels"}, {"seq": 7, "labels": [SOUND]})[:-1],
        frame({"op": 1, "t": "#info"}, {}),
        frame({"op": 2, "t": "#labels"}, {"seq": 7, "labels": []}),
        frame({}, {}),
        frame([], 1),
    ],
)
def test_a_message_that_cannot_be_read_is_said_to_be_so(data: bytes) -> None:
    assert isinstance(read_frame(data), UnreadableFrame)


@given(st.binary(max_size=200))
def test_no_message_raises(data: bytes) -> None:
    read_frame(data)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        pytest.param({**SOUND, "val": "!warn"}, LabelRefusal.FORGED, id="another value than was signed"),
        pytest.param({**SOUND, "neg": True}, LabelRefusal.FORGED, id="withdrawn by another"),
        pytest.param({**SOUND, "uri": POST}, LabelRefusal.FORGED, id="about another"),
        pytest.param({**SOUND, "exp": "2030-01-01T00:00:00Z"}, LabelRefusal.FORGED, id="an expiry was added"),
        pytest.param(signed_label(STRANGER), LabelRefusal.FORGED, id="signed by another"),
        pytest.param({**SOUND, "sig": "text"}, LabelRefusal.FORGED, id="no bytes"),
        pytest.param(
            {n: v for n, v in SOUND.items() if n != "sig"}, LabelRefusal.UNSIGNED, id="no signature"
        ),
        pytest.param(signed_label(src=SUBJECT), LabelRefusal.OTHER_LABELER, id="of another labeler"),
        pytest.param(signed_label(ver=2), LabelRefusal.UNREADABLE, id="another version"),
        pytest.param(signed_label(ver=None), LabelRefusal.UNREADABLE, id="no version"),
        pytest.param(signed_label(cts="yesterday"), LabelRefusal.UNREADABLE, id="no time"),
        pytest.param(signed_label(exp="soon"), LabelRefusal.UNREADABLE, id="an expiry that is no time"),
        pytest.param(
            signed_label(uri="https://a.test"), LabelRefusal.UNREADABLE, id="neither account nor record"
        ),
        pytest.param(signed_label(uri=f"{POST}\0"), LabelRefusal.UNREADABLE, id="not storable"),
        pytest.param(signed_label(val="v" * 129), LabelRefusal.UNREADABLE, id="too long"),
        pytest.param(signed_label(val="é" * 65), LabelRefusal.UNREADABLE, id="too long in bytes"),
        pytest.param(signed_label(neg="yes"), LabelRefusal.UNREADABLE, id="neither withdrawn nor not"),
        pytest.param(signed_label(cid=7), LabelRefusal.UNREADABLE, id="a version that is no text"),
        pytest.param([1], LabelRefusal.UNREADABLE, id="no object"),
        pytest.param(1.5, LabelRefusal.UNREADABLE, id="not encodable"),
    ],
)
def test_a_label_that_does_not_count_is_kept_apart_with_the_reason(
    label: object, reason: LabelRefusal
) -> None:
    found = read_signed_label(label, LABELER, KEYS)
    assert isinstance(found, RefusedLabel)
    assert found.reason is reason
    assert 0 < len(found.content) <= 4096


ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=70)


@given(st.dictionaries(st.sampled_from(["ver", "src", "uri", "cid", "val", "neg", "cts", "exp", "sig"]), ANY))
def test_no_label_raises_and_an_altered_one_never_counts(altered: dict[str, object]) -> None:
    label = {**SOUND, **altered}
    good, refused = read_signed_labels([label, with_signature_bytes(label)], LABELER, KEYS)
    assert len(good) + len(refused) == 2
    if {n: v for n, v in label.items() if n != "sig"} != {n: v for n, v in SOUND.items() if n != "sig"}:
        assert not good


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


LIFT = UnprovenLift(REGION, (CAROL, ALICE), is_batch=True)
BOTH_HEARD = f"{HEARD},{OTHER_REGION}"
OF_ALICE = {**LABEL, "uri": ALICE}
R = MissedReason
HEARD_ALL: set[str] = set()


def shown(*profiles: dict[str, Any], heard: str = BOTH_HEARD) -> CollectorAnswer:
    """What a batch shows that was asked for alice, bob and carol."""
    answer = made(200, {"profiles": list(profiles)}, heard)
    said = read_profiles(answer, [ALICE, BOB, CAROL], TWO_REGIONS)
    return CollectorAnswer(said.readings, said.missed, (answer,))


def one(did: str, *labels: dict[str, Any]) -> dict[str, Any]:
    return {**PROFILE, "did": did, "labels": list(labels)}


def listed(*labels: object, cursor: str | None = None) -> Exchange:
    return made(200, {"labels": list(labels), "cursor": cursor})


def outcome(answer: CollectorAnswer) -> dict[str, set[str] | MissedReason]:
    """By account the countries of which its reading is silent, or why there is none."""
    silent = {r.native_id: set(r.silent_on) for r in answer.readings}
    return silent | {m.native_id: m.reason for m in answer.missed}


WITHDRAWN = {**LABEL, "neg": True, "cts": "2026-11-24T13:50:00Z"}


@pytest.mark.parametrize(
    ("rows", "carol"),
    [
        pytest.param([WITHDRAWN], HEARD_ALL, id="withdrawn"),
        pytest.param([dict(LABEL), WITHDRAWN], HEARD_ALL, id="given and later withdrawn"),
        pytest.param([WITHDRAWN, dict(LABEL)], HEARD_ALL, id="in any order"),
        pytest.param([{**LABEL, "exp": "2026-11-24T13:59:00Z"}], HEARD_ALL, id="expired"),
        pytest.param([{**LABEL, "val": "spam"}], HEARD_ALL, id="a label that restricts nobody"),
        pytest.param([OF_ALICE | {"neg": True}], HEARD_ALL, id="not listed where another is"),
        pytest.param([dict(LABEL)], R.CONTRADICTORY, id="in force"),
        pytest.param(
            [WITHDRAWN, {**LABEL, "cts": "2026-11-24T13:55:00Z"}], R.CONTRADICTORY, id="given again"
        ),
        pytest.param([WITHDRAWN, {**LABEL, "val": "!warn"}], R.CONTRADICTORY, id="one of two in force"),
        pytest.param([{**LABEL, "exp": "2026-11-24T14:00:01Z"}], R.CONTRADICTORY, id="not yet expired"),
        pytest.param([], {"TR"}, id="nothing is listed: labels may be left out here too"),
        pytest.param([WITHDRAWN | {"src": OTHER_REGION}], {"TR"}, id="only labels of others are listed"),
        pytest.param([WITHDRAWN, {**LABEL, "cts": "now"}], {"TR"}, id="a row that cannot be dated"),
        pytest.param([WITHDRAWN, {**LABEL, "neg": "no"}], {"TR"}, id="a row that cannot be read"),
    ],
)
def test_the_list_of_a_labeler_says_whether_a_restriction_was_lifted(
    rows: list[object], carol: set[str] | MissedReason
) -> None:
    answer = settled(shown(one(CAROL), one(ALICE)), LIFT, [listed(*rows)], TWO_REGIONS)
    alice = carol if carol == {"TR"} else HEARD_ALL
    assert outcome(answer) == {CAROL: carol, ALICE: alice}
    assert len(answer.exchanges) == 2


def test_a_restriction_that_the_app_does_not_show_is_a_contradiction_for_anybody() -> None:
    answer = settled(shown(one(CAROL), one(ALICE)), LIFT, [listed(WITHDRAWN, OF_ALICE)], TWO_REGIONS)
    assert outcome(answer) == {CAROL: HEARD_ALL, ALICE: R.CONTRADICTORY}


def test_an_answer_about_one_account_alone_that_proves_nothing_is_a_miss() -> None:
    silent = settled(
        shown(one(CAROL), one(ALICE)), UnprovenLift(REGION, (CAROL,), is_batch=False), [], TWO_REGIONS
    )
    assert outcome(silent) == {CAROL: R.UNHEARD, ALICE: HEARD_ALL}

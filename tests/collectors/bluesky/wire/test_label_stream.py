"""Messages of a labeler's stream, and the labels in them: typed, verified, and never an exception."""

from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.simulator.labeler_signing import did_key
from collectors.bluesky.wire.dag_cbor import encode
from collectors.bluesky.wire.label_stream import (
    ErrorFrame,
    Frame,
    InfoFrame,
    LabelsFrame,
    UnreadableFrame,
    read_frame,
    read_signed_label,
    read_signed_labels,
    stream_url,
    with_signature_bytes,
)
from collectors.bluesky.wire.labeler_keys import LabelKey, read_label_keys
from collectors.core.wire import WireFault
from storage.model.core.labels import LabeledKind, LabelRefusal, RefusedLabel, SignedLabel
from tests.support.samples.bluesky_answers import MAIN, made, recorded_json
from tests.support.samples.label_signing import KEY, LABELER, POST, STRANGER, SUBJECT, signed_label
from tests.support.samples.readings import T0

RECORDED_KEY = "did:key:zQ3shvzaAaUpfP93FVprHiFtCxb88XjtKj4HMd93pKKfBwEjU"
"""Computed from the signatures of the recorded labels: all of them are by this one key."""
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


def test_a_label_says_what_its_labeler_signed() -> None:
    exp, cid = T0 + timedelta(days=3), "bafyreigh2akiscaildc"
    label = signed_label(uri=POST, cid=cid, neg=True, exp=exp.isoformat())
    sig = label["sig"]
    assert isinstance(sig, bytes)
    content = encode({name: value for name, value in label.items() if name != "sig"})
    assert read_signed_label(label, LABELER, KEYS) == SignedLabel(
        LABELER, POST, cid, "!hide", True, T0, exp, content, sig, did_key(KEY), LabeledKind.POST
    )


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        (SUBJECT, LabeledKind.ACCOUNT),
        (POST, LabeledKind.POST),
        (f"at://{SUBJECT}/app.bsky.actor.profile/self", LabeledKind.RECORD),
    ],
)
def test_a_label_is_about_an_account_a_post_or_another_record(uri: str, kind: LabeledKind) -> None:
    found = read_signed_label(signed_label(uri=uri), LABELER, KEYS)
    assert isinstance(found, SignedLabel)
    assert found.kind is kind


def test_a_label_of_a_list_in_json_is_the_same_as_in_the_stream() -> None:
    sig = SOUND["sig"]
    assert isinstance(sig, bytes)
    for text in (b64encode(sig).decode(), b64encode(sig).decode().rstrip("=")):
        assert with_signature_bytes({**SOUND, "sig": {"$bytes": text}}) == SOUND


@pytest.mark.parametrize("name", ["moderation_takedown", "moderation_takedown_reversed"])
def test_a_recorded_label_of_the_reference_server_is_signed_by_its_key(name: str) -> None:
    labels = [with_signature_bytes(one) for one in recorded_json(f"query_labels__{name}")["labels"]]
    good, refused = read_signed_labels(labels, MAIN, (LabelKey(RECORDED_KEY, T0, None),))
    assert good
    assert not refused


def test_a_recorded_stream_and_list_of_the_reference_server_say_the_same_by_the_keys_of_its_log() -> None:
    """Recorded in December 2026 of Ozone 0.4.2 and the PLC server 0.0.1, after a change of the key."""
    kept = recorded_json("labeler__reference_server")
    log = made(200, kept["plc_audit"])
    labeler = kept["plc_audit"][0]["did"]
    keys = read_label_keys(log, labeler)
    assert not isinstance(keys, WireFault)
    assert [key.until is None for key in keys] == [False, True]
    frames = [read_frame(b64decode(data)) for data in kept["stream"]]
    sent = [label for one in frames if isinstance(one, LabelsFrame) for label in one.labels]
    streamed, refused = read_signed_labels(sent, labeler, keys)
    listed, unlisted = read_signed_labels(
        map(with_signature_bytes, kept["query_labels"]["labels"]), labeler, keys
    )
    assert refused == unlisted == ()
    assert streamed == listed
    assert [(one.kind, one.value, one.is_negated) for one in listed] == [
        (LabeledKind.ACCOUNT, "!hide", False),
        (LabeledKind.POST, "!hide", False),
        (LabeledKind.RECORD, "!warn", False),
        (LabeledKind.ACCOUNT, "!takedown", True),
    ]
    assert [one.cid is not None for one in listed] == [False, True, False, False]
    assert [one.expires_at is not None for one in listed] == [False, False, True, False]
    assert {one.signed_by for one in listed} == {keys[1].did_key}
    ended = read_frame(b64decode(kept["future_cursor"]))
    assert ended == ErrorFrame("FutureCursor", "Cursor in the future.")


def test_fields_that_the_scheme_does_not_name_are_not_signed() -> None:
    named = {**SOUND, "$type": "com.atproto.label.defs#label", "more": [1]}
    assert isinstance(read_signed_label(named, LABELER, KEYS), SignedLabel)


def test_a_label_that_is_signed_as_not_withdrawn_counts_too() -> None:
    found = read_signed_label(signed_label(neg=False), LABELER, KEYS)
    assert isinstance(found, SignedLabel)
    assert not found.is_negated


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


def test_the_stream_is_asked_for_what_follows_a_position() -> None:
    url = "https://mod-tr.example/xrpc/com.atproto.label.subscribeLabels?cursor=7"
    assert stream_url("https://mod-tr.example", 7) == url

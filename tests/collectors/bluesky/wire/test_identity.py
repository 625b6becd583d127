"""Who an account of Bluesky is: DIDs, handles, documents, the log of handles, addresses."""

import json
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.simulator.labeler_signing import did_key, sign
from collectors.bluesky.wire.did_log import log_fault
from collectors.bluesky.wire.identity import (
    DidDocument,
    moment,
    name_of,
    read_document,
    read_log,
)
from collectors.bluesky.wire.labeler_keys import LabelKey, is_signature, label_keys_in, read_label_keys
from collectors.core.wire import WireFault
from storage.model.core.availability import MissedReason
from tests.support.samples.bluesky_answers import (
    ALICE,
    BOB,
    document,
    made,
)
from tests.support.samples.label_signing import DID_LOGS, KEY, LABELER, LATER_KEY, STRANGER, key_log
from tests.support.samples.readings import T0

PDS = "https://pds.example.com"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("alice.test", "alice.test"),
        ("@Alice.Test", "alice.test"),
        ("  @alice.bsky.social ", "alice.bsky.social"),
        (ALICE, ALICE),
        ("https://bsky.app/profile/alice.test", "alice.test"),
        (f"https://bsky.app/profile/{ALICE}", ALICE),
        ("https://bsky.app/profile/alice.test/post/3n32rpia52s2j", "alice.test"),
        ("https://bsky.app/profile/alice.test?ref=x#y", "alice.test"),
        ("https://www.bsky.app/profile/alice.test/", "alice.test"),
        ("alice", None),
        ("", None),
        ("@", None),
        ("@@alice.test", None),
        ("handle.invalid", None),
        ("a" * 250 + ".test", None),
        ("-a.test", None),
        ("alice.test/../x", None),
        ("https://bsky.app/", None),
        ("https://bsky.app/profile/", None),
        ("https://bsky.app/profile", None),
        ("https://bsky.app.evil.example/profile/alice.test", None),
        ("https://user@bsky.app/profile/alice.test", None),
        ("ftp://bsky.app/profile/alice.test", None),
        ("https://[bsky.app/profile/alice.test", None),
        ("https://x.com/alice", None),
    ],
)
def test_a_user_may_write_a_handle_a_did_or_the_address_of_a_profile(text: str, name: str | None) -> None:
    assert name_of(text) == name


# documents -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "pds"),
    [
        ("https://pds.example.com/", PDS),
        ("https://PDS.Example.com", PDS),
        ("https://pds.example.com:8443", "https://pds.example.com:8443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("https://pds.example.com/path", None),
        ("https://pds.example.com?x=1", None),
        ("https://pds.example.com#x", None),
        ("https://user:secret@pds.example.com", None),
        ("https://pds.example.com:99999", None),
        ("https://", None),
        ("file:///etc/passwd", None),
        ("javascript:alert(1)", None),
        ("https://[::1]", None),
        ("https://a b", None),
        ("https://" + "a" * 400, None),
        (None, None),
        ({"uri": PDS}, None),
    ],
)
def test_only_the_plain_origin_of_a_server_is_taken_from_a_document(
    endpoint: object, pds: str | None
) -> None:
    said = read_document(made(200, document(ALICE, endpoint)), ALICE)
    assert said == DidDocument(pds, "name.test")


# the log of handles --------------------------------------------------------------------------------------


def entry(handle: str, minute: int, **parts: object) -> dict[str, object]:
    operation = {"type": "plc_operation", "alsoKnownAs": [f"at://{handle}"]}
    at = f"2026-11-24T13:{minute:02}:00.000Z"
    return {"did": ALICE, "operation": operation, "createdAt": at, "nullified": False, **parts}


def handles(*entries: object) -> list[str]:
    said = read_log(made(200, list(entries)), ALICE)
    assert not isinstance(said, WireFault), said
    return [one.handle for one in said]


def test_an_operation_that_was_nullified_was_never_made() -> None:
    assert handles(entry("a.test", 1), entry("b.test", 2, nullified=True), entry("c.test", 3)) == [
        "a.test",
        "c.test",
    ]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, {}, MissedReason.MALFORMED),
        (200, b"<html>", MissedReason.MALFORMED),
        (200, [None], MissedReason.MALFORMED),
        (200, [{**entry("a.test", 1), "createdAt": "yesterday"}], MissedReason.MALFORMED),
        (200, [{**entry("a.test", 1), "operation": None}], MissedReason.MALFORMED),
        (200, [{**entry("a.test", 1), "did": BOB}], MissedReason.MALFORMED),
        (404, {"message": f"DID not registered: {ALICE}"}, MissedReason.UNCLASSIFIED),
        (404, b"", MissedReason.UPSTREAM),
        (429, b"", MissedReason.RATE_LIMITED),
        (503, b"<html>", MissedReason.UPSTREAM),
    ],
)
def test_a_log_that_cannot_be_read_whole_gives_no_history(
    status: int, body: object, reason: MissedReason
) -> None:
    said = read_log(made(status, body), ALICE)
    assert isinstance(said, WireFault)
    assert said.reason is reason


# handles and addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [None, 5, "", "soon", "2026-11-24", "2026-11-24T13:45:03", "0001-01-01T00:00:00+14:00", "9" * 50]
)
def test_what_is_no_time_with_a_zone_is_none(value: object) -> None:
    assert moment(value) is None


_NOT_ITS_FIRST = "its first operation is not that of this DID"
_NOT_SIGNED = "one of its operations is not signed by a key that may change it"
_NOT_AFTER = "one of its operations does not follow the one before it"


def faults(entries: object, did: str) -> str | None:
    return log_fault(json.dumps(entries).encode(), did)


@pytest.mark.parametrize("name", DID_LOGS)
def test_a_log_of_the_reference_library_proves_itself(name: str) -> None:
    log = DID_LOGS[name]
    assert faults(log, log[0]["did"]) is None
    assert label_keys_in(json.dumps(log).encode(), log[0]["did"])


def without(n: int) -> list[dict[str, Any]]:
    return [entry for at, entry in enumerate(DID_LOGS["rotated"]) if at != n]


def changed(n: int, **fields: object) -> list[dict[str, Any]]:
    log = deepcopy(DID_LOGS["rotated"])
    log[n]["operation"] |= fields
    return log


@pytest.mark.parametrize(
    ("log", "fault"),
    [
        pytest.param([], "it is empty", id="nothing"),
        pytest.param({}, "it cannot be read", id="no list"),
        pytest.param([{"operation": None}], "it cannot be read", id="no operation"),
        pytest.param(without(0), _NOT_ITS_FIRST, id="the beginning is missing"),
        pytest.param(without(1), _NOT_AFTER, id="one between is missing"),
        pytest.param(changed(0, alsoKnownAs=[]), _NOT_ITS_FIRST, id="the first says something else"),
        pytest.param(changed(2, alsoKnownAs=[]), _NOT_SIGNED, id="the last says something else"),
        pytest.param(changed(2, sig="AA"), _NOT_SIGNED, id="a signature that is none"),
        pytest.param(changed(2, sig=None), _NOT_SIGNED, id="no signature"),
        pytest.param(
            changed(1, more=1.5), "an operation in it cannot be encoded", id="a number that has no form"
        ),
        pytest.param(DID_LOGS["oldest_form"], _NOT_ITS_FIRST, id="the log of another DID"),
    ],
)
def test_a_log_that_was_altered_does_not_prove_itself(log: object, fault: str) -> None:
    assert faults(log, DID_LOGS["rotated"][0]["did"]) == fault


def test_an_operation_that_was_nullified_is_passed_over() -> None:
    log = DID_LOGS["rotated"]
    nullified = {**log[2], "nullified": True}
    assert faults([log[0], log[1], nullified, log[2]], log[0]["did"]) is None


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(
        lambda value: json.dumps([{"operation": {"sig": "x", "prev": value}}]).encode()
    )
)
def test_no_log_raises(log: bytes) -> None:
    assert log_fault(log, LABELER)


DAY = timedelta(days=1)
DATA = b"what is signed"
ROTATED = (LabelKey(did_key(KEY), T0, T0 + DAY), LabelKey(did_key(LATER_KEY), T0 + DAY, None))


def test_a_key_counts_from_the_operation_that_names_it_until_the_one_that_names_another() -> None:
    log = key_log((T0, KEY), (T0 + DAY / 2, KEY), (T0 + DAY, LATER_KEY))
    assert read_label_keys(log, LABELER) == ROTATED


def test_an_operation_that_was_nullified_counts_as_never_made() -> None:
    log = key_log((T0, KEY), (T0 + DAY / 2, STRANGER), (T0 + DAY, LATER_KEY), nullified=[1])
    assert read_label_keys(log, LABELER) == ROTATED


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", MissedReason.UPSTREAM),
        (200, b"{}", MissedReason.MALFORMED),
        (200, b'[{"did": "did:plc:other"}]', MissedReason.MALFORMED),
        (200, b"[1]", MissedReason.MALFORMED),
    ],
)
def test_a_log_that_cannot_be_read_shows_no_keys(status: int, body: bytes, reason: MissedReason) -> None:
    said = read_label_keys(made(status, body), LABELER)
    assert isinstance(said, WireFault)
    assert said.reason is reason


@pytest.mark.parametrize(
    "name", ["", "did:key:z", "did:key:z0", "did:key:zQ3sh", did_key(KEY)[:-1], "did:web:a.test", "z" * 400]
)
def test_what_is_no_key_signs_nothing(name: str) -> None:
    assert not is_signature(DATA, sign(KEY, DATA), name)

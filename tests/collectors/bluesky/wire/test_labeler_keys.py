"""Which keys a labeler had, when, and whose signatures count."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from collectors.bluesky.simulator.labeler_signing import did_key, sign
from collectors.bluesky.wire.labeler_keys import LabelKey, is_signature, read_label_keys, signer
from collectors.core.wire import WireFault
from storage.model.core.availability import MissedReason
from tests.support.samples.bluesky_answers import made
from tests.support.samples.label_signing import KEY, LABELER, LATER_KEY, STRANGER, key_log
from tests.support.samples.readings import T0

DAY = timedelta(days=1)
DATA = b"what is signed"
ROTATED = (LabelKey(did_key(KEY), T0, T0 + DAY), LabelKey(did_key(LATER_KEY), T0 + DAY, None))


def test_a_key_counts_from_the_operation_that_names_it_until_the_one_that_names_another() -> None:
    log = key_log((T0, KEY), (T0 + DAY / 2, KEY), (T0 + DAY, LATER_KEY))
    assert read_label_keys(log, LABELER) == ROTATED


def test_an_operation_that_was_nullified_counts_as_never_made() -> None:
    log = key_log((T0, KEY), (T0 + DAY / 2, STRANGER), (T0 + DAY, LATER_KEY), nullified=[1])
    assert read_label_keys(log, LABELER) == ROTATED


def test_a_key_that_was_taken_away_ends_and_may_come_back() -> None:
    log = key_log((T0, None), (T0 + DAY, KEY), (T0 + 2 * DAY, None), (T0 + 3 * DAY, KEY))
    key = did_key(KEY)
    keys = LabelKey(key, T0 + DAY, T0 + 2 * DAY), LabelKey(key, T0 + 3 * DAY, None)
    assert read_label_keys(log, LABELER) == keys


def test_the_key_of_the_repository_does_not_stand_in_for_a_key_of_labels() -> None:
    assert read_label_keys(key_log((T0, None)), LABELER) == ()


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


@pytest.mark.parametrize("key", [KEY, LATER_KEY], ids=["k256", "p256"])
def test_a_signature_counts_for_its_bytes_its_key_and_in_one_form(key: ec.EllipticCurvePrivateKey) -> None:
    name, sound = did_key(key), sign(key, DATA)
    assert is_signature(DATA, sound, name)
    assert not is_signature(DATA + b"!", sound, name)
    assert not is_signature(DATA, sound, did_key(STRANGER))
    assert not is_signature(DATA, sign(key, DATA, low_s=False), name), "the other form is not allowed"
    assert not is_signature(DATA, sound[:-1], name)
    assert not is_signature(DATA, bytes(64), name)


@pytest.mark.parametrize(
    "name", ["", "did:key:z", "did:key:z0", "did:key:zQ3sh", did_key(KEY)[:-1], "did:web:a.test", "z" * 400]
)
def test_what_is_no_key_signs_nothing(name: str) -> None:
    assert not is_signature(DATA, sign(KEY, DATA), name)


def test_a_label_from_before_a_rotation_counts_by_the_old_key_and_by_the_new_one() -> None:
    assert signer(DATA, sign(KEY, DATA), T0, ROTATED) == did_key(KEY)
    assert signer(DATA, sign(LATER_KEY, DATA), T0, ROTATED) == did_key(LATER_KEY), "it was signed again"


def test_a_label_from_after_a_rotation_does_not_count_by_the_old_key() -> None:
    assert signer(DATA, sign(KEY, DATA), T0 + 2 * DAY, ROTATED) is None
    assert signer(DATA, sign(LATER_KEY, DATA), T0 + 2 * DAY, ROTATED) == did_key(LATER_KEY)

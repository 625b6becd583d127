"""Which keys a labeler had, when, and whose signatures count."""

from datetime import timedelta

import pytest

from collectors.bluesky.simulator.labeler_signing import did_key, sign
from collectors.bluesky.wire.labeler_keys import LabelKey, is_signature, read_label_keys
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

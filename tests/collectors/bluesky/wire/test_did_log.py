"""The log of a DID proves itself, or it is said why it does not.

The two logs were made by the reference library of the method (@did-plc/lib): that of a labeler that changed
its key, and one that begins with the oldest form of an operation.
"""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.wire.did_log import log_fault
from collectors.bluesky.wire.labeler_keys import label_keys_in
from tests.support.samples.label_signing import DID_LOGS, LABELER

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

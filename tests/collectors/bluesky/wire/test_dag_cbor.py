"""DAG-CBOR: what is signed has one encoding, and hostile bytes are refused with ValueError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.wire.dag_cbor import decode, decode_all, encode

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=9)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_is_read_again(value: object) -> None:
    assert decode(encode(value)) == value
    assert decode_all(encode(value) * 2) == [value, value]


@given(st.binary(max_size=60))
def test_any_bytes_are_values_or_refused(data: bytes) -> None:
    try:
        decode_all(data)
    except ValueError:
        return


@pytest.mark.parametrize("value", [1.5, 2**64, {"a": object()}, "\ud800"])
def test_what_has_no_encoding_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        encode(value)

"""DAG-CBOR: what is signed has one encoding, and hostile bytes are refused with ValueError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.wire.dag_cbor import Cid, decode, decode_all, encode

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=9)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(0, "00", id="a small number is one byte"),
        pytest.param(24, "1818", id="the shortest form of a number"),
        pytest.param(1000, "1903e8", id="two bytes"),
        pytest.param(-1, "20", id="a negative number"),
        pytest.param(True, "f5", id="true is not the number 1"),
        pytest.param(False, "f4", id="false is not the number 0"),
        pytest.param("IETF", "6449455446", id="text"),
        pytest.param(b"\1\2", "420102", id="bytes"),
        pytest.param({"b": 1, "a": 2, "aa": 3}, "a3616102616201626161" + "03", id="shorter names come first"),
        pytest.param(Cid(b"\1"), "d82a420001", id="a link"),
    ],
)
def test_a_value_has_the_one_encoding_of_the_standard(value: object, expected: str) -> None:
    assert encode(value).hex() == expected


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

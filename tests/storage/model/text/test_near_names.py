"""Names that people type: capital letters make no difference, and a near name is offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.text.near_names import meant, nearest, unknown_name

NAMES = ["india", "Farmers", "Night desk"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("indai", "There is no list 'indai': did you mean 'india'?"),
        ("FARMER", "There is no list 'FARMER': did you mean 'Farmers'?"),
        ("x", "There is no list 'x'; there are: india, Farmers, Night desk."),
    ],
)
def test_a_near_name_is_offered_or_else_all(typed: str, sentence: str) -> None:
    assert unknown_name("list", typed, NAMES) == sentence


@given(st.text(), st.lists(st.text()))
def test_what_is_offered_is_always_a_stored_name(typed: str, names: list[str]) -> None:
    assert nearest(typed, names) in {None, *names}
    assert meant(typed, names) in {None, *names}

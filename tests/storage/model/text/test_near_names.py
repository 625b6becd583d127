"""Names that people type: capital letters make no difference, and a near name is offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.text.near_names import MOST_NAMED, meant, nearest, unknown_name

NAMES = ["india", "Farmers", "Night desk"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("india", "india"),
        ("INDIA", "india"),
        (" farmers ", "Farmers"),
        ("indai", None),
        ("", None),
    ],
)
def test_a_typed_name_means_the_stored_one_whatever_its_capital_letters(typed: str, name: str | None) -> None:
    assert meant(typed, NAMES) == name


def test_of_two_names_that_differ_in_capital_letters_the_one_as_typed_is_meant_or_neither() -> None:
    assert meant("Desk", ["desk", "Desk"]) == "Desk"
    assert meant("DESK", ["desk", "Desk"]) is None


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


def test_many_names_are_counted_and_none_is_said() -> None:
    many = [f"{n:03}-{n * 7919}" for n in range(MOST_NAMED + 2)]
    assert unknown_name("list", "zz", many).endswith(" and 2 more.")
    assert unknown_name("list", "zz", []) == "There is no list 'zz'; there are: none."


@given(st.text(), st.lists(st.text()))
def test_what_is_offered_is_always_a_stored_name(typed: str, names: list[str]) -> None:
    assert nearest(typed, names) in {None, *names}
    assert meant(typed, names) in {None, *names}

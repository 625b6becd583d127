"""Names in text that was copied out of a document: each line is names, a part of one, or set aside."""

import pytest

from collectors.x.declaration import X
from storage.model.orders.pasted_names import AsideReason, check_lines_of, lines_of_names, pasted_names
from storage.model.tables.csv_rows import TableError

NAMES = {
    "a number or a bullet before a name is no part of it": (
        "1. @a_b\n(2) @c\n• d_e\n- @f\n7 @g",
        "@a_b @c d_e @f @g",
    ),
    "a handle that begins like a number stays whole": (
        "1. 007.bsky.social\n2. a.bsky.social",
        "007.bsky.social a.bsky.social",
    ),
    "an address without its name takes the next line, in any list": (
        "https://x.com/\nname\nother",
        "https://x.com/name other",
    ),
    "so does the address of a post without its number": (
        "1. https://x.com/name/status/\n135700\n2. @b",
        "https://x.com/name/status/135700 @b",
    ),
    "whole names in a plain list are not joined": ("alpha\nbeta", "alpha beta"),
    "names on one line are separated": ("1. alpha, beta; gamma", "alpha beta gamma"),
    "a platform before a name belongs to it": (
        "1. x NASA\n2. bluesky: nasa.gov",
        "x:NASA bluesky:nasa.gov",
    ),
    "marks that nobody sees are no part of a name": ("\ufeff@na\u00adme", "@name"),
}


@pytest.mark.parametrize("rule", NAMES)
def test_what_is_a_name(rule: str) -> None:
    text, names = NAMES[rule]
    assert [name.words for name in pasted_names(text).names] == names.split()


@pytest.mark.parametrize(
    ("rule", "text", "aside"),
    [
        ("page numbers", "@a\n12\n- 3 -\nPage 4 of 9\npage iv", [AsideReason.PAGE] * 4),
        ("headings and sentences", "Annexure A: list of accounts\n@a", [AsideReason.PROSE]),
        ("what stands on several pages", "1. @a\nSECRET\n2. @b\n3. @c\nSECRET", [AsideReason.REPEATED] * 2),
    ],
)
def test_what_is_set_aside(rule: str, text: str, aside: list[AsideReason]) -> None:
    found = pasted_names(text)
    assert [line.reason for line in found.aside] == aside, rule
    assert {name.words for name in found.names} <= {"@a", "@b", "@c"}


UNCLEAR = {
    "a line without a bullet may continue the name above it": (
        "1. https://x.com/kisan_\nekta\n2. @b",
        "https://x.com/kisan_ ekta",
    ),
    "a page break may stand in the middle of a name, or after it": (
        "1. https://x.com/\nPage 3 of 9\nekta\n2. @b",
        "https://x.com/ ekta",
    ),
    "an account may be called status": ("1. https://x.com/status\nekta\n2. @b", "https://x.com/status ekta"),
    "a hyphen may be of the name, or of the typesetter": ("1. @kisan-\nekta\n2. @b", "@kisan- ekta"),
    "a number may be the end of a name, not of a page": (
        "1. https://x.com/kisan_\n2021\n2. @b",
        "https://x.com/kisan_ 2021",
    ),
    "no page has the number 010": ("https://x.com/kisan\n010\n@b", "https://x.com/kisan 010"),
    "what is unclear stays so with a third line": ("1. @kisan\nek\nta\n2. @b\n3. @c", "@kisan ek ta"),
}


@pytest.mark.parametrize("rule", UNCLEAR)
def test_a_name_is_not_looked_up_if_its_end_is_unclear(rule: str) -> None:
    text, words = UNCLEAR[rule]
    first, *rest = check_lines_of(text, "a list", X)[0]
    assert first.said.words == words
    assert first.said.handle is None
    assert first.said.unclear.startswith("It is unclear whether its last word belongs to it.")
    assert [line.said.unclear for line in rest] == [""] * len(rest)


def test_a_name_of_two_lines_says_so_and_no_line_is_lost() -> None:
    text = "Heading of a page\n1. https://x.com/\nekta\n2. @b\n\n12"
    found = pasted_names(text)
    joined, _ = found.names
    assert joined.note == "It is put together from two lines: 'https://x.com/' and 'ekta'."
    used = {name.line for name in found.names} | {line.line for line in found.aside}
    assert used == {1, 2, 4, 6}  # line 3 belongs to the name of line 2, and line 5 is empty


def test_lines_of_a_check_name_each_once_and_keep_what_is_no_name() -> None:
    lines, aside, repeated = check_lines_of("1. @alpha\n2. @alpha\n3. @be-ta\n4. x:id:5", "a list", X)
    assert [(line.said.words, line.said.handle, line.said.native_id) for line in lines] == [
        ("@alpha", "alpha", None),
        ("@be-ta", None, None),
        ("x:id:5", None, "5"),
    ]
    assert [bool(line.fault) for line in lines] == [False, True, False]
    assert (aside, repeated) == ((), 1)
    with pytest.raises(TableError, match="the text contains no names"):
        check_lines_of("only some words of a sentence", "a list", X)


def test_names_that_are_given_one_by_one_are_taken_as_they_are() -> None:
    lines = lines_of_names(["@alpha", " @alpha ", "12"], X)
    assert [(line.said.line, line.said.words) for line in lines] == [(1, "@alpha"), (3, "12")]

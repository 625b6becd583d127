"""No text of a stranger moves a cursor, ends a line or hides what follows it: over all code points."""

import unicodedata

import pytest

from storage.model.text.control_characters import escaped, escaped_lines
from tests.support.samples.readings import EVERY_CHARACTER, invisible


def test_nothing_invisible_is_left() -> None:
    assert invisible(EVERY_CHARACTER)
    assert invisible(escaped(EVERY_CHARACTER)) == set()
    assert invisible(escaped_lines(EVERY_CHARACTER)) == {"\n"}


def test_what_people_write_stays_as_it_is() -> None:
    kept = [c for c in EVERY_CHARACTER if unicodedata.category(c)[0] in "LMNPS"]
    assert escaped("".join(kept)) == "".join(kept)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a\nb\r", r"a\nb\r", id="line ends"),
        pytest.param("\x1b[31mred\x9b", r"\x1b[31mred\x9b", id="commands to a terminal"),
        pytest.param("\u202egnp.exe", r"\u202egnp.exe", id="a change of direction"),
        pytest.param("a\u2028b\U000e0001", r"a\u2028b\U000e0001", id="a line separator, a tag"),
        pytest.param("\ud800", r"\ud800", id="half a surrogate pair"),
    ],
)
def test_it_is_written_as_in_python(text: str, line: str) -> None:
    assert escaped(text) == line

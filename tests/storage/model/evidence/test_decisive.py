"""A raw answer made readable: what decides is marked and quoted, and nothing else is changed or left out."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from storage.model.evidence.decisive import Decisive, readable
from storage.model.evidence.export_kinds import Cell
from storage.model.evidence.export_text import csv_lines, json_lines

KEYS = frozenset({"withheld", "protected", "detail", "labels", "val"})
DECISIVE = Decisive(KEYS, {"protected": "withheld"})


NAMES = st.sampled_from(["about", "val", "withheld", "a", "\n"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    max_leaves=20,
)


@given(VALUES)
def test_the_readable_lines_are_the_same_document(value: object) -> None:
    lines = readable(json.dumps(value).encode(), DECISIVE)
    assert json.loads("\n".join(line.text for line in lines)) == value
    assert all("\n" not in line.text for line in lines)


@given(st.lists(st.tuples(st.text(), st.one_of(st.none(), st.text())), min_size=1, max_size=5))
def test_every_text_can_be_read_back_from_csv_and_none_is_a_formula(
    rows: list[tuple[str, str | None]],
) -> None:
    head, lines = csv_lines({"one": Cell.TEXT, "two": Cell.TEXT})
    cells = list(csv.reader(io.StringIO(head + lines(rows), newline="")))
    assert [tuple(c.removeprefix("'") for c in row) for row in cells[1:]] == [(a, b or "") for a, b in rows]
    assert not [c for row in cells for c in row if c[:1] in set("=+-@\t\r")]


@given(st.lists(st.tuples(st.one_of(st.none(), st.text()), st.lists(st.text())), min_size=1, max_size=5))
def test_json_lines_hold_every_text_as_it_is_and_no_sign_that_could_hide(
    rows: list[tuple[str | None, list[str]]],
) -> None:
    _, lines = json_lines({"one": Cell.TEXT, "two": Cell.WORDS})
    text = lines(rows)
    assert [(d["one"], d["two"]) for d in map(json.loads, text.splitlines())] == rows
    assert text.isascii()

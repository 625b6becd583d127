"""CSV and JSON Lines hold what is stored, and nothing that a spreadsheet would run."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.evidence.export_kinds import Cell
from storage.model.evidence.export_text import csv_lines, json_lines
from tests.support.samples.readings import T0, minutes


@pytest.mark.parametrize(
    ("rule", "cell", "value", "text"),
    [
        ("what is not known is empty", Cell.TEXT, None, ""),
        ("an empty text is not the same as none", Cell.TEXT, "", '""'),
        ("what a spreadsheet would run is marked", Cell.TEXT, "=1+1", "'=1+1"),
        ("so is what it would run after parting cells", Cell.TEXT, "a;=1+1", '"a;=1+1"'),
        ("the mark itself is marked, so that it can be taken away", Cell.TEXT, "'a", "''a"),
        ("words are separated by spaces", Cell.WORDS, ["IN", "TR"], "IN TR"),
        ("no words are told from unknown ones", Cell.WORDS, [], '""'),
        ("a time is in UTC", Cell.TIME, T0, "2021-02-01T00:00:00Z"),
        ("a time has its fraction", Cell.TIME, minutes(0.00001), "2021-02-01T00:00:00.000600Z"),
        ("a truth is a word", Cell.BOOLEAN, False, "false"),
        ("a number is no text", Cell.INTEGER, -1, "-1"),
    ],
)
def test_a_cell_of_a_csv_file(rule: str, cell: Cell, value: object, text: str) -> None:
    head, lines = csv_lines({"column": cell})
    assert (head, lines([(value,)])) == ("column\n", text + "\n"), rule


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

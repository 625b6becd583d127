"""A raw answer made readable: what decides is marked and quoted, and nothing else is changed or left out."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.evidence.decisive import LONGEST_PART, Decisive, decisive_words, readable
from storage.model.evidence.export_kinds import Cell
from storage.model.evidence.export_text import csv_lines, json_lines
from tests.support.samples.readings import T0, minutes

KEYS = frozenset({"withheld", "protected", "detail", "labels", "val"})
DECISIVE = Decisive(KEYS, {"protected": "withheld"})


def stored(*about: object, http_status: object = 200) -> bytes:
    answers = [{"url": "/2/users", "http_status": http_status, "about": one} for one in about]
    return json.dumps(answers).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            stored({"data": [{"protected": False}]}),
            ['HTTP 200: "protected": false; no "withheld"'],
            id="a field that is not there decides too",
        ),
        pytest.param(
            stored({"data": [{"protected": False, "withheld": {"country_codes": ["IN"]}}]}),
            ['HTTP 200: "protected": false; "withheld": {"country_codes": ["IN"]}'],
            id="the platform's own fields, in its own words",
        ),
        pytest.param(stored({}, http_status=404), ["HTTP 404"], id="without a field only the code decides"),
        pytest.param(
            stored({"labels": [{"src": "did:a", "val": "!hide"}]}, {"labels": []}),
            ['HTTP 200: "val": "!hide"', 'HTTP 200: "labels": []'],
            id="of a list of objects their fields decide",
        ),
        pytest.param(stored({}, {}), ["HTTP 200"], id="answers that say the same are told once"),
        pytest.param(
            stored({"detail": "نص\u202e\n"}),
            ['HTTP 200: "detail": "نص\\u202e\\n"'],
            id="letters are readable, and what turns a line around is escaped",
        ),
        pytest.param(b'{"about": 1}', [], id="what is not a stored answer says nothing"),
        pytest.param(b"<html>", [], id="nor does what is not JSON"),
    ],
)
def test_the_decisive_part_of_an_answer_is_quoted(content: bytes, said: list[str]) -> None:
    assert decisive_words(content, DECISIVE) == said


def test_a_long_part_is_cut_where_it_is_quoted_and_whole_where_it_is_read() -> None:
    content = stored({"detail": "x" * 999})
    (words,) = decisive_words(content, DECISIVE)
    assert len(words) == LONGEST_PART + len("HTTP 200: ")
    assert any("x" * 999 in line.text for line in readable(content, DECISIVE))


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

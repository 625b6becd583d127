"""A raw answer made readable: what decides is marked and quoted, and nothing else is changed or left out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.evidence.decisive import LONGEST_PART, Decisive, decisive_words, readable

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

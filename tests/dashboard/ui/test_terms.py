"""A word with its sentence from the glossary, as a component and as text."""

from typing import Any

import pytest

from dashboard.ui.terms import plain, term, term_markup
from storage.model.text.glossary import TERMS


def test_a_term_says_its_sentence_to_the_eye_and_to_a_screen_reader() -> None:
    said: dict[str, Any] = term("provisional").to_plotly_json()["props"]  # pyright: ignore[reportAssignmentType]
    assert said["children"] == "Provisional"
    assert said["tabIndex"] == 0
    assert said["data-says"] == said["aria-description"] == TERMS["provisional"]


def test_another_word_may_be_shown_and_names_its_column() -> None:
    assert plain(term("daily cost limit", "limit")) == "limit"
    assert plain("Status") == "Status"


def test_the_markup_is_the_same() -> None:
    assert term_markup("not checked", "<b>").startswith('<span class="term" tabindex="0" data-says="No ')
    assert ">&lt;b&gt;</span>" in term_markup("not checked", "<b>")


def test_a_word_that_nobody_explains_is_noticed() -> None:
    with pytest.raises(KeyError):
        term("no such term")

"""A word with its sentence from the glossary, as a component and as text."""

import pytest

from dashboard.ui.terms import term, term_markup


def test_the_markup_is_the_same() -> None:
    assert term_markup("not checked", "<b>").startswith('<span class="term" tabindex="0" data-says="No ')
    assert ">&lt;b&gt;</span>" in term_markup("not checked", "<b>")


def test_a_word_that_nobody_explains_is_noticed() -> None:
    with pytest.raises(KeyError):
        term("no such term")

"""Counts in words: the right number at every count, with separators, and never a share of nothing."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.ui import words
from dashboard.ui.cards import MOST_ROWS, not_shown
from jobs.base.wording import evidence_words
from storage.model.core.availability import Strength
from storage.model.text.units import number, size_words, span, spoken
from tests.support.clients.page_text import said

COUNTS = st.integers(min_value=0, max_value=10**9)
_ONE_OF_MANY = re.compile(r"\b(1|one) (older )?[a-z]+s\b")
_MANY_OF_ONE = re.compile(r"\b([02-9]|\d[\d,]*\d) (account|reading|attempt|change|minute|hour|day)\b")
_UNSEPARATED = re.compile(r"\d{4}")
FORMATTERS: dict[str, Callable[[int], str]] = {
    "number": lambda n: number(n, "account"),
    "accounts": words.accounts,
    "readings": words.readings,
    "attempts": words.attempts,
    "reason": lambda n: words.reason("enough_strong", n),
    "evidence": lambda n: evidence_words(Strength.STRONG, n),
    "not shown": lambda n: "".join(said(p) for p in not_shown(n + MOST_ROWS, "changes")),
    "count or dash": words.count_or_dash,
}


@pytest.mark.parametrize("name", FORMATTERS)
@given(COUNTS)
def test_one_is_singular_and_all_else_plural(name: str, n: int) -> None:
    text = FORMATTERS[name](n)
    assert not _ONE_OF_MANY.search(text), text
    assert not _MANY_OF_ONE.search(text), text
    assert not _UNSEPARATED.search(text), text


@given(COUNTS, COUNTS)
def test_a_share_is_all_or_nothing_only_where_it_is(part: int, whole: int) -> None:
    text = words.share(min(part, whole), whole)
    assert (text == "0 %") == (whole > 0 and min(part, whole) == 0)
    assert (text == "100 %") == (0 < whole <= part)
    assert (text == "of none") == (whole == 0)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9999)))
def test_a_length_of_time_has_one_unit_spelt_right(length: timedelta) -> None:
    assert not re.search(r"\b1 (minute|hour|day)s\b", spoken(length))
    assert not re.search(r"\b0 (h|min)\b(?! )", span(length).partition(" s")[0].removeprefix("0 "))


@given(st.integers(min_value=0, max_value=10**15))
def test_a_size_is_never_a_long_row_of_digits(size: int) -> None:
    assert not re.search(r"\d{4}", size_words(size))

"""The parts of pages: words, counts, cards, moments and pictures."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.ui import words
from dashboard.ui.alert_words import (
    actor_words,
)
from dashboard.ui.cards import MOST_ROWS, not_shown
from dashboard.ui.form_input import Filled, WrongInput
from dashboard.ui.terms import term
from jobs.base.wording import evidence_words
from storage.model.alerts.rule_toml import rule_of, toml_of
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.availability import Strength
from storage.model.text.units import number, size_words, span, spoken
from tests.support.clients.page_walker import said
from tests.support.samples.readings import T0

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


DESK = ("desk@example.org",)


def test_who_pressed_a_link_in_a_mail_is_not_known() -> None:
    assert actor_words("mail to desk@example.org") == "a reader of the mail to desk@example.org"
    assert actor_words("dashboard") == "dashboard"


NAMES = st.frozensets(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))


@given(lists=NAMES, tags=NAMES, followers=st.none() | st.integers(0, 10**9), minutes=st.integers(1, 10_000))
def test_a_rule_comes_back_from_its_text(**drawn: Any) -> None:
    rule = AlertRule(
        DESK,
        name='"Night" \\ desk',
        match=Match(lists=drawn["lists"], tags=drawn["tags"], min_followers=drawn["followers"]),
        remind_every=timedelta(minutes=drawn["minutes"]),
    )
    assert rule_of(toml_of(rule)) == rule
    assert rule_of(f"[[rules]]\n{toml_of(rule)}") == rule


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", T0),
        ("in 1 h", T0 + timedelta(hours=1)),
        ("IN 90m", T0 + timedelta(minutes=90)),
        ("Tomorrow 08:00", T0 + timedelta(hours=32)),
        ("today 18:30 UTC", T0 + timedelta(hours=18, minutes=30)),
        ("6h", T0 + timedelta(hours=6)),
        ("", None),
    ],
)
def test_a_time_in_everyday_words_is_in_utc(text: str, at: datetime | None) -> None:
    assert Filled({"until": text}).moment("until", T0, "End") == at


@pytest.mark.parametrize("text", ["tomorrow", "tomorrow 25:00", "in a while", "in 1", "yesterday 08:00"])
def test_what_is_no_time_is_refused_with_the_label_of_its_field(text: str) -> None:
    with pytest.raises(WrongInput, match=r"^End: this is neither"):
        Filled({"until": text}).moment("until", T0, "End")


def test_a_word_that_nobody_explains_is_noticed() -> None:
    with pytest.raises(KeyError):
        term("no such term")

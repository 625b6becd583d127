"""Decisions and rules in words, and a rule as the text that it is edited as."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.ui.alert_words import (
    actor_words,
    mail_kind,
)
from storage.model.alerts.alerts import MailKind
from storage.model.alerts.rule_toml import rule_of, toml_of
from storage.model.alerts.rules import AlertRule, Match

DESK = ("desk@example.org",)


@pytest.mark.parametrize(
    ("kind", "subject", "name"),
    [
        (MailKind.DIGEST, "31 accounts not found - round-up, 7 Feb 2021", "catch-up digest"),
        (MailKind.DIGEST, "Nothing told - daily digest, 7 Feb 2021", "digest"),
        (MailKind.DIGEST, "@round-up, suspended - weekly digest, 7 Feb 2021", "digest"),
        (MailKind.WAVE, "@a suspended - round-up, x", "alert"),
    ],
)
def test_a_round_up_is_called_one(kind: MailKind, subject: str, name: str) -> None:
    assert mail_kind(kind, subject) == name


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

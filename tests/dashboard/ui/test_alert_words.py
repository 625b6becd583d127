"""Decisions and rules in words, and a rule as the text that it is edited as."""

from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.ui.alert_words import (
    MAIL_KIND,
    MAIL_STATE,
    STAGE_NAME,
    actor_words,
    decision_name,
    decision_reason,
    mail_kind,
)
from storage.model.alerts.alerts import AlertDecision, AlertStage, MailKind, MailState
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rule_toml import rule_of, toml_of
from storage.model.alerts.rule_words import manner_words, match_words
from storage.model.alerts.rules import AlertRule, Digest, Match, Severity
from storage.model.core.accounts import TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.core.people import Role

DESK = ("desk@example.org",)
BLOCKS = frozenset({ChangeKind.BLOCK})
USUAL = "Blocks, restorations, changes of countries, accounts that are gone and accounts found again"


def test_everything_that_is_shown_has_words() -> None:
    assert all(decision_name(d) and decision_reason(d) for d in AlertDecision)
    assert set(STAGE_NAME) == set(AlertStage)
    assert set(MAIL_KIND) == set(MailKind)
    assert set(MAIL_STATE) == set(MailState)


@pytest.mark.parametrize(
    ("match", "words"),
    [
        pytest.param(Match(), USUAL, id="what is told by default"),
        pytest.param(
            Match(kinds=frozenset({ChangeKind.RESTORATION, ChangeKind.BLOCK})),
            "Blocks and restorations",
            id="kinds, in their own order",
        ),
        pytest.param(Match(kinds=frozenset()), "Nothing", id="no kind at all"),
        pytest.param(
            Match(platforms=frozenset({MASTODON, X}), min_followers=10_000),
            f"{USUAL}, on Mastodon or X, with at least 10,000 followers",
            id="platforms and followers",
        ),
        pytest.param(
            Match(targets=frozenset({TargetKind.POSTS})),
            "Blocks, restorations, changes of countries, posts that are gone and posts found again, "
            "only of posts",
            id="posts alone",
        ),
        pytest.param(
            Match(targets=frozenset({TargetKind.POSTS}), lists=frozenset({"Press"}), kinds=BLOCKS),
            "Blocks, only of posts on Press",
            id="posts on a list",
        ),
        pytest.param(
            Match(targets=frozenset({TargetKind.ACCOUNTS}), kinds=BLOCKS),
            "Blocks, only of accounts",
            id="accounts alone",
        ),
        pytest.param(Match(targets=frozenset(TargetKind), kinds=BLOCKS), "Blocks", id="both kinds"),
        pytest.param(
            Match(orders=frozenset({"B/2", "A/1"}), executives=True, provisional=True),
            f"{USUAL}, under A/1 or B/2, of executives, also when provisional",
            id="orders, executives, provisional",
        ),
        pytest.param(
            Match(lists=frozenset({"\u202eevil\n"}), tags=frozenset({"press"})),
            f"{USUAL}, of accounts on \ufffdevil\ufffd, tagged press",
            id="a list with a name that hides something",
        ),
    ],
)
def test_a_match_says_what_it_is_about(match: Match, words: str) -> None:
    assert match_words(match) == words


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        pytest.param(
            AlertRule(DESK),
            ["urgent news at once, the rest in a catch-up digest at 08:00 UTC"],
            id="as usual",
        ),
        pytest.param(
            AlertRule(DESK, digest=Digest.DAILY, digest_at=time(7, 30), zone="Asia/Kolkata"),
            ["one digest per day at 07:30 Asia/Kolkata"],
            id="a digest",
        ),
        pytest.param(
            AlertRule(
                DESK,
                severity=Severity.CRITICAL,
                quiet=QuietHours(time(22), time(7)),
                remind_every=timedelta(minutes=90),
            ),
            [
                "urgent news at once, the rest in a catch-up digest at 08:00 UTC",
                "severity critical, which quiet hours do not delay",
                "quiet from 22:00 to 07:00 UTC",
                "sends a reminder every 90m",
            ],
            id="critical, with quiet hours",
        ),
    ],
)
def test_a_rule_says_how_it_tells(rule: AlertRule, lines: list[str]) -> None:
    assert manner_words(rule) == lines


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


@pytest.mark.parametrize(
    ("role", "other", "includes"),
    [(a, b, i >= j) for i, a in enumerate(Role) for j, b in enumerate(Role)],
)
def test_each_role_includes_those_before_it(role: Role, other: Role, includes: bool) -> None:
    assert role.includes(other) is includes

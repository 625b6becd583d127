"""The form of a rule: what it shows is read back as the same rule, and errors use the labels of fields."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.alerts.rule_form import RuleForm, sentences_of, text_of
from dashboard.alerts.rule_page import copy_name
from dashboard.ui.inputs import FieldFault
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule, Digest, EscalationStep, Match, Severity
from storage.model.core.accounts import Platform, TargetKind
from storage.model.core.availability import ChangeKind

DESK = "desk@example.org"
PLAIN = AlertRule((DESK,), name="Desk")
FULL = AlertRule(
    (DESK, "apprise:newsroom", "webhook:desk"),
    name="Night desk",
    match=Match(
        lists=frozenset({"Press", "Lawyers, all"}),
        orders=frozenset({"SYN/1"}),
        targets=frozenset({TargetKind.POSTS}),
        platforms=frozenset(Platform),
        countries=frozenset({"IN", "TR"}),
        kinds=frozenset(ChangeKind),
        tags=frozenset({"press", "two words"}),
        min_followers=0,
        executives=True,
        provisional=True,
    ),
    zone="Asia/Kolkata",
    severity=Severity.CRITICAL,
    quiet=QuietHours(time(22), time(7, 30)),
    digest=Digest.WEEKLY,
    digest_at=time(6, 15),
    remind_every=timedelta(hours=1),
    escalation=(
        EscalationStep(timedelta(hours=3), ("editor@example.org", "lead@example.org")),
        EscalationStep(timedelta(days=1), ("apprise:phones",)),
    ),
    engagement=True,
    not_if_unreachable=True,
    settle=timedelta(seconds=3),
    update_after=timedelta(minutes=90),
    flapping_changes=6,
    flapping_period=timedelta(days=2),
)
FORM = RuleForm.of(PLAIN)


@pytest.mark.parametrize(
    ("filled", "sentence"),
    [
        ({"name": ""}, "Name: a rule needs a name of 1 to 80 printable characters."),
        ({"recipients": " \n"}, "Recipients is empty."),
        (
            {"recipients": "nobody"},
            "Recipients: 'nobody' is neither a plain mail address such as desk@example.org nor a channel "
            "such as apprise:newsroom or webhook:desk.",
        ),
        ({"kinds": []}, "Kinds of change: choose at least one."),
        ({"countries": "IN, nowhere"}, "Countries: 'nowhere' is not a country code of two capital letters."),
        ({"min_followers": "many"}, "Followers, at least: 'many' is not a number."),
        ({"zone": "Delhi"}, "Time zone: 'Delhi' is not a time zone; write it like Asia/Kolkata."),
        ({"digest_at": "8"}, "Time of digests: '8' is not a time of day such as 08:00."),
        ({"quiet_from": "22:00"}, "Quiet hours: set both the beginning and the end, or neither."),
        (
            {"quiet_from": "22:00", "quiet_to": "22:00"},
            "Quiet hours: quiet hours must not begin and end at the same time.",
        ),
        ({"quiet_from": "x", "quiet_to": "07:00"}, "Quiet hours: 'x' is not a time of day such as 08:00."),
        ({"remind_every": "soon"}, "Reminder every: 'soon' is not a duration such as 90s, 10m, 6h or 1d."),
        ({"remind_every": "5s"}, "Reminder every must be at least a minute."),
        ({"settle": "0s"}, "Wait for more changes must be longer than zero, and its limit at least 1."),
        ({"update_after": "400d"}, "First update after must not be longer than a year."),
        (
            {"flapping_changes": "0"},
            "Changes that count as going back and forth must be from 2 to 100.",
        ),
        ({"flapping_period": "90m"}, "Back and forth within must be whole days from 1d to 30d."),
        ({"escalation": "3h"}, "Escalation: step 1 of escalation names nobody"),
        ({"escalation": "soon a@b.example"}, "Escalation: 'soon' is not a duration"),
        ({"escalation": "3h x"}, "Escalation: 'x' is neither a plain mail address"),
        (
            {"escalation": "3h a@b.example\n\n2h c@d.example"},
            "Escalation: step 2 of escalation must come later than the step before it.",
        ),
        ({"lists": ["a\0b"]}, "Lists: 'a\\x00b' contains a character that is not allowed."),
    ],
)
def test_an_error_begins_with_the_label_of_the_field(filled: dict[str, Any], sentence: str) -> None:
    form = replace(FORM, **filled)
    with pytest.raises(FieldFault) as fault:
        form.rule()
    assert str(fault.value).startswith(sentence)
    assert sentences_of(form) == f"Not a rule yet. {fault.value}"
    assert text_of(form) is None


@given(
    st.builds(
        RuleForm,
        *(st.none() | st.text(max_size=12) for _ in range(2)),
        *(st.none() | st.lists(st.text(max_size=4), max_size=3) for _ in range(5)),
        *(st.none() | st.text(max_size=8) for _ in range(3)),
        st.none() | st.lists(st.text(max_size=4), max_size=3),
        *(st.none() | st.text(max_size=8) for _ in range(10)),
    )
)
def test_whatever_is_filled_in_is_a_rule_or_one_sentence(form: RuleForm) -> None:
    said = sentences_of(form)
    assert said.endswith(".")
    assert said.startswith("Not a rule yet. ") is (text_of(form) is None)


def test_a_rule_is_told_in_sentences() -> None:
    assert sentences_of(RuleForm.of(FULL)) == (
        "Notifies desk@example.org, apprise:newsroom and webhook:desk of first readings, blocks, "
        "restorations, changes of countries, protection by the owner, posts that are gone and posts "
        "found again, only of posts on Lawyers, all or Press, under SYN/1, on Bluesky or Mastodon or X or "
        "YouTube, in IN or TR, tagged press or two words, with at least 0 followers, of executives, also "
        "when provisional. Sends one digest per week, on Mondays at 06:15 Asia/Kolkata. Also when an "
        "executive engages with an account that an order names. Sends no changes while most measurements "
        "from their countries do not reach the platform. Severity critical, which quiet hours do not delay. "
        "Quiet from 22:00 to 07:30 Asia/Kolkata. Reports an account with 6 changes within 2d "
        "once, and its further changes not for 2d. Sends a reminder every 1h. Notifies "
        "editor@example.org, lead@example.org if nobody acknowledges or takes the incident within 3h. "
        "Notifies apprise:phones if nobody has by 1d."
    )


def test_a_copy_has_a_name_of_its_own() -> None:
    assert copy_name("Desk", {"Desk"}) == "Desk (copy)"
    assert copy_name("Desk", {"Desk", "Desk (copy)"}) == "Desk (copy 2)"
    assert len(copy_name("x" * 80, set())) <= 80

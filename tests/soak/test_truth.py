"""How many emails a confirmed change may be in."""

from datetime import timedelta

import pytest

from tests.soak.truth import has_right_mails


@pytest.mark.parametrize(
    ("said", "kind", "decision", "mails", "days", "is_right"),
    [
        ("a mailed change is in one", "block", "mailed", 1, 0, True),
        ("a mailed change whose email is missing was lost", "block", "mailed", 0, 0, False),
        ("a mailed change in two emails was sent twice", "block", "mailed", 2, 0, False),
        ("a change in the email of a group was sent", "gone", "grouped", 1, 0, True),
        ("a change whose group has no email was lost", "gone", "grouped", 0, 0, False),
        ("a change that waits for more of its group is in none", "block", "waiting", 0, 0, True),
        ("what is gone may wait for the digest", "gone", None, 0, 6, True),
        ("what waits for longer than a digest was forgotten", "gone", None, 0, 9, False),
        ("what was not decided is in none", "gone", None, 1, 0, False),
        ("protection has no rule by default", "protection", "no_rule", 0, 0, True),
        ("a block without a rule was decided wrongly", "block", "no_rule", 0, 0, False),
    ],
)
def test_each_change_is_told_once(
    said: str, kind: str, decision: str | None, mails: int, days: int, is_right: bool
) -> None:
    assert has_right_mails(kind, decision, mails, timedelta(days=days)) == is_right, said

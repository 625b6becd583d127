"""Which rules concern a change, and whom each of them tells."""

from dataclasses import replace

import pytest

from jobs.alerting.matching import match_rules
from storage.model.alerts.alerts import AlertDecision, AlertRow
from storage.model.alerts.rules import AlertRule, Mute
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes

DESK = AlertRule(("desk@example.org",), name="desk")


def alert(new: State = WITHHELD_IN, old: State | None = AVAILABLE, **more: object) -> AlertRow:
    return replace(an_alert(1, a_change(1, new, old), minutes(5), ORDER, REPORTERS), **more)


def test_a_recipient_is_notified_by_the_first_rule_that_matches() -> None:
    both = AlertRule(("desk@example.org", "law@example.org"), name="both")
    found = match_rules(alert(), [a_rule(DESK), a_rule(both, 2), a_rule(replace(DESK, name="late"), 3)], [])
    assert [(c.recipients, c.silence) for c in found] == [
        (("desk@example.org",), None),
        (("law@example.org",), None),
        ((), AlertDecision.DUPLICATE),
    ]


def test_a_rule_without_recipients_says_so() -> None:
    assert [c.silence for c in match_rules(alert(), [a_rule(AlertRule(()))], [])] == [
        AlertDecision.NO_RECIPIENT
    ]


def mute(**more: object) -> Mute:
    return replace(Mute(7, None, None, T0, None, "", "desk"), **more)


@pytest.mark.parametrize(
    ("muted", "expected"),
    [
        pytest.param(mute(account_id=AccountId(1)), AlertDecision.MUTED, id="the account"),
        pytest.param(mute(account_id=AccountId(2)), None, id="another account"),
        pytest.param(mute(list_id=ORDER.list_id), AlertDecision.MUTED, id="a list that it is on"),
        pytest.param(mute(list_id=99), None, id="another list"),
        pytest.param(mute(), AlertDecision.MAINTENANCE, id="everything"),
        pytest.param(mute(until=minutes(6)), AlertDecision.MAINTENANCE, id="until after the change"),
        pytest.param(mute(until=minutes(5)), None, id="until the change"),
        pytest.param(mute(since=minutes(5)), AlertDecision.MAINTENANCE, id="from the change on"),
        pytest.param(mute(since=minutes(9)), None, id="what waited when the mute began is told"),
    ],
)
def test_a_mute_covers_alerts_recorded_while_it_runs(muted: Mute, expected: AlertDecision | None) -> None:
    (claim,) = match_rules(alert(), [a_rule(DESK)], [muted])
    assert (claim.silence, claim.mute_id) == (expected, 7 if expected else None)


def test_a_new_rule_does_not_match_alerts_that_others_handled_before() -> None:
    young = replace(a_rule(DESK, 2), active_since=minutes(9))
    assert match_rules(alert(held=frozenset({1})), [young], []) == []
    assert match_rules(alert(done=frozenset({1})), [young], []) == []

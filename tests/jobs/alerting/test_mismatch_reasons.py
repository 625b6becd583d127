"""Why a rule is not about a change: the first condition that does not hold, in the words of both sides."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jobs.alerting.matching import concerns
from jobs.alerting.mismatch_reasons import RuleCondition, unmatched
from storage.model.alerts.alerts import AlertRow, AlertStage
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.accounts import Platform, TargetKind
from storage.model.core.availability import ChangeKind, State, Status
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, owed_to
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN

BLOCK = replace(
    an_alert(1, a_change(1), T0, ORDER, REPORTERS), tags=frozenset({"press", "farm"}), followers=900
)


def test_a_post_is_not_what_a_rule_about_accounts_asks_for() -> None:
    of_accounts = a_rule(AlertRule((), match=Match(targets=frozenset({TargetKind.ACCOUNTS}))))
    found = unmatched(an_alert(1, a_change(1, is_post=True), T0), of_accounts)
    assert found is not None
    assert found.words == "the rule is about accounts, and this is a post"


def test_a_disabled_rule_is_named_as_the_reason() -> None:
    found = unmatched(BLOCK, a_rule(AlertRule(()), enabled=False))
    assert found is not None
    assert found.condition is RuleCondition.ENABLED


SOME = st.frozensets(st.sampled_from(["a", "b"]), max_size=2)
STATES = st.sampled_from([AVAILABLE, SUSPENDED, WITHHELD_IN, State(Status.WITHHELD, ("IN", "TR"))])


@given(
    st.builds(
        Match,
        lists=st.frozensets(st.sampled_from(["Reporters", "Farmers"])),
        orders=st.frozensets(st.sampled_from(["MeitY 2021-01-31", "EX-9"])),
        targets=st.frozensets(st.sampled_from(TargetKind)),
        platforms=st.frozensets(st.sampled_from(Platform)),
        countries=st.frozensets(st.sampled_from(["IN", "TR"])),
        kinds=st.frozensets(st.sampled_from(ChangeKind)),
        tags=SOME,
        min_followers=st.none() | st.integers(0, 2),
        executives=st.booleans(),
        provisional=st.booleans(),
    ),
    st.builds(
        AlertRow,
        alert_id=st.just(1),
        created_at=st.just(T0),
        change=st.tuples(STATES, STATES, st.booleans()).map(lambda s: a_change(1, *s[:2], is_post=s[2])),
        cohorts=st.sampled_from([(), (ORDER,), (REPORTERS,), (ORDER, REPORTERS)]),
        stage=st.sampled_from(AlertStage),
        tags=SOME,
        followers=st.none() | st.integers(0, 2),
        is_executive=st.booleans(),
        owed=st.sampled_from([{}, owed_to(), owed_to(AlertStage.PROVISIONAL, 2)]),
    ),
)
def test_a_reason_is_given_exactly_if_the_rule_does_not_match(wanted: Match, alert: AlertRow) -> None:
    stored = a_rule(AlertRule(("desk@example.org",), match=wanted))
    assert (unmatched(alert, stored) is None) == concerns(alert, stored)

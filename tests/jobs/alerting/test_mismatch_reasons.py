"""Why a rule is not about a change: the first condition that does not hold, in the words of both sides."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
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
ANYTHING = Match()


@pytest.mark.parametrize(
    ("wanted", "condition", "words"),
    [
        pytest.param(
            Match(kinds=frozenset({ChangeKind.RESTORATION, ChangeKind.PARTIAL})),
            RuleCondition.KINDS,
            "kind of change: the rule asks for partial or restoration, and this is block",
            id="another kind",
        ),
        pytest.param(
            Match(lists=frozenset({"Farmers"})),
            RuleCondition.LISTS,
            "list: the rule asks for Farmers, and this is Order of 31 January, Reporters",
            id="another list",
        ),
        pytest.param(
            Match(orders=frozenset({"EX-9"})),
            RuleCondition.ORDERS,
            "order: the rule asks for EX-9, and this is MeitY 2021-01-31",
            id="another order",
        ),
        pytest.param(
            Match(platforms=frozenset({MASTODON, BLUESKY})),
            RuleCondition.PLATFORMS,
            "platform: the rule asks for Bluesky or Mastodon, and this is X",
            id="another platform",
        ),
        pytest.param(
            Match(targets=frozenset({TargetKind.POSTS})),
            RuleCondition.TARGETS,
            "the rule is about posts, and this is an account",
            id="an account is no post",
        ),
        pytest.param(
            Match(countries=frozenset({"TR"})),
            RuleCondition.COUNTRIES,
            "country: the rule asks for TR, and this is IN",
            id="another country",
        ),
        pytest.param(
            Match(tags=frozenset({"court"})),
            RuleCondition.TAGS,
            "tag: the rule asks for court, and this is farm, press",
            id="another tag",
        ),
        pytest.param(
            Match(min_followers=1000),
            RuleCondition.FOLLOWERS,
            "followers: the rule asks for 1,000 or more, and this is 900",
            id="too few followers",
        ),
        pytest.param(
            Match(executives=True),
            RuleCondition.EXECUTIVES,
            "whose account: the rule asks for an executive's account, and this is another account",
            id="nobody's executive",
        ),
        pytest.param(
            Match(tags=frozenset({"court"}), countries=frozenset({"TR"})),
            RuleCondition.COUNTRIES,
            "country: the rule asks for TR, and this is IN",
            id="the first of two is named",
        ),
    ],
)
def test_a_failed_condition_is_named_with_the_wanted_and_the_actual_value(
    wanted: Match, condition: RuleCondition, words: str
) -> None:
    found = unmatched(BLOCK, a_rule(AlertRule((), match=wanted)))
    assert found is not None
    assert (found.condition, found.words) == (condition, words)


def test_a_post_is_not_what_a_rule_about_accounts_asks_for() -> None:
    of_accounts = a_rule(AlertRule((), match=Match(targets=frozenset({TargetKind.ACCOUNTS}))))
    found = unmatched(an_alert(1, a_change(1, is_post=True), T0), of_accounts)
    assert found is not None
    assert found.words == "the rule is about accounts, and this is a post"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param(
            Match(lists=frozenset({"L"})), "list: the rule asks for L, and the account is on none", id="list"
        ),
        pytest.param(
            Match(min_followers=1),
            "followers: the rule asks for 1 or more, and none is stored",
            id="followers",
        ),
        pytest.param(
            Match(countries=frozenset({"IN"})),
            "country: the rule asks for IN, and it is or was withheld in none",
            id="suspended everywhere is in no country",
        ),
    ],
)
def test_a_missing_value_is_named_as_missing(wanted: Match, words: str) -> None:
    found = unmatched(an_alert(1, a_change(1, SUSPENDED), T0), a_rule(AlertRule((), match=wanted)))
    assert found is not None
    assert found.words == words


@pytest.mark.parametrize(
    ("alert", "wanted", "condition"),
    [
        pytest.param(
            replace(BLOCK, stage=AlertStage.PROVISIONAL),
            ANYTHING,
            RuleCondition.PROVISIONAL,
            id="what is not confirmed is for rules that ask for it",
        ),
        pytest.param(
            replace(BLOCK, stage=AlertStage.WITHDRAWN, owed=owed_to(AlertStage.CONFIRMED, 7)),
            ANYTHING,
            RuleCondition.TOLD_BEFORE,
            id="what is taken back is for those who were told",
        ),
        pytest.param(
            replace(BLOCK, stage=AlertStage.WITHDRAWN, owed=owed_to()),
            Match(countries=frozenset({"TR"})),
            None,
            id="whatever their rule asks for now",
        ),
    ],
)
def test_the_stage_of_an_alert_decides_first(
    alert: AlertRow, wanted: Match, condition: RuleCondition | None
) -> None:
    found = unmatched(alert, a_rule(AlertRule(("desk@example.org",), match=wanted)))
    assert (found and found.condition) == condition


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

"""A rule that can never speak first is found, and only such a rule."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.alerting.matching import match_rules
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage, Cohort
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.alerts.silenced_rules import silenced_by
from storage.model.core.accounts import TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.core.labels import LabelStep
from storage.model.core.reachability import UnreachablePeriod
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert
from tests.support.samples.readings import T0

PEOPLE = ("a@x.example", "b@x.example")
LISTS = [ORDER.name, REPORTERS.name, "nowhere"]


def sets(of: Sequence[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(of), max_size=2)


MATCHES = st.builds(
    Match,
    lists=sets(LISTS),
    targets=st.frozensets(st.sampled_from(TargetKind)),
    platforms=st.sampled_from([frozenset(), frozenset({X})]),
    countries=sets(["IN", "TR"]),
    kinds=st.frozensets(st.sampled_from([ChangeKind.BLOCK, ChangeKind.RESTORATION]), min_size=1),
    tags=sets(["press", "desk"]),
    min_followers=st.sampled_from([None, 0, 5, 50]),
    executives=st.booleans(),
    provisional=st.booleans(),
)
RULES = st.lists(
    st.tuples(
        st.builds(
            AlertRule,
            recipients=st.sampled_from([PEOPLE[:1], PEOPLE[1:], PEOPLE]),
            match=MATCHES,
            digest=st.sampled_from([Digest.NONE, Digest.NONE, Digest.DAILY]),
            not_if_unreachable=st.booleans(),
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def alert_of(
    stage: AlertStage,
    cohorts: tuple[Cohort, ...],
    tags: frozenset[str],
    followers: int | None,
    *,
    chief: bool,
    is_post: bool,
) -> AlertRow:
    row = an_alert(1, a_change(1, is_post=is_post), T0, *cohorts)
    return replace(row, stage=stage, tags=tags, followers=followers, is_executive=chief)


ALERTS = st.builds(
    alert_of,
    st.sampled_from([AlertStage.PROVISIONAL, AlertStage.CONFIRMED]),
    st.sampled_from([(), (ORDER,), (REPORTERS,), (ORDER, REPORTERS)]),
    sets(["press", "desk"]),
    st.sampled_from([None, 0, 7, 70]),
    chief=st.booleans(),
    is_post=st.booleans(),
)


UNREACHABLE = UnreachablePeriod(X, "IN", T0, None)


@given(RULES, st.lists(ALERTS, min_size=1, max_size=8), st.sampled_from([(), (UNREACHABLE,)]))
def test_a_rule_that_is_called_silenced_notifies_nobody_of_any_change(
    rules: list[tuple[AlertRule, bool]], alerts: list[AlertRow], unreachable: tuple[UnreachablePeriod, ...]
) -> None:
    stored = [a_rule(replace(rule, name=f"r{n}"), n, enabled=on) for n, (rule, on) in enumerate(rules)]
    for one in stored:
        if not silenced_by(one, stored):
            continue
        for alert in alerts:
            for found in match_rules(alert, stored, (), unreachable):
                if found.stored.rule_id == one.rule_id:
                    assert found.silence in {AlertDecision.DUPLICATE, AlertDecision.UNREACHABLE}


def named(*rules: AlertRule) -> list[str]:
    """The rules that silence the last one."""
    stored = [a_rule(replace(rule, name=f"r{n}"), n) for n, rule in enumerate(rules)]
    return [one.rule.name for one in silenced_by(stored[-1], stored)]


def test_a_rule_is_silenced_by_wider_ones_before_it_that_reach_all_its_recipients() -> None:
    desk, both = AlertRule(PEOPLE[:1]), AlertRule(PEOPLE)
    on_list = AlertRule(PEOPLE, match=Match(lists=frozenset({"india"})))
    assert named(both, on_list) == ["r0"]
    assert named(desk, on_list) == [], "the second recipient is notified by it alone"
    assert named(desk, AlertRule(PEOPLE[1:]), on_list) == ["r0", "r1"], "two rules together"
    assert named(on_list, both) == [], "a wider rule notifies of more"
    assert named(replace(both, digest=Digest.DAILY), on_list) == [], "a digest comes later"
    assert named(both, replace(on_list, digest=Digest.DAILY)) == [], "a digest repeats what was sent"
    waits = replace(both, not_if_unreachable=True)
    assert named(waits, on_list) == [], "it sends what the first one does not"
    assert named(waits, replace(on_list, not_if_unreachable=True)) == ["r0"], "both are silent then"
    assert named(both, replace(on_list, not_if_unreachable=True)) == ["r0"], "the first one sends it"
    early = AlertRule(PEOPLE, match=Match(provisional=True))
    assert named(both, early) == [], "it speaks at the first sight"
    for more in (AlertRule(PEOPLE, engagement=True), AlertRule(PEOPLE, labels=frozenset(LabelStep)),
                 AlertRule(PEOPLE, networks=True)):  # fmt: skip
        only = replace(more, match=Match(kinds=frozenset()))
        assert named(both, only) == [], "every rule that asks for what is no change gets it"

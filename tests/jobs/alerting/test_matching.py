"""Which rules concern a change, and whom each of them tells."""

from dataclasses import replace
from datetime import timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from jobs.alerting.matching import match_rules
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage
from storage.model.alerts.rules import AlertRule, Digest, Match, Mute
from storage.model.core.accounts import AccountId, TargetKind
from storage.model.core.availability import ChangeKind, State, Status
from storage.model.core.reachability import UnreachablePeriod
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, owed_to
from tests.support.samples.readings import AVAILABLE, PROTECTED, SUSPENDED, T0, WITHHELD_IN, minutes

DESK = AlertRule(("desk@example.org",), name="desk")
POSTS = frozenset({TargetKind.POSTS})
ACCOUNTS = frozenset({TargetKind.ACCOUNTS})
IN_PK = State(Status.WITHHELD, ("IN", "PK"))


def alert(new: State = WITHHELD_IN, old: State | None = AVAILABLE, **more: object) -> AlertRow:
    return replace(an_alert(1, a_change(1, new, old), minutes(5), ORDER, REPORTERS), **more)


def a_post() -> AlertRow:
    return alert(change=a_change(1, is_post=True))


@pytest.mark.parametrize(
    ("match", "row", "expected"),
    [
        pytest.param(Match(), alert(), True, id="an empty match takes every change that is told by default"),
        pytest.param(Match(), alert(PROTECTED), False, id="an owner who locks is told only on demand"),
        pytest.param(Match(), alert(SUSPENDED, None), False, id="a first state is no change"),
        pytest.param(Match(kinds=frozenset({ChangeKind.PROTECTION})), alert(PROTECTED), True, id="on demand"),
        pytest.param(Match(lists=frozenset({"Reporters"})), alert(), True, id="one of the account's lists"),
        pytest.param(Match(lists=frozenset({"Others"})), alert(), False, id="none of the account's lists"),
        pytest.param(
            Match(orders=frozenset({"MeitY 2021-01-31"})), alert(), True, id="an order by reference"
        ),
        pytest.param(Match(orders=frozenset({"MeitY"})), alert(), False, id="not by a part of its reference"),
        pytest.param(Match(platforms=frozenset({BLUESKY})), alert(), False, id="another platform"),
        pytest.param(Match(targets=POSTS), alert(), False, id="an account is no post"),
        pytest.param(Match(targets=POSTS), a_post(), True, id="a post"),
        pytest.param(Match(targets=ACCOUNTS), a_post(), False, id="a post is no account"),
        pytest.param(Match(targets=ACCOUNTS), alert(), True, id="an account"),
        pytest.param(Match(targets=POSTS | ACCOUNTS), a_post(), True, id="both kinds hold a post"),
        pytest.param(Match(), a_post(), True, id="no kind named takes posts too"),
        pytest.param(Match(countries=frozenset({"IN"})), alert(), True, id="withheld in the country"),
        pytest.param(Match(countries=frozenset({"PK"})), alert(), False, id="withheld elsewhere"),
        pytest.param(
            Match(countries=frozenset({"PK"})), alert(WITHHELD_IN, IN_PK), True, id="no longer withheld there"
        ),
        pytest.param(
            Match(countries=frozenset({"IN"})),
            alert(SUSPENDED),
            False,
            id="suspended everywhere is in no country",
        ),
        pytest.param(
            Match(tags=frozenset({"press", "law"})), alert(tags=frozenset({"law"})), True, id="a tag"
        ),
        pytest.param(Match(tags=frozenset({"press"})), alert(), False, id="without the tag"),
        pytest.param(Match(min_followers=100), alert(followers=100), True, id="as many followers"),
        pytest.param(Match(min_followers=100), alert(followers=99), False, id="fewer followers"),
        pytest.param(
            Match(min_followers=0), alert(), False, id="an unknown number of followers is no number"
        ),
        pytest.param(Match(executives=True), alert(), False, id="nobody's account"),
        pytest.param(Match(executives=True), alert(is_executive=True), True, id="an executive's account"),
        pytest.param(Match(), alert(stage=AlertStage.PROVISIONAL), False, id="provisional only on demand"),
        pytest.param(Match(provisional=True), alert(stage=AlertStage.PROVISIONAL), True, id="on demand too"),
        pytest.param(
            Match(lists=frozenset({"Others"})),
            alert(stage=AlertStage.WITHDRAWN, owed=owed_to()),
            True,
            id="who was told is told that it was not so, whatever the rule says now",
        ),
        pytest.param(Match(), alert(stage=AlertStage.WITHDRAWN), False, id="and nobody else is"),
    ],
)
def test_a_rule_matches_alerts_that_meet_all_its_conditions(
    match: Match, row: AlertRow, expected: bool
) -> None:
    assert bool(match_rules(row, [a_rule(replace(DESK, match=match))], [])) is expected


def test_a_disabled_rule_matches_nothing() -> None:
    assert match_rules(alert(), [a_rule(DESK, enabled=False)], []) == []


def test_a_recipient_is_notified_by_the_first_rule_that_matches() -> None:
    both = AlertRule(("desk@example.org", "law@example.org"), name="both")
    found = match_rules(alert(), [a_rule(DESK), a_rule(both, 2), a_rule(replace(DESK, name="late"), 3)], [])
    assert [(c.recipients, c.silence) for c in found] == [
        (("desk@example.org",), None),
        (("law@example.org",), None),
        ((), AlertDecision.DUPLICATE),
    ]


def test_a_digest_repeats_what_alerts_already_sent() -> None:
    daily = replace(DESK, name="daily", digest=Digest.DAILY)
    for rules in ([DESK, daily], [daily, DESK]):
        found = match_rules(alert(), [a_rule(r, i) for i, r in enumerate(rules)], [])
        assert [c.recipients for c in found] == [("desk@example.org",)] * 2


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


def test_a_correction_is_sent_despite_any_mute() -> None:
    back = replace(alert(), stage=AlertStage.WITHDRAWN, owed=owed_to())
    assert [c.silence for c in match_rules(back, [a_rule(DESK)], [mute()])] == [None]


def test_a_later_rule_does_not_notify_muted_recipients_either() -> None:
    found = match_rules(alert(), [a_rule(DESK), a_rule(replace(DESK, name="again"), 2)], [mute()])
    assert {c.silence for c in found} == {AlertDecision.MAINTENANCE}


def test_a_mute_covers_alerts_from_before_its_end_even_a_day_later() -> None:
    over = mute(until=minutes(6) + timedelta(days=0))
    assert match_rules(alert(), [a_rule(DESK)], [over])[0].silence is AlertDecision.MAINTENANCE


IN_ONLY = UnreachablePeriod(X, "IN", T0, None)
PK_TOO = replace(IN_ONLY, country="PK")
WAITS = replace(DESK, not_if_unreachable=True)


@pytest.mark.parametrize(
    ("row", "periods", "expected"),
    [
        pytest.param(alert(), [IN_ONLY], True, id="a block in a country that does not reach the platform"),
        pytest.param(alert(AVAILABLE, WITHHELD_IN), [IN_ONLY], True, id="a restoration is treated the same"),
        pytest.param(alert(IN_PK), [IN_ONLY], False, id="one of two countries reaches it"),
        pytest.param(alert(WITHHELD_IN, IN_PK), [IN_ONLY], False, id="also the one where it is lifted"),
        pytest.param(alert(IN_PK), [IN_ONLY, PK_TOO], True, id="neither of two countries reaches it"),
        pytest.param(alert(), [PK_TOO], False, id="only another country does not reach it"),
        pytest.param(alert(), [], False, id="nothing is known"),
        pytest.param(alert(SUSPENDED), [IN_ONLY], False, id="suspended everywhere is in no country"),
        pytest.param(alert(), [replace(IN_ONLY, platform=BLUESKY)], False, id="another platform"),
        pytest.param(alert(), [replace(IN_ONLY, since=minutes(5))], True, id="known as it was recorded"),
        pytest.param(alert(), [replace(IN_ONLY, since=minutes(6))], False, id="known only afterwards"),
        pytest.param(alert(), [replace(IN_ONLY, until=minutes(6))], True, id="reached again afterwards"),
        pytest.param(alert(), [replace(IN_ONLY, until=minutes(5))], False, id="reached again by then"),
        pytest.param(
            alert(stage=AlertStage.WITHDRAWN, owed=owed_to()), [IN_ONLY], False, id="a correction is sent"
        ),
        pytest.param(
            alert(stage=AlertStage.UNRESOLVED, owed=owed_to(AlertStage.PROVISIONAL)),
            [IN_ONLY],
            False,
            id="and that a change stays unresolved",
        ),
        pytest.param(alert(stage=AlertStage.PROVISIONAL), [IN_ONLY], True, id="a provisional change is not"),
    ],
)
def test_a_rule_that_asks_for_it_sends_nothing_from_countries_that_do_not_reach_the_platform(
    row: AlertRow, periods: list[UnreachablePeriod], expected: bool
) -> None:
    rule = replace(WAITS, match=Match(provisional=True))
    (claim,) = match_rules(row, [a_rule(rule)], [], periods)
    assert claim.silence is (AlertDecision.UNREACHABLE if expected else None)
    (claim,) = match_rules(row, [a_rule(replace(rule, not_if_unreachable=False))], [], periods)
    assert claim.silence is None


def test_a_rule_that_is_silent_for_an_unreachable_platform_leaves_its_recipients_to_later_rules() -> None:
    rules = [a_rule(WAITS), a_rule(replace(DESK, name="all"), 2), a_rule(replace(WAITS, name="late"), 3)]
    found = match_rules(alert(), rules, [], [IN_ONLY])
    assert [(c.recipients, c.silence) for c in found] == [
        (("desk@example.org",), AlertDecision.UNREACHABLE),
        (("desk@example.org",), None),
        ((), AlertDecision.UNREACHABLE),
    ]


def test_a_mute_is_named_before_an_unreachable_platform() -> None:
    (claim,) = match_rules(alert(), [a_rule(WAITS)], [mute()], [IN_ONLY])
    assert (claim.silence, claim.mute_id) == (AlertDecision.MAINTENANCE, 7)


def test_a_new_rule_does_not_match_alerts_that_others_handled_before() -> None:
    young = replace(a_rule(DESK, 2), active_since=minutes(9))
    assert match_rules(alert(held=frozenset({1})), [young], []) == []
    assert match_rules(alert(done=frozenset({1})), [young], []) == []


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(alert(), id="nobody has looked at it"),
        pytest.param(alert(held=frozenset({1, 2})), id="the rule keeps it already"),
        pytest.param(replace(alert(held=frozenset({1})), created_at=minutes(9)), id="it came later"),
    ],
)
def test_a_new_rule_matches_all_other_alerts(row: AlertRow) -> None:
    assert len(match_rules(row, [replace(a_rule(DESK, 2), active_since=minutes(9))], [])) == 1


@pytest.mark.parametrize("stage", [AlertStage.WITHDRAWN, AlertStage.UNRESOLVED])
def test_a_rule_sends_the_outcome_to_the_recipients_that_it_notified(stage: AlertStage) -> None:
    both = replace(DESK, recipients=("law@example.org", "desk@example.org"))
    back = alert(stage=stage, owed=owed_to() | owed_to(to="gone@example.org"))
    assert [c.recipients for c in match_rules(back, [a_rule(both), a_rule(DESK, 2)], [])] == [
        ("desk@example.org",)
    ]
    assert match_rules(back, [a_rule(both, enabled=False)], []) == []

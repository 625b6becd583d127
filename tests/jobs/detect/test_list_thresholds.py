"""Thresholds of lists: which rule an account has, and what the rule of a list changes."""

from datetime import timedelta

import pytest

from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from storage.model.core.accounts import ListId
from storage.model.core.availability import Strength
from storage.model.core.list_thresholds import (
    DatedThresholds,
    ListThresholds,
    ThresholdHistory,
    thresholds_sentence,
)
from tests.support.samples.readings import minutes

RULE = ConfirmationRule()
DESK, WIRE, PLAIN = ListId(1), ListId(2), ListId(3)
HISTORY = ThresholdHistory(
    [
        DatedThresholds(DESK, minutes(10), ListThresholds(1, 1)),
        DatedThresholds(WIRE, minutes(10), ListThresholds(3, 3)),
        DatedThresholds(WIRE, minutes(20), ListThresholds(2, 6)),
        DatedThresholds(WIRE, minutes(30), None),
    ]
)


@pytest.mark.parametrize(
    ("lists", "minute", "needs"),
    [
        pytest.param([], 15, (2, 4), id="an account on no list has the default rule"),
        pytest.param([PLAIN], 15, (2, 4), id="and so has one whose lists have no thresholds"),
        pytest.param([DESK], 9, (2, 4), id="thresholds do not hold before their time"),
        pytest.param([DESK], 10, (1, 1), id="they hold from then on"),
        pytest.param([DESK, WIRE], 15, (3, 3), id="on several lists the strictest holds"),
        pytest.param([DESK, WIRE], 20, (2, 6), id="newer ones replace older ones"),
        pytest.param([DESK, PLAIN], 15, (2, 4), id="a list without its own asks for the default"),
        pytest.param([WIRE], 30, (2, 4), id="a list can go back to the default"),
    ],
)
def test_the_rule_of_an_account_is_the_strictest_of_its_lists(
    lists: list[ListId], minute: int, needs: tuple[int, int]
) -> None:
    rule = RuleOfLists(RULE, HISTORY).at(lists, minutes(minute))
    assert (rule.strong_readings, rule.weak_readings) == needs


def test_a_list_that_asks_for_more_readings_gets_them_later() -> None:
    rule = RULE.for_lists([ListThresholds(2, 6)])
    hours = [offset / timedelta(hours=1) for offset in rule.offsets[3:]]
    assert rule.offsets[:4] == RULE.offsets
    assert hours == [1, 4, 7]


def test_a_list_does_not_change_when_a_state_is_settled() -> None:
    """A list that asks for one reading must not narrow the intervals of a platform that answers stale."""
    early = RULE.for_lists([ListThresholds(1, 1)])
    for agreeing, settled in ((1, False), (2, True)):
        assert early.settles(Strength.STRONG, agreeing, timedelta(hours=1)) is settled


@pytest.mark.parametrize(("strong", "weak"), [(0, 4), (3, 2), (2, 7), (7, 7)])
def test_numbers_that_no_list_can_have_are_refused(strong: int, weak: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 6, and a mere absence must need at least as many"):
        ListThresholds(strong, weak)


def test_the_sentence_says_what_the_numbers_mean() -> None:
    assert thresholds_sentence(ListThresholds(1, 3)) == (
        "A change that the platform states itself (a country, “suspended”, the account back) is confirmed by "
        "the first reading. A mere absence is confirmed once 3 readings show it, or one fewer while the list "
        "is busy."
    )
    assert thresholds_sentence(None).startswith("This list has no thresholds of its own. ")

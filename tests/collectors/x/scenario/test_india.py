"""The India 2021 scenario keeps the published totals exactly and is the same on every machine."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from collectors.simulator.engagement_file import parse_acts
from collectors.simulator.history import HistoryAccount, parse_history
from collectors.x.declaration import post_of
from collectors.x.scenario.india import Scenario, pace, scenario
from storage.model.core.signals import SignalKind

ORDER_1 = "Order 1: 257 accounts"
ORDER_2 = "Order 2: 1,178 accounts"


@pytest.fixture(scope="module")
def story() -> Scenario:
    return scenario()


@pytest.fixture(scope="module")
def truth(story: Scenario) -> dict[str, HistoryAccount]:
    return {a.native_id: a for a in parse_history(story.to_csv(), "india.csv").accounts}


def members(story: Scenario, name: str) -> set[str]:
    """The accounts on a list, without its posts."""
    on_it = next({a.native_id for a in each.accounts} for each in story.lists if each.name == name)
    return {native_id for native_id in on_it if post_of(native_id) is None}


def on(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2021, 2, day, hour, minute, tzinfo=UTC)


def test_300_accounts_are_under_no_order_and_almost_none_of_them_ever_changes(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    listed = set[str]().union(*(members(story, each.name) for each in story.lists))
    quiet = listed - members(story, ORDER_1) - members(story, ORDER_2)
    assert len(quiet) == 300
    changed = [i for i in quiet if len(truth[i].states) > 1]
    assert len(changed) == 5
    assert not any(state.status.is_blocked for i in quiet for state in truth[i].states)


def test_both_executives_act_on_most_days_with_a_burst_between_notice_and_second_order(
    story: Scenario,
) -> None:
    acts = parse_acts(story.acts_csv(), "acts.csv")
    assert Counter(acts) == Counter(story.acts)
    for executive in story.executives:
        own = [a for a in acts if a.actor_id == executive.account.native_id]
        days = Counter(a.at.date() for a in own)
        assert len(days) == 14
        in_burst = sum(on(3, 14) <= a.at <= on(4, 5) for a in own)
        assert in_burst > 2 * (len(own) - in_burst) / 14
    kinds = {a.kind for a in acts}
    assert kinds == {SignalKind.POST, SignalKind.REPOST, SignalKind.QUOTE, SignalKind.REPLY}
    assert len({a.post_id for a in acts}) == len(acts)


def test_outside_the_scenario_the_pace_is_that_of_the_nearest_stretch(story: Scenario) -> None:
    assert pace(story.start - timedelta(days=9)) == pace(story.start)
    assert pace(story.end + timedelta(days=9)) == pace(story.end - timedelta(hours=1))

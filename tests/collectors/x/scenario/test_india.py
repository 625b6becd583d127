"""The India 2021 scenario keeps the published totals exactly and is the same on every machine."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from collectors.simulator.engagement_file import parse_acts
from collectors.simulator.history import HistoryAccount, parse_history
from collectors.x.declaration import post_of
from collectors.x.scenario.india import REAL_SECONDS, Scenario, pace, scenario
from storage.model.core.availability import Status
from storage.model.core.orders import OrderEventKind
from storage.model.core.signals import SignalKind

ORDER_1 = "Order 1: 257 accounts"
ORDER_2 = "Order 2: 1,178 accounts"
LATE = "Request of 2 Feb: 62 accounts"


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


def named_posts(story: Scenario) -> set[str]:
    """The posts on all lists."""
    on_lists = {a.native_id for each in story.lists for a in each.accounts}
    return {native_id for native_id in on_lists if post_of(native_id) is not None}


def on(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2021, 2, day, hour, minute, tzinfo=UTC)


def standing(truth: dict[str, HistoryAccount], ids: set[str], at: datetime) -> Counter[Status]:
    return Counter(truth[i].at(at).status for i in ids)


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    assert scenario(7) == scenario(7)
    assert scenario(7).rows != scenario(8).rows


@pytest.mark.parametrize(
    ("name", "size"),
    [
        (ORDER_1, 257),
        (ORDER_2, 1178),
        (LATE, 62),
        ("Reporters", 260),
        ("Unions", 275),
        ("Local news", 70),
    ],
)
def test_each_list_has_its_number_of_accounts(story: Scenario, name: str, size: int) -> None:
    assert len(members(story, name)) == size


def test_the_two_orders_share_no_account_and_the_late_request_repeats_part_of_the_first(
    story: Scenario,
) -> None:
    assert not members(story, ORDER_1) & members(story, ORDER_2)
    assert members(story, LATE) < members(story, ORDER_1)


def test_300_accounts_are_under_no_order_and_almost_none_of_them_ever_changes(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    listed = set[str]().union(*(members(story, each.name) for each in story.lists))
    quiet = listed - members(story, ORDER_1) - members(story, ORDER_2)
    assert len(quiet) == 300
    changed = [i for i in quiet if len(truth[i].states) > 1]
    assert len(changed) == 5
    assert not any(state.status.is_blocked for i in quiet for state in truth[i].states)


def test_nobody_real_is_named_since_ids_and_handles_are_outside_what_x_gives_out(story: Scenario) -> None:
    everyone = {(row.account_id, row.handle) for row in story.rows}
    assert all(9 * 10**18 <= int(native_id.removeprefix("post:")) < 2**63 for native_id, _ in everyone)
    assert all(len(handle.partition("/")[0]) > 15 for _, handle in everyone)
    assert len({handle for _, handle in everyone}) == len(everyone)


def test_250_of_the_257_are_withheld_in_india_within_the_hour_after_noon_and_7_never(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    named = members(story, ORDER_1)
    onsets = [
        at
        for i in named
        for at, state in zip(truth[i].times, truth[i].states, strict=True)
        if state.withheld_in == ("IN",) and at < on(2)
    ]
    assert len(onsets) == 250
    assert on(1, 6, 30) < min(onsets)
    assert max(onsets) - min(onsets) < timedelta(hours=1)
    assert standing(truth, named, on(1, 10))[Status.WITHHELD] == 250
    assert sum(len(truth[i].states) == 1 for i in named) >= 7
    assert not any(onset.date() == on(1).date() for i in members(story, ORDER_2) for onset in truth[i].times)


def test_all_250_are_back_the_same_evening_after_four_and_a_half_to_six_hours(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    spells = [
        truth[i].times[2] - truth[i].times[1]
        for i in members(story, ORDER_1)
        if len(truth[i].times) > 2 and truth[i].times[1] < on(2)
    ]
    assert len(spells) == 250
    assert timedelta(hours=4.5) <= min(spells)
    assert max(spells) < timedelta(hours=6)
    assert standing(truth, members(story, ORDER_1), on(1, 13)) == {Status.AVAILABLE: 257}


def test_at_six_in_the_evening_in_india_the_restoration_is_half_done(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    still = standing(truth, members(story, ORDER_1), on(1, 12, 30))[Status.WITHHELD]
    assert 0 < still < 250


@pytest.mark.parametrize("at", [on(11, 12), on(11, 23, 59)], ids=["when the press counts", "at the end"])
@pytest.mark.parametrize(
    ("name", "withheld", "suspended"), [(ORDER_1, 74, 52), (ORDER_2, 331, 252)], ids=["126", "583"]
)
def test_the_acted_on_are_exactly_those_of_the_press(
    story: Scenario,
    truth: dict[str, HistoryAccount],
    name: str,
    withheld: int,
    suspended: int,
    at: datetime,
) -> None:
    counts = standing(truth, members(story, name), at)
    assert (counts[Status.WITHHELD], counts[Status.SUSPENDED]) == (withheld, suspended)
    assert counts[Status.DEACTIVATED] == (6 if name == ORDER_1 else 24)


def test_the_drift_grows_over_six_days_and_some_of_it_falls_into_the_outage(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    ids = members(story, ORDER_1) | members(story, ORDER_2)
    blocked = [
        sum(n for status, n in standing(truth, ids, on(day)).items() if status.is_blocked)
        for day in range(5, 12)
    ]
    assert blocked[0] == 0
    assert blocked == sorted(blocked)
    since, until = story.outage.since, story.outage.until
    assert until is not None
    assert until - since == timedelta(hours=8, minutes=30)
    assert any(since < at < until for i in ids for at in truth[i].times)


def test_nine_are_withheld_during_the_drift_and_restored_again(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    def restored_late(account: HistoryAccount) -> bool:
        pairs = zip(account.times[1:], account.states, account.states[1:], strict=False)
        return any(at > on(3) and a.status.is_blocked and not b.status.is_blocked for at, a, b in pairs)

    assert sum(map(restored_late, truth.values())) == 9 + 8
    assert sum(restored_late(truth[i]) for i in named_posts(story)) == 8


def test_the_second_order_also_names_40_posts_of_which_31_are_withheld_and_8_of_them_released(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    posts = named_posts(story)
    assert posts == {
        a.native_id for each in story.lists if each.name == ORDER_2 for a in each.accounts
    } - members(story, ORDER_2)
    assert len(posts) == 40
    assert sum(s.withheld_in == ("IN",) for i in posts for s in truth[i].states) == 31
    assert standing(truth, posts, on(11, 23)) == {
        Status.WITHHELD: 31 - 8,
        Status.AVAILABLE: 8 + 40 - 31 - 3,
        Status.NOT_FOUND: 3,
    }
    arrives = next(order.known_at for order in story.orders if order.list_name == ORDER_2)
    assert all(at > arrives for i in posts for at in truth[i].times[1:])


def test_the_author_of_a_post_that_is_named_is_named_too_and_stays_available(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    accounts = {truth[i].handles[0]: truth[i] for i in members(story, ORDER_2)}
    authors = [truth[i].handles[0].partition("/")[0] for i in named_posts(story)]
    assert all(accounts[author].handles == (author,) for author in authors)
    assert {s.status for author in authors for s in accounts[author].states} == {Status.AVAILABLE}


def test_five_owners_lock_and_unlock_again_and_again(truth: dict[str, HistoryAccount]) -> None:
    protected = [sum(s.status is Status.PROTECTED for s in a.states) for a in truth.values()]
    assert sum(n >= 3 for n in protected) == 5


def test_six_accounts_are_renamed_once(truth: dict[str, HistoryAccount]) -> None:
    assert [len(a.handles) for a in truth.values() if len(a.handles) > 1] == [2] * 6


def test_every_change_is_irregular_to_the_second_and_inside_the_scenario(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    changes = [at for a in truth.values() for at in (*a.times[1:], *a.handle_times[1:])]
    assert all(story.start < at < story.end for at in changes)
    assert all(at.second and not at.microsecond for at in changes)
    assert len({at.second for at in changes}) == 59


def test_the_control_accounts_never_change_and_one_of_them_is_suspended(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    assert [c.expected for c in story.canaries if post_of(c.account.native_id) is None] == [
        Status.AVAILABLE,
        Status.SUSPENDED,
    ]
    assert [c.expected for c in story.canaries if post_of(c.account.native_id) is not None] == [
        Status.AVAILABLE,
        Status.NOT_FOUND,
    ]
    for canary in story.canaries:
        account = truth[canary.account.native_id]
        assert [s.status for s in account.states] == [canary.expected]
        assert not account.lists


def test_the_history_file_names_every_list_of_an_account(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    for each in story.lists:
        assert {i for i, a in truth.items() if each.name in a.lists} == {a.native_id for a in each.accounts}


def test_lists_of_orders_are_enlisted_when_the_order_arrives_and_the_others_at_the_start(
    story: Scenario,
) -> None:
    arrival = {order.list_name: order.known_at for order in story.orders}
    assert {each.name: each.enlist_at for each in story.lists} == {
        "Reporters": story.start,
        "Unions": story.start,
        "Local news": story.start,
        **arrival,
    }
    assert arrival[ORDER_2].date() == on(4).date()


def test_disputed_dates_stay_ranges_and_one_order_arrives_four_days_late(story: Scenario) -> None:
    first, second, late = story.orders
    assert first.issued_from == datetime(2021, 1, 30, tzinfo=UTC)
    assert first.issued_to == on(1)
    assert (second.named_count, second.issued_from) == (1178, None)
    assert late.known_at - late.issued_at > timedelta(days=4)
    assert all(order.known_at >= order.issued_at for order in story.orders)


@pytest.mark.parametrize(
    ("day", "words", "kind"),
    [
        (3, "non-compliance", OrderEventKind.NOTICE),
        (8, "becomes public", OrderEventKind.STATEMENT),
        (8, "liked posts", OrderEventKind.CLAIM),
        (10, "more than 500", OrderEventKind.CLAIM),
        (11, "126 of the 257", OrderEventKind.CLAIM),
        (11, "583 of the 1,178", OrderEventKind.CLAIM),
    ],
)
def test_what_was_said_is_kept_with_its_source_and_its_kind(
    story: Scenario, day: int, words: str, kind: OrderEventKind
) -> None:
    (event,) = [e for e in story.events if words in e.text]
    assert (event.at.date(), event.kind) == (on(day).date(), kind)
    assert event.source
    assert event.known_at >= event.at


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


def test_the_demo_takes_about_105_seconds_and_shows_the_first_block_within_15(
    story: Scenario, truth: dict[str, HistoryAccount]
) -> None:
    first_block = min(
        at
        for a in truth.values()
        for at, s in zip(a.times[1:], a.states[1:], strict=True)
        if s.status.is_blocked
    )
    played = 0.0
    reached: dict[datetime, float] = {}
    at = story.start
    while at < story.end:
        reached[at] = played
        at += timedelta(minutes=1)
        played += 60 / pace(at - timedelta(minutes=1))
    minute = first_block.replace(second=0)
    assert reached[minute] < 15
    assert 20 < reached[on(1, 13, 30)] - reached[on(1, 6, 30)] < 30
    assert played == pytest.approx(REAL_SECONDS)
    assert 100 <= played <= 110


def test_outside_the_scenario_the_pace_is_that_of_the_nearest_stretch(story: Scenario) -> None:
    assert pace(story.start - timedelta(days=9)) == pace(story.start)
    assert pace(story.end + timedelta(days=9)) == pace(story.end - timedelta(hours=1))

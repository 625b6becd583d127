"""A ceiling of account-days: what may be read on a day, and who watches for the lists."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.x.declaration import DECLARATION, X
from dashboard.health import daily_cost_limit_words
from jobs.planning.change_rates import Positions
from jobs.planning.daily_bill import DailyBill, Refusal, billing_day, earliest_billable, next_day
from jobs.planning.sentinels import choose_sentinels, parts_of_lists
from storage.model.core.coverage import WhyRead
from storage.model.limits.daily_cost_shares import CostLimitShares, divide, sentinels_of
from storage.work.daily_cost_limit import DailyCostLimit, ListBill, StoredDailyBill

FEBRUARY = datetime(2021, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minute", "day"),
    [
        pytest.param(-3, 31, id="what is asked three minutes before midnight is billed on the old day"),
        pytest.param(-1, None, id="what is asked a minute before midnight may be billed on either"),
        pytest.param(0.5, None, id="so may what is asked just after it, if clocks differ"),
        pytest.param(1, 1, id="a minute after midnight the new day has begun"),
    ],
)
def test_on_which_day_a_request_is_billed(minute: float, day: int | None) -> None:
    at = FEBRUARY + timedelta(minutes=minute)
    told = billing_day(at)
    assert (told and told.day) == day
    assert earliest_billable(at) == (at if day else FEBRUARY + timedelta(minutes=1))
    assert next_day(at) == FEBRUARY + timedelta(days=day == 1, minutes=1)


@pytest.mark.parametrize(
    ("most", "accounts", "sentinels", "in_turn", "round_days"),
    [
        pytest.param(
            2000, 20_000, 180, 1176, 18, id="three tenths are kept, and everybody has a turn in 18 days"
        ),
        pytest.param(200, 1_000, 60, 98, 11, id="there is a turn for one whole roster a day"),
        pytest.param(5000, 1_000, 30, 1_000, 1, id="where all can be paid for nothing is kept"),
        pytest.param(50, 1_000, 15, 0, None, id="less than a roster is no turn, and that is said"),
    ],
)
def test_how_a_day_is_divided(
    most: int, accounts: int, sentinels: int, in_turn: int, round_days: int | None
) -> None:
    sizes = [min(98, accounts - i) for i in range(0, accounts, 98)]
    shares = divide(most, sizes, 4, sentinels)
    assert (shares.in_turn, shares.round_days) == (in_turn, round_days)


@given(st.lists(st.integers(1, 12), max_size=8), st.integers(0, 40))
def test_as_many_sentinels_are_chosen_of_each_list_as_are_planned_for(sizes: list[int], most: int) -> None:
    ends = np.cumsum([0, *sizes])
    lists: list[Positions] = [np.arange(a, b) for a, b in pairwise(ends)]
    chosen = choose_sentinels(lists, np.arange(sum(sizes)), most)
    assert [int(np.isin(members, chosen).sum()) for members in lists] == sentinels_of(sizes, most)


def test_an_account_that_is_paid_for_is_read_again_for_nothing() -> None:
    days = DailyBill(100)
    days.begin(FEBRUARY + timedelta(hours=1))
    assert days.pay(["1", "2"], WhyRead.AGAIN) is None
    assert days.pay(["1", "2"], WhyRead.AHEAD) is None
    assert days.total == 2
    days.begin(FEBRUARY + timedelta(hours=25))
    assert days.total == 0


def test_the_sweep_uses_its_share_and_leaves_the_rest_to_others() -> None:
    days = DailyBill(100)
    days.begin(FEBRUARY + timedelta(hours=1))
    days.share_out(CostLimitShares(100, controls=10, sentinels=5, in_turn=60, round_days=9), ["s1", "s2"])
    assert days.pay(map(str, range(60)), WhyRead.TURN) is None
    assert days.pay(["60"], WhyRead.TURN) is Refusal.SHARE
    assert days.room(WhyRead.AHEAD) == 28
    assert days.pay([f"b{n}" for n in range(29)], WhyRead.AHEAD) is Refusal.RESERVE
    assert len(days.waiting) == 29
    assert days.pay(["s1", "s2"], WhyRead.SENTINEL) is None
    assert days.room(WhyRead.AHEAD) == 28


def test_a_post_is_paid_for_at_its_own_price() -> None:
    days = DailyBill(100, DECLARATION.accounts_billed)
    days.begin(FEBRUARY + timedelta(hours=1))
    posts = [f"post:{n}" for n in range(1, 68)]
    assert days.cost([*posts[:2], "7"]) == 4  # $0.015 each, and $0.010
    assert days.pay(posts, None) is Refusal.RESERVE
    assert days.pay(posts[:66], None) is None
    assert (days.total, days.room(None)) == (99, 1)
    assert days.pay(["7", "8"], None) is Refusal.RESERVE
    assert days.pay(["7"], None) is None


WANTED = st.tuples(
    st.integers(0, 3 * 24 * 60), st.sets(st.integers(0, 400), max_size=90), st.sampled_from([None, *WhyRead])
)


@given(most=st.integers(0, 300), asked=st.lists(WANTED, max_size=60))
def test_no_day_costs_more_than_its_ceiling(
    most: int, asked: list[tuple[int, set[int], WhyRead | None]]
) -> None:
    days = DailyBill(most)
    billed: dict[date, set[str]] = {}
    for minute, ids, why in sorted(asked, key=lambda a: a[0]):
        now = FEBRUARY + timedelta(minutes=minute)
        wanted = {str(i) for i in ids}
        if days.begin(now) and days.pay(wanted, why) is None:
            billed.setdefault(now.date(), set()).update(wanted)
            days.share_out(divide(most, [98, 98], 4, 20), [str(i) for i in range(20)])
    assert all(len(ids) <= most for ids in billed.values())


@pytest.mark.parametrize(
    ("sizes", "most", "number"),
    [
        pytest.param([100, 50, 3], 100, [5, 5, 3], id="five of each, or all of a list that has fewer"),
        pytest.param([100, 50, 3], 8, [3, 3, 2], id="where not so many are paid for, every list has as many"),
        pytest.param([100, 50, 3], 2, [1, 1, 0], id="where not even one each, the smallest have none"),
    ],
)
def test_every_list_has_its_sentinels(sizes: list[int], most: int, number: list[int]) -> None:
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    lists: list[Positions] = [np.arange(start, start + n) for start, n in zip(starts, sizes, strict=True)]
    chosen = choose_sentinels(lists, np.arange(sum(sizes)), most)
    assert [int(np.isin(members, chosen).sum()) for members in lists] == number


def test_of_a_list_a_part_can_be_paid_for_alone() -> None:
    parts = parts_of_lists([np.arange(257), np.arange(257, 270)], [np.inf, 60.0], 98)
    assert [(len(p.accounts), p.lists, p.every_s) for p in parts] == [
        *[(43, (0,), np.inf)] * 5, (42, (0,), np.inf), (13, (1,), 60.0)
    ]  # fmt: skip


def test_a_bill_says_what_was_paid_for_who_waits_and_which_list_nobody_watches() -> None:
    bill = StoredDailyBill(
        X,
        date(2021, 2, 1),
        DailyCostLimit(most=500, in_turn=294, sentinels=5, round_days=7, waiting=63),
        {WhyRead.TURN: 294, WhyRead.SENTINEL: 5, None: 2},
        [ListBill("order 1", 250, 40), ListBill("order 2", 3, 0)],
    )
    assert daily_cost_limit_words.daily_spend(bill) == (
        "$3.01 of $5.00 on 2021-02-01 UTC: 301 of 500 accounts, of which 294 scheduled, 5 sentinels, "
        "2 control accounts"
    )
    assert daily_cost_limit_words.daily_spend(replace(bill, posts=20)) == (
        "$3.31 of $5.00 on 2021-02-01 UTC: 301 of 500 accounts, of which 294 scheduled, 5 sentinels, "
        "2 control accounts; and 20 posts"
    )
    assert daily_cost_limit_words.daily_limit_notes(bill) == [
        "Every account has a scheduled read within 7 days.",
        "The daily cost limit is reached. Additional reads of 63 accounts wait for the next UTC day.",
        "No sentinel account is paid for on this list: order 2.",
    ]

"""A ceiling of account-days: what may be read on a day, and who watches for the lists."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collectors.x.declaration import X
from dashboard.health import daily_cost_limit_words
from jobs.planning.change_rates import Positions
from jobs.planning.daily_bill import DailyBill
from jobs.planning.sentinels import choose_sentinels
from storage.model.core.coverage import WhyRead
from storage.model.limits.daily_cost_shares import divide, sentinels_of
from storage.work.daily_cost_limit import DailyCostLimit, ListBill, StoredDailyBill

FEBRUARY = datetime(2021, 2, 1, tzinfo=UTC)


@given(st.lists(st.integers(1, 12), max_size=8), st.integers(0, 40))
def test_as_many_sentinels_are_chosen_of_each_list_as_are_planned_for(sizes: list[int], most: int) -> None:
    ends = np.cumsum([0, *sizes])
    lists: list[Positions] = [np.arange(a, b) for a, b in pairwise(ends)]
    chosen = choose_sentinels(lists, np.arange(sum(sizes)), most)
    assert [int(np.isin(members, chosen).sum()) for members in lists] == sentinels_of(sizes, most)


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

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
"""How long it takes until accounts are restored: what is said of a cohort, and what is not."""

import warnings
from datetime import timedelta
from itertools import pairwise
from math import inf, isinf

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from dashboard.orders.restoration_estimate import ROUNDING, intervals, restoration
from dashboard.orders.restoration_limits import LEAST_ORDERS, share_limits
from dashboard.orders.restoration_page import restoration_figure
from storage.model.orders.restoration import BlockedFor, BlockEnd, NoShare, RestorationEstimate
from tests.support.repeats import repeats
from tests.support.samples.restoration_cohorts import HOUR, cohort

HOURLY = timedelta(hours=1)
DAY = timedelta(days=1)


RESTORED, STILL = BlockEnd.RESTORED, BlockEnd.STILL_BLOCKED


def lasted(
    shortest: float,
    longest: float | None,
    *,
    order: str | None = "A 1",
    account_id: int = 1,
    start: float = 1,
) -> BlockedFor:
    end = STILL if longest is None else RESTORED
    upper = None if longest is None else longest * HOUR
    return BlockedFor(account_id, order, shortest * HOUR, upper, start * HOUR, end)


@pytest.mark.parametrize("seed", range(6))
def test_the_figures_are_those_of_lifelines_run_by_hand_on_the_intervals(seed: int) -> None:
    seen = cohort(seed, all_seen=False).seen
    told = restoration(seen, HOURLY)

    lower, upper = zip(*intervals(seen), strict=True)
    days = [s.after.total_seconds() for s in told.shares]
    by_hand = KaplanMeierFitter().fit_interval_censoring(lower, upper, timeline=days).survival_function_
    for share, (_, row) in zip(told.shares, by_hand.iterrows(), strict=True):
        if share.bounds is not None:
            assert share.bounds == pytest.approx(
                (row["NPMLE_estimate_lower"], row["NPMLE_estimate_upper"]), abs=1e-6
            )
    whole = KaplanMeierFitter().fit_interval_censoring(lower, upper)
    assert told.median is not None
    low, high = told.median
    assert abs(low.total_seconds() - _crossing(whole, "lower")) < 1e-3
    assert (inf if high is None else high.total_seconds()) == pytest.approx(_crossing(whole, "upper"))


HOURS = st.integers(0, 60)
SAMPLES = st.lists(
    st.tuples(HOURS, st.none() | HOURS).map(lambda t: lasted(t[0], None if t[1] is None else t[0] + t[1])),
    max_size=15,
)


@settings(max_examples=repeats(60, 1000), deadline=None)
@given(sample=SAMPLES)
def test_the_curve_is_that_of_lifelines_at_every_end_of_an_interval(sample: list[BlockedFor]) -> None:
    ends = intervals(sample)
    assume(max((low for low, _ in ends), default=0) > min((high for _, high in ends), default=inf))
    with warnings.catch_warnings(record=True) as endless:
        warnings.simplefilter("always")
        by_hand = KaplanMeierFitter().fit_interval_censoring(*zip(*ends, strict=True), max_iter=500)
    assume(not endless)

    told = restoration(sample, HOURLY).curve

    rows = [(at / 86_400, row.min(), row.max()) for at, row in by_hand.survival_function_.iterrows()]
    inside = [row for row in rows if 0 < row[0] < inf]
    curve = list(zip(told.days, told.lower, told.upper, strict=True))[1:-1]
    assert [at for at, _, _ in curve] == [at for at, _, _ in inside]
    assert [share for row in curve for share in row[1:]] == pytest.approx(
        [share for row in inside for share in row[1:]], abs=1e-9
    )


def test_a_likelihood_that_rounding_lets_fall_for_ever_is_at_its_highest() -> None:
    """lifelines takes 100,000 steps here, and then the same."""
    bounds = [(44, 71), (38, None), (21, 35), (45, 75), (49, 68), (46, 67), (37, 67)]

    told = restoration([lasted(low, high) for low, high in bounds], HOURLY)

    curve = {
        round(24 * day): share for day, share in zip(told.curve.days[:-1], told.curve.upper, strict=False)
    }
    assert [curve[hour] for hour in (35, 37, 67, 68)] == pytest.approx([1, 6 / 7, 6 / 7, 0])


def _crossing(fitted: KaplanMeierFitter, side: str) -> float:
    """The last time at which the curve is above one half, what iteration leaves open allowed for."""
    least = 0.5 + (ROUNDING if side == "lower" else -ROUNDING)
    curve = fitted.survival_function_[f"NPMLE_estimate_{side}"].items()
    return max(float(str(at)) for at, share in curve if share > least)


@pytest.mark.slow
def test_on_cohorts_with_known_medians_the_limits_hold_the_truth() -> None:
    """The limits promise 99 % of cohorts, whatever their law: 95 % of 200 leaves room for chance only."""
    every, seen_only, bounded, shares, of = 0, 0, 0, 0, 0
    for seed in range(100):
        whole, partly = cohort(seed, all_seen=True), cohort(seed, all_seen=False)
        told = restoration(whole.seen, whole.gap)
        every += _holds(told, whole.median)
        bounded += told.median_limits is not None and told.median_limits[1] is not None
        seen_only += _holds(restoration(partly.seen, partly.gap), partly.median_seen)
        for share in told.shares:
            if share.limits is not None:
                shares += share.limits[0] <= whole.still_blocked(share.after / HOUR) <= share.limits[1]
                of += 1

    assert every >= 95
    assert seen_only >= 95
    assert bounded > 40
    assert of > 150
    assert shares >= 0.95 * of


def _holds(told: RestorationEstimate, median: float) -> bool:
    """Whether the limits do, which always hold the estimate too."""
    assert told.median is not None
    assert told.median_limits is not None
    (low, high), (least, most) = told.median, told.median_limits
    assert least <= low
    assert most is None or (high is not None and high <= most)
    return least / HOUR <= median and (most is None or median <= most / HOUR)


def test_of_nothing_nothing_is_said() -> None:
    told = restoration([], HOURLY)

    assert (told.spells, told.median, told.median_limits) == (0, None, None)
    assert {s.missing for s in told.shares} == {NoShare.NO_SPELLS}
    assert told.sentences[0] == "No block of an account was seen to begin, so there are no figures."


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param([], id="nothing was seen"),
        pytest.param([lasted(8, 12), lasted(30, None)], id="one order"),
        pytest.param([lasted(8, 12), lasted(9, None, order=None)], id="one order, and one block of none"),
        pytest.param([lasted(8, 12, order=None)], id="no order"),
        pytest.param([lasted(8, 12), lasted(8, 12, order="A 2")], id="two orders"),
        pytest.param(
            [lasted(8, 12, order=f"A {n}") for n in range(LEAST_ORDERS)], id="enough orders for a band"
        ),
        pytest.param(
            [
                lasted(8, 12),
                BlockedFor(2, "A 1", 9 * HOUR, None, HOUR, BlockEnd.GONE),
                BlockedFor(3, "A 1", 900 * HOUR, None, None, RESTORED),
            ],
            id="one is gone, and one was blocked before anybody looked",
        ),
    ],
)
def test_an_estimate_of_posts_has_the_same_figures_and_never_calls_a_post_an_account(
    sample: list[BlockedFor],
) -> None:
    of_posts, of_accounts = restoration(sample, HOURLY, noun="post"), restoration(sample, HOURLY)

    assert (of_posts.median, of_posts.shares) == (of_accounts.median, of_accounts.shares)
    about_author = [s for s in of_posts.sentences if "account" in s]
    assert about_author == [s for s in of_posts.sentences if s.startswith("A post that is blocked with its")]
    assert len(about_author) == bool(sample)
    assert [s for s in of_accounts.sentences if "post" in s] == []
    assert len(of_posts.sentences) == len(of_accounts.sentences) + len(about_author)


@pytest.mark.parametrize(
    ("sample", "median"),
    [
        pytest.param([lasted(8, 12)], (8, 12), id="one spell"),
        pytest.param([lasted(8, None)], (8, None), id="one that goes on"),
        pytest.param([lasted(8, 8)], (8, 8), id="one that is known exactly"),
        pytest.param([lasted(8, 12)] * 40, (8, 12), id="all alike"),
        pytest.param([lasted(8, None), lasted(30, None)], (30, None), id="all still blocked"),
        pytest.param([lasted(8, 12), lasted(10, 14)], (10, 12), id="all overlap"),
        pytest.param(
            [lasted(0, 1), lasted(1, 2), lasted(2, 3)], (1, 2), id="intervals that touch do not meet"
        ),
        pytest.param([lasted(1, 1), lasted(2, 2), lasted(3, 3)], (2, 2), id="all known exactly"),
        pytest.param(
            [lasted(1, 1), lasted(1, None), lasted(1, 2)], (1, 2), id="one ends where another is lost"
        ),
        pytest.param([lasted(1, 2), lasted(3, 4)], (1, 4), id="half before, half after"),
    ],
)
def test_the_estimate_of_the_median_is_as_wide_as_the_readings_leave_it(
    sample: list[BlockedFor], median: tuple[float, float | None]
) -> None:
    told = restoration(sample, HOURLY)

    assert told.median is not None
    for found, hours in zip(told.median, median, strict=True):
        assert (found is None) is (hours is None)
        assert found is None or hours is None or abs(found - hours * HOUR) <= timedelta(microseconds=2)


def test_what_had_begun_before_anybody_looked_is_counted_and_left_out() -> None:
    known = [lasted(8, 12), lasted(30, None)]
    early = BlockedFor(2, "A 1", 900 * HOUR, None, None, RESTORED)

    told = restoration([*known, early], HOURLY)

    assert (told.spells, told.still_blocked, told.unbounded_starts) == (2, 1, 1)
    assert told.curve == restoration(known, HOURLY).curve
    assert any(
        s.startswith("The beginning of 1 other block was not seen, so it is not known how long it lasted.")
        for s in told.sentences
    )


def test_no_share_is_told_where_nobody_could_see_it() -> None:
    sample = [lasted(40, 60), lasted(24 * 20, None)]

    told = {s.after: s for s in restoration(sample, 30 * HOUR).shares}

    assert told[DAY].missing is NoShare.TOO_SHORT
    assert told[7 * DAY].bounds == pytest.approx((0.5, 0.5))
    assert told[30 * DAY].missing is told[90 * DAY].missing is NoShare.NOT_FOLLOWED
    assert {s.bounds for s in restoration([lasted(40, 60)], HOURLY).shares[1:]} == {(0.0, 0.0)}


def test_who_may_be_blocked_still_counts_against_both_limits() -> None:
    sure = [lasted(48, 50)] * 10 + [lasted(1, 2)] * 10
    doubtful = [lasted(1, 50)] * 10 + [lasted(2, None)] * 10

    lower, upper = share_limits([*sure, *doubtful], DAY)

    assert lower == pytest.approx(0.09982, abs=1e-5)  # Clopper and Pearson, 99 %, of 10 among 40
    assert upper == pytest.approx(1 - 0.09982, abs=1e-5)
    assert share_limits(sure[:10], DAY)[1] == 1


def spread_over(orders: int, size: int = 10) -> list[BlockedFor]:
    """Each order's accounts are restored together, every other order's late."""
    return [lasted(*((2, 4), (200, 204))[i % 2], order=f"A {i}") for i in range(orders) for _ in range(size)]


def test_one_decision_is_one_observation() -> None:
    one = restoration(spread_over(1), HOURLY)
    few = restoration(spread_over(LEAST_ORDERS - 1), HOURLY)
    many = restoration(spread_over(LEAST_ORDERS), HOURLY)
    uneven = restoration([*spread_over(LEAST_ORDERS), *spread_over(1, 300)], HOURLY)

    assert any("One observation is not enough for a confidence interval" in s for s in one.sentences)
    for told in (one, few, uneven):
        assert {s.by_order for s in told.shares} == {None}
    assert any(
        "No confidence interval across orders is given, because it would need" in s for s in few.sentences
    )
    band = many.shares[0].by_order
    limits = many.shares[0].limits
    assert band is not None
    assert limits is not None
    assert band[1] - band[0] > 2 * (limits[1] - limits[0])
    assert many == restoration(spread_over(LEAST_ORDERS), HOURLY)


def test_beginnings_that_are_known_loosely_are_counted() -> None:
    told = restoration([lasted(8, 12, start=1), lasted(8, 30, start=20)], 3 * HOUR)

    assert told.wide_starts == 1
    assert any(s.endswith("1 of 2 such intervals are wider than 3 h.") for s in told.sentences)
    assert any(s.startswith("A block shorter than 3 h can fall between two readings") for s in told.sentences)


@pytest.mark.again
@settings(max_examples=repeats(15, 200), deadline=None)
@given(sample=SAMPLES, data=st.data())
def test_the_order_in_which_spells_come_does_not_matter(
    sample: list[BlockedFor], data: st.DataObject
) -> None:
    told = restoration(sample, HOURLY)

    assert told == restoration(data.draw(st.permutations(sample)), HOURLY)
    for before, after in pairwise(zip(told.curve.days, told.curve.lower, told.curve.upper, strict=True)):
        assert before[0] < after[0]
        assert before[1] >= after[1]
        assert before[2] >= after[2] >= after[1] >= 0
    assert isinf(told.curve.days[-1])
    for share in told.shares:
        if share.bounds is not None and share.limits is not None:
            assert share.limits[0] - 1e-4 <= share.bounds[0] <= share.bounds[1] <= share.limits[1] + 1e-4


def test_a_block_known_to_have_lasted_exactly_a_day_is_still_blocked_after_a_day() -> None:
    share = restoration([lasted(24, 24)], HOURLY).shares[0]

    assert share.after == DAY
    assert share.bounds == (1, 1)
    assert share.limits is not None
    assert share.limits[1] == 1


def test_the_figure_ends_where_nobody_was_followed_any_longer() -> None:
    told = restoration([lasted(8, 12), lasted(9, 14), lasted(480, None)], HOURLY)

    figure = restoration_figure(told, "light")

    lower, upper, limits, median, shares = figure.data
    assert (lower.x[0], lower.x[-1]) == (pytest.approx(0.5 / 24), 20)
    assert (lower.y[0], lower.y[-1], upper.y[-1]) == (1, pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert median.x == pytest.approx((9 / 24, 12 / 24))
    assert limits.marker.symbol[-1] == "triangle-right"
    assert list(shares.x) == [1, 7]
    texts = [a.text for a in figure.layout.annotations]
    assert texts == ["under 1 h: may be unseen", "followed for 20 d at most"]


@pytest.mark.parametrize("sample", [[], [lasted(0, None)], [lasted(1, 1)]])
def test_however_little_was_seen_there_is_a_figure(sample: list[BlockedFor]) -> None:
    figure = restoration_figure(restoration(sample, HOURLY), "dark")

    assert bool(figure.data) is bool(sample)

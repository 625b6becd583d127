"""How long it takes until accounts are restored: what is said of a cohort, and what is not."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportUnknownArgumentType=false

import warnings
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf, isinf

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from dashboard.orders.restoration_estimate import intervals, restoration
from dashboard.orders.restoration_limits import LEAST_ORDERS
from storage.model.orders.restoration import BlockedFor, BlockEnd, RestorationEstimate
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.repeats import repeats
from tests.support.samples.orders import HOUR, cohort
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import SETTINGS, page_of

HOURLY = timedelta(hours=1)


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


async def order_id(pool: Pool, reference: str) -> int:
    return await pool.fetchval("select order_id from legal_order where reference = $1", reference)


async def test_without_a_block_there_is_no_figure_and_a_sentence_says_so(
    pool: Pool, story: Story, now: datetime
) -> None:
    number = await order_id(pool, "SYN/1")
    async with transaction(pool) as conn:
        page = said(await page_of(conn, f"/orders/{number}/restoration", story.at(0.2), SETTINGS, "dark"))
    assert "No block of an account was seen to begin, so there are no figures." in page

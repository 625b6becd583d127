"""Deciding again: with the rules in force every stored change comes out as it is stored."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.detect.confirmation import ConfirmationRule
from storage.accounts.accounts import stop_watching
from storage.model.bitemporal.reevaluation import Effect
from storage.model.core.availability import State
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.pipelines.late_batches import LATENCY_MS, Delivery, Desk, Record, Sent
from tests.support.pipelines.monitor import again, effects
from tests.support.repeats import repeats
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes

WEAK_NEVER = ConfirmationRule((timedelta(0), MINUTE, timedelta(days=300)), 2, 3, cohort_discount=0)
A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND


LOOKS = st.sampled_from([A, A, A, W, W, S, N, N, None])
ROSTERS = (("1", "2", "3"), ("1", "2"), ("3",))
STORIES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 5, 16, 61, 300]),
        st.sampled_from(ROSTERS),
        st.tuples(LOOKS, LOOKS, LOOKS),
        st.sampled_from([LATENCY_MS, LATENCY_MS, LATENCY_MS, 150_000, 1_200_000]),
    ),
    min_size=1,
    max_size=14,
)


@pytest.mark.again
@settings(
    max_examples=repeats(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=STORIES, order=st.randoms(use_true_random=False), cut=st.integers(0, 900))
async def test_what_came_in_late_is_decided_as_it_is_told_since(
    fresh_database: Callable[[], AbstractContextManager[str]],
    drawn: list[tuple[int, tuple[str, ...], tuple[State | None, ...], int]],
    order: random.Random,
    cut: int,
) -> None:
    """Whatever the order in which answers came in, and wherever the time begins or ends."""
    minute, story = 0, list[Delivery]()
    for n, (gap, roster, looks, latency_ms) in enumerate(drawn):
        minute += gap
        story.append(Sent(minute, dict(zip(roster, looks, strict=False)), latency_ms, n))
    order.shuffle(story)
    with fresh_database() as dsn:
        async with open_pool(dsn) as pool:
            desk = Desk(pool)
            await desk.enlist("1", "2", "3")
            for delivery in [*story, Record("somebody else", "1", [(3.5, S), (40.5, W)])]:
                await desk.take(delivery)
            for since, until in ((0, 9_000), (0, cut), (cut, 9_000)):
                found = await again(pool, minutes(since), minutes(until))
                assert found.compared.differences == ()


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    return desk


BLOCK = [Sent(0, {"1": A}), Sent(10, {"1": W}), Sent(20, {"1": W})]


async def test_whoever_was_taken_off_the_watch_is_let_go_again(desk: Desk) -> None:
    for sent in BLOCK[:2]:
        await desk.take(sent)
    async with transaction(desk.pool) as conn:
        await stop_watching(conn, X, "h1", minutes(15))
    found = await again(desk.pool, T0, minutes(100))
    assert found.compared.differences == ()
    assert found.compared.same == 2


async def test_a_record_that_contradicts_its_readings_is_not_explained(desk: Desk) -> None:
    """As a fault of ours would leave it: confirmed by a single reading."""
    for sent in BLOCK:
        await desk.take(sent)
    async with transaction(desk.pool) as conn:
        await conn.execute("alter table change_outcome disable trigger user")
        await conn.execute(
            "update change_outcome set readings = 1, last_agreeing_at = $1 where readings = 2", minutes(10)
        )
    found = await again(desk.pool, T0, minutes(100))
    assert effects(found) == {Effect.LATER: 1}
    assert found.compared.unexplained == 1

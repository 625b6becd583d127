"""Readings that come in late: the database tells in the end what it would tell had they come in order."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.changes.rebuild import rebuild
from storage.model.core.availability import State
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.pipelines.late_batches import LATENCY_MS, Delivery, Desk, Record, Sent
from tests.support.repeats import repeats as often
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND

ROSTERS = (("1", "2", "3"), ("1", "2"), ("3",))
LOOKS = st.sampled_from([A, A, A, W, W, S, N, N, None])
STORIES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 5, 16, 61, 300]),
        st.sampled_from(ROSTERS),
        st.tuples(LOOKS, LOOKS, LOOKS),
        st.sampled_from([LATENCY_MS, LATENCY_MS, LATENCY_MS, 150_000, 1_200_000]),
    ),
    min_size=1,
    max_size=12,
)
RECORDS = st.lists(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([A, W, S])), max_size=4), max_size=2
)


Drawn = list[tuple[int, tuple[str, ...], tuple[State | None, ...], int]]


def story_of(drawn: Drawn) -> list[Sent]:
    """Answers in the order of their arrival: some of one instant, some asked for before others arrived."""
    minute, out = 0, list[Sent]()
    for n, (gap, roster, looks, latency_ms) in enumerate(drawn):
        minute += gap
        out.append(Sent(minute, dict(zip(roster, looks, strict=False)), latency_ms, n))
    return out


def records_of(drawn: list[list[tuple[int, State]]]) -> list[Record]:
    """Looks of somebody else, half a minute beside ours."""
    return [
        Record(
            f"record {n}",
            "1",
            [(m + 0.5 + n / 8, s) for m, s in sorted(dict(looks).items(), key=lambda look: look[0])],
        )
        for n, looks in enumerate(drawn)
        if looks
    ]


@pytest.mark.slow
@pytest.mark.again
@settings(
    max_examples=often(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=STORIES, records=RECORDS, order=st.randoms(use_true_random=False), repeats=st.integers(0, 3))
async def test_the_truth_is_the_same_in_every_order_of_arrival(
    fresh_database: Callable[[], AbstractContextManager[str]],
    drawn: Drawn,
    records: list[list[tuple[int, State]]],
    order: random.Random,
    repeats: int,
) -> None:
    story = story_of(drawn)
    arriving: list[Delivery] = [*story, *story[:repeats], *records_of(records)]
    order.shuffle(arriving)
    with fresh_database() as late, fresh_database() as ordered:
        async with open_pool(late) as here, open_pool(ordered) as there:
            shuffled, sorted_ = Desk(here), Desk(there)
            for desk, deliveries in (shuffled, arriving), (sorted_, [*story, *records_of(records)]):
                await desk.enlist("1", "2", "3")
                for delivery in deliveries:
                    await desk.take(delivery)
            assert await shuffled.truth() == await sorted_.truth()
            for desk in (shuffled, sorted_):
                async with transaction(desk.pool) as conn:
                    assert not (await rebuild(conn)).differs
            for desk in (shuffled, sorted_):
                for native_id in desk.ids:
                    assert sorted(await desk.readings(native_id), key=lambda r: r[:2]) == given_of(
                        story, native_id
                    )


def given_of(story: list[Sent], native_id: str) -> list[tuple[datetime, datetime, State]]:
    """Of several at one instant, all show what the one showed that counts."""
    seen = [(s.at, s.asked_at, state) for s in story if (state := s.looks.get(native_id)) is not None]
    counts = {at: state for at, _, state in sorted(seen, key=_rank, reverse=True)}
    return sorted(((at, asked_at, counts[at]) for at, asked_at, _ in seen), key=lambda r: r[:2])


def _rank(seen: tuple[datetime, datetime, State]) -> tuple[datetime, datetime, str]:
    at, asked_at, state = seen
    return at, asked_at, " ".join((state.status.value, *state.withheld_in))


# rows ----------------------------------------------------------------------------------------------------

BLOCK = [Sent(0, {"1": A}), Sent(10, {"1": W}), Sent(20, {"1": W})]


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2", "3")
    return desk


async def after(desk: Desk, *story: Sent) -> Desk:
    for sent in story:
        await desk.take(sent)
    return desk


def asked(minute: float) -> datetime:
    return minutes(minute) - timedelta(milliseconds=LATENCY_MS)


async def test_readings_of_accounts_that_did_not_answer_are_refused(desk: Desk) -> None:
    await after(desk, *BLOCK)
    with pytest.raises(ValueError, match="0 readings, but 1 accounts"):
        await desk.late(Sent(5, {"1": A}), readings={})
    assert await desk.pool.fetchval("select count(*) from coverage") == len(BLOCK)

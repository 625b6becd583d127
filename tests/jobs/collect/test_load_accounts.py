"""What a restart takes up is what the monitor would have held, whatever a platform answers in between."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.collect.load_accounts import load_accounts
from jobs.detect.confirmation import ConfirmationRule
from storage.model.core.availability import State, Status
from storage.model.core.known_state import Known
from storage.postgres.pool import Pool, open_pool, transaction
from storage.readings import evidence
from tests.support.pipelines.monitor import World
from tests.support.repeats import repeats
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND
IN_AND_TR = State(Status.WITHHELD, ("IN", "TR"))
IDS = ("1", "2")

STORIES = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 2, 5, 16, 61]),
        st.tuples(*[st.sampled_from([A, A, W, W, IN_AND_TR, S, N, N, None])] * 2),
    ),
    min_size=1,
    max_size=16,
)


async def loaded(pool: Pool) -> dict[str, Known]:
    async with transaction(pool) as conn:
        found = await load_accounts(conn, X, ConfirmationRule())
    return {w.account.native_id: w.known for w in found}


@pytest.mark.long
@settings(
    max_examples=repeats(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=STORIES)
async def test_loaded_accounts_equal_those_in_memory(
    fresh_database: Callable[[], AbstractContextManager[str]],
    story: list[tuple[int, tuple[State | None, ...]]],
) -> None:
    with fresh_database() as dsn:
        async with open_pool(dsn) as pool:
            world = World(pool)
            await world.enlist(IDS)
            monitor, minute = await world.start(), 0
            for gap, shown in story:
                minute += gap
                world.clock.set(minutes(minute))
                world.platform.silent = {i for i, state in zip(IDS, shown, strict=True) if state is None}
                world.platform.truth |= {i: s for i, s in zip(IDS, shown, strict=True) if s is not None}
                monitor.read_now(IDS)
                await monitor.tick()
                held = {a.native_id: monitor.known(i) for i, a in monitor.accounts().items()}
                assert await loaded(pool) == held


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_change_that_was_sighted_before_keeps_its_bound_and_evidence(
    pool: Pool, restarts: bool
) -> None:
    world = World(pool)
    await world.enlist(["1"])
    monitor = await world.start()
    for minute, state in ((0, A), (10, W), (11, A), (20, W), (21, W)):
        world.clock.set(minutes(minute))
        world.platform.truth["1"] = state
        monitor = await world.start() if restarts else monitor
        monitor.read_now(["1"])
        await monitor.tick()
    assert await world.rows(
        """
        select last_seen_old, first_seen_new, outcome from change join change_outcome using (change_id)
        where kind = 'block' order by first_seen_new
        """
    ) == [(minutes(0), minutes(10), "not_confirmed"), (minutes(0), minutes(20), "confirmed")]
    kept = await pool.fetchval("select old_evidence from change where kind = 'block' order by change_id desc")
    if not restarts:  # what an answer said is not kept without news
        async with transaction(pool) as conn:
            assert await evidence.load(conn, kept) == b"1: answer of " + minutes(0).isoformat().encode()

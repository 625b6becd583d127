"""An account that leaves the watch and comes back: what was sighted before bounds what is seen then."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.model.core.availability import State
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.pipelines.monitor import CANARIES, World, again
from tests.support.repeats import repeats
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

CONTROLS = {native_id for native_id, _, _ in CANARIES}
A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND


async def watch(pool: Pool, minute: float, *, on: bool) -> None:
    async with transaction(pool) as conn:
        if on:
            await add_accounts(conn, [NewAccount(X, "1", "h1", ("Desk",))], minutes(minute))
        else:
            await stop_watching(conn, X, "h1", minutes(minute))


async def test_a_block_that_was_sighted_before_the_account_left_begins_before_that(pool: Pool) -> None:
    world = World(pool)
    await world.enlist(["1"])
    monitor = await world.start()
    for minute, state in ((0, A), (10, W), (20, None), (500, W), (501, W)):
        world.clock.set(minutes(minute))
        if state is None:
            await watch(pool, minute, on=False)
            await monitor.load()
            await watch(pool, minute + 100, on=True)
            await monitor.load()
            continue
        world.platform.truth["1"] = state
        await monitor.read_now(["1"])
        await monitor.tick()
    assert await world.rows(
        """
        select last_seen_old, first_seen_new, reason from change join change_outcome using (change_id)
        where kind = 'block' order by first_seen_new
        """
    ) == [
        (minutes(0), minutes(10), "no_longer_watched"),
        (minutes(0), minutes(500), "enough_strong"),
    ]


async def test_an_account_is_called_for_by_its_id_once_and_as_long_as_it_is_watched(pool: Pool) -> None:
    world = World(pool)
    await world.enlist(["1", "2", "3"])
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, "3", "h3")], minutes(0))
    monitor = await world.start()
    await monitor.tick()
    for minute, on, read in ((10, True, ["1", "3"]), (20, False, ["3"]), (30, True, ["1", "3"])):
        await watch(pool, minute, on=on)
        await monitor.load()
        world.clock.set(minutes(minute))
        await monitor.tick()
        world.platform.asked.clear()
        await monitor.read_now(["3", "9", "1", "3"])
        await monitor.tick()
        asked = [i for ids in world.platform.asked for i in ids]
        assert sorted(i for i in asked if i not in CONTROLS) == read


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 5, 16, 61]),
        st.sampled_from([A, A, W, W, S, N, N, None, None]),
        st.booleans(),
    ),
    min_size=2,
    max_size=14,
)


async def test_a_late_sighting_that_ended_with_the_watch_does_not_end_a_later_one(pool: Pool) -> None:
    desk = Desk(pool)
    await desk.enlist("1")
    await watch(pool, 2, on=False)
    await watch(pool, 3, on=True)
    await desk.late(Sent(1, {"1": W}))
    await desk.late(Sent(4, {"1": W}))
    truth = await desk.truth()
    assert [(r[3], r[4]) for r in truth["refuted"]] == [(minutes(1), "no_longer_watched")]
    assert [r[4] for r in truth["pending"]] == [minutes(4)]


async def test_a_sighting_from_between_two_times_of_the_watch_ends_with_the_second_one(pool: Pool) -> None:
    """Its answer was on its way when the account left."""
    desk = Desk(pool)
    await desk.enlist("1")
    await watch(pool, 2, on=False)
    await watch(pool, 30, on=True)
    await desk.late(Sent(3, {"1": W}))
    await desk.late(Sent(40, {"1": W}))
    truth = await desk.truth()
    assert [(r[3], r[4]) for r in truth["refuted"]] == [(minutes(3), "no_longer_watched")]
    assert [r[4] for r in truth["pending"]] == [minutes(40)]


@pytest.mark.again
@settings(
    max_examples=repeats(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=EVENTS)
async def test_late_readings_around_an_interruption_give_the_same_result_as_in_order(
    fresh_database: Callable[[], AbstractContextManager[str]],
    events: list[tuple[int, State | None, bool]],
) -> None:
    """None: the account leaves the watch, or comes back. Some readings come in at the end only."""
    truths: list[object] = []
    for waits in (False, True):
        with fresh_database() as dsn:
            async with open_pool(dsn) as pool:
                desk, minute, is_on, late = Desk(pool), 0, True, list[Sent]()
                await desk.enlist("1")
                for gap, state, is_late in events:
                    minute += gap
                    if state is None:
                        is_on = not is_on
                        await watch(pool, minute, on=is_on)
                    elif is_on and waits and is_late:
                        late.append(Sent(minute, {"1": state}))
                    elif is_on:
                        await desk.take(Sent(minute, {"1": state}))
                for sent in late:
                    await desk.late(sent)
                truths.append(await desk.truth())
                found = await again(pool, minutes(0), minutes(2_000))
                assert found.compared.differences == ()
    assert truths[0] == truths[1]

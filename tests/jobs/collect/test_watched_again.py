"""An account that leaves the watch and comes back: what was sighted before bounds what is seen then."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.model.core.availability import State
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.pipelines.monitor import again
from tests.support.repeats import repeats
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND


async def watch(pool: Pool, minute: float, *, on: bool) -> None:
    async with transaction(pool) as conn:
        if on:
            await add_accounts(conn, [NewAccount(X, "1", "h1", ("Desk",))], minutes(minute))
        else:
            await stop_watching(conn, X, "h1", minutes(minute))


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 5, 16, 61]),
        st.sampled_from([A, A, W, W, S, N, N, None, None]),
        st.booleans(),
    ),
    min_size=2,
    max_size=14,
)


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

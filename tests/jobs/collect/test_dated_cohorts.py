"""Whether a list had just had a change is asked of the list as it was then, whatever was edited since."""

import pytest

from storage.accounts.watch_lists import take_accounts_off
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.pipelines.monitor import again
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, T0, WITHHELD_IN, minutes

A, W, N = AVAILABLE, WITHHELD_IN, NOT_FOUND

BLOCK_OF_2 = (Sent(0, {"1": A, "2": A}), Sent(10, {"2": W}), Sent(20, {"2": W}))
GONE_1 = tuple(Sent(m, {"1": N}) for m in (30, 32, 46))
CONFIRMED, REFUTED, OPEN = ("confirmed", "cohort_active"), ("not_confirmed", "went_back"), (None, None)


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    return desk


async def after(desk: Desk, *story: Sent) -> None:
    for sent in story:
        await desk.take(sent)


async def leaves(desk: Desk, native_id: str, minute: float) -> None:
    async with transaction(desk.pool) as conn:
        await take_accounts_off(conn, "Desk", [desk.ids[native_id]], "Asha", minutes(minute))


async def verdict(desk: Desk) -> tuple[object, ...]:
    """What stands of the first account beside its first state: one change."""
    (row,) = await desk.rows(
        """
        select o.outcome, o.reason from standing_change c join account a using (account_id)
        left join change_outcome o using (change_id)
        where a.native_id = '1' and c.status = 'not_found'
        """
    )
    return row


async def test_after_a_start_a_confirmation_counts_for_the_list_that_its_account_was_on(desk: Desk) -> None:
    await after(desk, *BLOCK_OF_2)
    await leaves(desk, "2", 25)
    await after(desk, *GONE_1)

    assert await verdict(desk) == CONFIRMED
    assert (await again(desk.pool, T0, minutes(1_000))).compared.differences == ()
    assert (await again(desk.pool, minutes(28), minutes(1_000))).compared.differences == ()

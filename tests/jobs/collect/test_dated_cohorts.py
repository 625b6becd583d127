"""Whether a list had just had a change is asked of the list as it was then, whatever was edited since."""

from dataclasses import replace

import pytest

from jobs.collect.late_readings import record_late
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.late_batches import RULE, Desk, Sent
from tests.support.pipelines.monitor import again
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, T0, WITHHELD_IN, minutes, reading

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


async def joins(desk: Desk, native_id: str, minute: float) -> None:
    async with transaction(desk.pool) as conn:
        await put_accounts_on(conn, "Desk", [desk.ids[native_id]], "Asha", minutes(minute))


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


@pytest.mark.parametrize("leaving", ["1", "2"])
async def test_a_late_agreeing_reading_annuls_nothing_because_an_account_left_the_list(
    desk: Desk, leaving: str
) -> None:
    await after(desk, *BLOCK_OF_2, *GONE_1)
    assert await verdict(desk) == CONFIRMED
    await leaves(desk, leaving, 50)
    await after(desk, Sent(40, {"1": N}))

    assert await verdict(desk) == CONFIRMED
    assert (await again(desk.pool, T0, minutes(1_000))).compared.differences == ()


@pytest.mark.parametrize("joining", ["1", "2"])
async def test_joining_a_list_confirms_nothing_that_was_refuted(desk: Desk, joining: str) -> None:
    await leaves(desk, joining, 5)
    await after(desk, *BLOCK_OF_2, *GONE_1, Sent(50, {"1": A}))
    assert await verdict(desk) == REFUTED
    await joins(desk, joining, 60)
    await after(desk, Sent(40, {"1": N}))

    assert await verdict(desk) == REFUTED
    assert (await again(desk.pool, T0, minutes(1_000))).compared.differences == ()


async def test_after_a_start_a_confirmation_counts_for_the_list_that_its_account_was_on(desk: Desk) -> None:
    await after(desk, *BLOCK_OF_2)
    await leaves(desk, "2", 25)
    await after(desk, *GONE_1)

    assert await verdict(desk) == CONFIRMED
    assert (await again(desk.pool, T0, minutes(1_000))).compared.differences == ()
    assert (await again(desk.pool, minutes(28), minutes(1_000))).compared.differences == ()


async def test_after_a_start_a_confirmation_does_not_count_for_a_list_that_was_joined_later(
    desk: Desk,
) -> None:
    await leaves(desk, "2", 5)
    await after(desk, *BLOCK_OF_2)
    await joins(desk, "2", 25)
    await after(desk, *GONE_1)

    assert await verdict(desk) == OPEN
    assert (await again(desk.pool, minutes(28), minutes(1_000))).compared.differences == ()


async def test_an_account_that_left_the_list_is_still_evaluated_with_its_former_cohort(
    desk: Desk,
) -> None:
    """The late readings confirm 2 at minute 20, so that three weak readings of 1 are enough at minute 46."""
    await after(desk, BLOCK_OF_2[0], *GONE_1)
    assert await verdict(desk) == OPEN
    await leaves(desk, "1", 50)
    await leaves(desk, "2", 50)
    await after(desk, *BLOCK_OF_2[1:])

    assert await verdict(desk) == CONFIRMED


async def test_evaluation_from_the_first_reading_uses_the_confirmations_of_that_time(
    desk: Desk,
) -> None:
    """The last answer before the late one was silent on a country: everything is gone through again."""
    await after(desk, *BLOCK_OF_2, *GONE_1)
    async with transaction(desk.pool) as conn:
        silent = replace(await desk.batch(conn, Sent(2_000, {"1": N})), silent=("TR",))
    await record_late(
        desk.pool, silent, {desk.ids["1"]: reading("1", N, minutes(2_000))}, RULE, lambda: desk.now
    )
    await after(desk, Sent(2_010, {"2": A}), Sent(2_005, {"1": N}))

    assert await verdict(desk) == CONFIRMED
    assert (await again(desk.pool, T0, minutes(5_000))).compared.differences == ()
    assert (await again(desk.pool, minutes(2_004), minutes(5_000))).compared.differences == ()

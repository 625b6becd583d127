"""Thresholds of lists on real readings: what they confirm, and what a preview says that others would have."""

import pytest

from jobs.replay.threshold_preview import load_threshold_preview
from storage.accounts.list_thresholds import set_list_thresholds
from storage.accounts.watch_lists import make_list
from storage.model.bitemporal.threshold_preview import ThresholdPreview, threshold_preview_words
from storage.model.core.list_thresholds import ListThresholds
from storage.postgres.pool import Pool, Refused, transaction
from storage.postgres.replica import snapshot
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, minutes

A, S, N = AVAILABLE, SUSPENDED, NOT_FOUND
EARLY, STRICT = ListThresholds(1, 1), ListThresholds(3, 5)


async def set_for(pool: Pool, name: str, own: ListThresholds | None, minute: float = -1) -> None:
    async with transaction(pool) as conn:
        await set_list_thresholds(conn, name, own, "Asha", minutes(minute))


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    return desk


async def preview(
    desk: Desk, wanted: ListThresholds | None, name: str = "Desk", since: float = 0
) -> ThresholdPreview:
    async with snapshot(desk.pool) as conn:
        return await load_threshold_preview(conn, name, wanted, minutes(since), minutes(1_000))


BLOCK = [Sent(0, {"1": A}), Sent(10, {"1": S}), Sent(20, {"1": S}), Sent(30, {"1": S})]


async def test_a_preview_names_the_changes_with_both_times(desk: Desk) -> None:
    for sent in BLOCK:
        await desk.late(sent)
    (case,) = (await preview(desk, STRICT)).cases
    assert (case.handle, case.status, case.first_seen) == ("h1", "Suspended", minutes(10))
    assert (case.confirmed_at, case.would_be_confirmed_at) == (minutes(20), minutes(30))
    (gone,) = (await preview(desk, ListThresholds(4, 4))).cases
    assert (gone.confirmed_at, gone.would_be_confirmed_at) == (minutes(20), None)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param(
            EARLY, "In the last 1 day 1 change would have been confirmed earlier.", id="a difference"
        ),
        pytest.param(
            None,
            "In the last 1 day nothing would have been confirmed otherwise: 1 change compared.",
            id="no difference",
        ),
    ],
)
async def test_a_preview_is_said_in_one_sentence(
    desk: Desk, wanted: ListThresholds | None, said: str
) -> None:
    for sent in BLOCK:
        await desk.late(sent)
    assert threshold_preview_words(await preview(desk, wanted)) == said


async def test_a_list_without_accounts_or_changes_says_so_and_an_unknown_one_is_refused(desk: Desk) -> None:
    async with transaction(desk.pool) as conn:
        await make_list(conn, "Empty", "Asha", T0)
    assert "nothing to compare" in threshold_preview_words(await preview(desk, EARLY, "Empty"))
    await desk.late(Sent(0, {"1": A}))
    said = threshold_preview_words(await preview(desk, EARLY, since=5))
    assert said == "In the last 1 day nothing was read, so the effect of these numbers is not known."
    await desk.late(Sent(10, {"1": A}))
    said = threshold_preview_words(await preview(desk, EARLY, since=5))
    assert said == "In the last 1 day no reading shows a change of this list, so nothing would differ."
    with pytest.raises(Refused, match="There is no list 'Dask'"):
        await preview(desk, EARLY, "Dask")


@pytest.mark.parametrize(
    ("own", "reason", "readings"),
    [
        pytest.param(EARLY, "enough_strong", 1, id="one reading is enough where the list says so"),
        pytest.param(None, "enough_strong", 2, id="the default asks for two"),
        pytest.param(STRICT, "enough_strong", 3, id="and a strict list for three"),
    ],
)
async def test_a_late_reading_is_decided_by_the_thresholds_of_its_time(
    desk: Desk, own: ListThresholds | None, reason: str, readings: int
) -> None:
    await set_for(desk.pool, "Desk", own)
    for sent in reversed(BLOCK):
        await desk.late(sent)
    decided = await desk.rows(
        """
        select reason, readings from change_outcome join standing_change using (change_id)
        where kind <> 'baseline'
        """
    )
    assert decided == [(reason, readings)]

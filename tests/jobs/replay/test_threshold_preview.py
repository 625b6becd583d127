"""Thresholds of lists on real readings: what they confirm, and what a preview says that others would have."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from collectors.x.declaration import X
from jobs.replay.threshold_preview import load_threshold_preview
from jobs.runtime.replay_process import ReplayProcess
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.list_thresholds import set_list_thresholds
from storage.accounts.watch_lists import make_list
from storage.model.bitemporal.reevaluation import Effect
from storage.model.bitemporal.threshold_preview import ThresholdPreview, threshold_preview_words
from storage.model.core.availability import Status
from storage.model.core.list_thresholds import ListThresholds
from storage.postgres.pool import Pool, Refused, transaction
from storage.postgres.replica import snapshot
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.pipelines.monitor import CHANGES, World, again
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
GLITCH = [Sent(40, {"1": A}), Sent(50, {"1": A}), Sent(60, {"1": S}), Sent(61, {"1": A})]


@pytest.mark.parametrize(
    ("story", "wanted", "expected"),
    [
        pytest.param(BLOCK, None, {}, id="the default ones confirm what they confirmed"),
        pytest.param(BLOCK, EARLY, {Effect.EARLIER: 1}, id="one reading confirms the block earlier"),
        pytest.param(BLOCK, STRICT, {Effect.LATER: 1}, id="three confirm it later"),
        pytest.param(BLOCK, ListThresholds(4, 4), {Effect.NEVER: 1}, id="three do not where four are needed"),
        pytest.param(
            [*BLOCK, *GLITCH],
            EARLY,
            {Effect.EARLIER: 2, Effect.BESIDES: 2},
            id="one reading confirms a glitch too, and its end",
        ),
    ],
)
async def test_a_preview_counts_what_other_thresholds_would_have_confirmed(
    desk: Desk, story: Sequence[Sent], wanted: ListThresholds | None, expected: dict[Effect, int]
) -> None:
    for sent in story:
        await desk.late(sent)
    found = await preview(desk, wanted)
    assert {effect: n for effect, n in found.counts.items() if n} == expected
    assert len(found.cases) == sum(expected.values())
    assert found.accounts == 2


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
    ("other", "earlier"),
    [
        pytest.param(None, 0, id="a list without thresholds of its own asks for two readings"),
        pytest.param(EARLY, 1, id="one that asks for one reading too does not stand in the way"),
    ],
)
async def test_another_list_of_an_account_keeps_it_from_being_confirmed_earlier(
    desk: Desk, other: ListThresholds | None, earlier: int
) -> None:
    async with transaction(desk.pool) as conn:
        await add_accounts(conn, [NewAccount(X, "1", "h1", ("Other",))], T0)
    await set_for(desk.pool, "Other", other)
    for sent in BLOCK:
        await desk.late(sent)
    assert (await preview(desk, EARLY)).counts[Effect.EARLIER] == earlier


async def test_the_page_gets_the_same_from_a_process_of_its_own(desk: Desk, dsn: str) -> None:
    for sent in BLOCK:
        await desk.late(sent)
    found = await ReplayProcess(dsn).preview_thresholds("Desk", EARLY, minutes(0), minutes(1_000))
    assert found == await preview(desk, EARLY)


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


async def test_a_monitor_confirms_by_the_thresholds_of_the_list_and_a_reevaluation_agrees(pool: Pool) -> None:
    """Set in the midst of it: readings before are judged by the default, those after it by the list."""
    world = World(pool)
    await world.enlist(["1", "2", "3"], ("Desk",))
    await world.enlist(["4"], ())
    monitor = await world.start()
    await world.run(monitor, minutes(200))
    world.platform.truth["1"] = S
    await world.run(monitor, minutes(400))
    await set_for(pool, "Desk", ListThresholds(4, 6), 400)
    await monitor.load()
    for native_id in ("2", "4"):
        world.platform.truth[native_id] = S
    world.platform.truth["3"] = N
    await world.run(monitor, minutes(1_400))
    confirmed = await world.rows(
        """
        select native_id, o.readings, (o.last_agreeing_at - c.first_seen_new) >= interval '7 hours'
        from change c join change_outcome o using (change_id) join account a using (account_id)
        where c.kind <> 'baseline' and o.outcome = 'confirmed' order by native_id
        """
    )
    assert confirmed == [("1", 2, False), ("2", 4, False), ("3", 5, False), ("4", 2, False)]
    assert {row[2] for row in await world.rows(CHANGES)} == {Status.SUSPENDED.value, Status.NOT_FOUND.value}
    found = await again(pool, T0, world.clock() + timedelta(seconds=1))
    assert found.compared.differences == ()

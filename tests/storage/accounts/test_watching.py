"""Accounts that stop being watched and are watched again, many at once, with the outcome for each."""

from collectors.x.declaration import X
from storage.accounts.accounts import watch_periods
from storage.accounts.canaries import set_canaries
from storage.accounts.listing import on_file
from storage.accounts.watching import stop_watching_many, watch_again
from storage.model.core.accounts import WatchPeriod
from storage.model.core.availability import Status
from storage.model.tables.tag_and_list_edits import EditOutcome
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist


async def test_an_account_keeps_its_lists_and_its_periods(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"], ("Desk",))
        ids = [one.account_id, two.account_id, 999]
        stopped = await stop_watching_many(conn, ids, "Asha", minutes(5))
        again = await watch_again(conn, [one.account_id, one.account_id], "Asha", minutes(9))
        periods = await watch_periods(conn, [one.account_id])
        stored = await on_file(conn, X, ["1", "2"])
    assert [e.outcome for e in stopped] == [EditOutcome.DONE, EditOutcome.DONE, EditOutcome.UNKNOWN_ACCOUNT]
    assert [e.outcome for e in again] == [EditOutcome.DONE]
    assert periods[one.account_id] == (WatchPeriod(T0, minutes(5)), WatchPeriod(minutes(9), None))
    assert {i: (a.watched, a.lists) for i, a in stored.items()} == {
        "1": (True, ("Desk",)),
        "2": (False, ("Desk",)),
    }


async def test_a_control_account_and_one_that_was_purged_whole_are_not_watched(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await set_canaries(conn, X, [("9", "steady", Status.AVAILABLE)], T0)
        control = (await on_file(conn, X, ["9"]))["9"].account_id
        (one,) = await enlist(conn, X, ["1"])
        await purge_account(conn, one.account_id, minutes(1), whole=True)
        edited = await watch_again(conn, [control, one.account_id], "Asha", minutes(2))
    assert [e.outcome for e in edited] == [EditOutcome.CONTROL_ACCOUNT, EditOutcome.UNKNOWN_ACCOUNT]

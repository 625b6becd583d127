"""Who was watched, and who was on a list, stays stored with its times when it has ended."""

from datetime import datetime

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching, watch_periods
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
from storage.model.core.accounts import WatchPeriod
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist


async def memberships_of(conn: Conn, account_id: int) -> list[tuple[str, datetime, datetime | None]]:
    rows = await conn.fetch(
        """
        select l.name, m.added_at, m.removed_at from membership m join watch_list l using (list_id)
        where m.account_id = $1 order by membership_id
        """,
        account_id,
    )
    return [tuple(r) for r in rows]


async def test_each_time_that_an_account_is_watched_has_its_begin_and_its_end(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        assert await watch_periods(conn, [one.account_id]) == {one.account_id: (WatchPeriod(T0, None),)}
        await stop_watching(conn, X, "1", minutes(5), is_id=True)
        for at in (minutes(9), minutes(10)):
            await add_accounts(conn, [NewAccount(X, "1", "h1")], at)

        assert await watch_periods(conn, [one.account_id]) == {
            one.account_id: (WatchPeriod(T0, minutes(5)), WatchPeriod(minutes(9), None))
        }


async def test_an_account_that_left_a_list_and_joined_it_again_has_two_memberships(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("List",))
        await take_accounts_off(conn, "List", [one.account_id], "Asha", minutes(5))
        await put_accounts_on(conn, "List", [one.account_id], "Asha", minutes(9))

        assert await memberships_of(conn, one.account_id) == [
            ("List", T0, minutes(5)),
            ("List", minutes(9), None),
        ]

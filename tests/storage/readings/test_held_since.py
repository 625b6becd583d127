"""Since when answers about an account are held: told by coverage alone, whoever asked in which request."""

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import BatchOutcome
from storage.postgres.pool import Conn, Pool, transaction
from storage.readings.coverage import held_since
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import batch, enlist, read, roster_of

ANSWERED, MISSED, HELD = BatchOutcome
ROSTERS: tuple[tuple[str, ...], ...] = (("1", "2"), ("2", "3"))


async def requests(conn: Conn, asked: list[tuple[tuple[str, ...], BatchOutcome]]) -> dict[str, AccountId]:
    """One request a minute; who was asked for, by native id."""
    accounts = {a.native_id: a for a in await enlist(conn, X, ["1", "2", "3"])}
    rosters = {ids: await roster_of(conn, [accounts[i] for i in ids]) for ids in ROSTERS}
    for minute, (ids, outcome) in enumerate(asked, start=1):
        await read(conn, batch(rosters[ids], minutes(minute), outcome))
    return {native_id: a.account_id for native_id, a in accounts.items()}


async def test_an_account_that_left_the_watch_is_not_quarantined_and_starts_again(pool: Pool) -> None:
    async with transaction(pool) as conn:
        ids = await requests(conn, [(("1", "2"), HELD)])
        await stop_watching(conn, X, "1", minutes(5))
        assert await held_since(conn, X) == {ids["2"]: minutes(1)}
        await add_accounts(conn, [NewAccount(X, "1", "h1", ())], minutes(10))
        assert await held_since(conn, X) == {ids["2"]: minutes(1)}

"""Who was blocked more than once: by each list of accounts that can be asked for it, at any time."""

from collections.abc import Sequence
from datetime import datetime

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.listing import listed_accounts
from storage.accounts.paged_accounts import AccountFilter, StateFilter, accounts_page, states_page
from storage.live.account_listings import ListingFilter, list_accounts
from storage.live.accounts_table import AccountScope
from storage.model.core.availability import State
from storage.model.evidence.export_kinds import ExportFilter, Kind
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes
from tests.support.seeds.chain_rows import only, table

NOW = minutes(1_000)

Period = tuple[State, str | None]
"""A state with a flag of its change. Each begins an hour after the one before."""


def plain(*states: State) -> list[Period]:
    return [(state, None) for state in states]


async def tell(pool: Pool, periods: Sequence[Period], known: float = 0) -> None:
    """Write the status periods of one account as the projection of its changes would."""
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "1", "h1", ("Desk",))], T0)
        account_id = await conn.fetchval("select account_id from account")
        for n, (state, flag) in enumerate(periods):
            await conn.execute(
                """
                with made as (
                    insert into change (
                        change_key, account_id, status, withheld_in, flags, kind, strength, first_seen_new,
                        recorded_at, source
                    )
                    values ($1, $2, $3, $4, $5, 'baseline', 'strong', $6, $6, 'x') returning change_id
                )
                insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
                select $2, change_id, $3, $4, null, tstzrange($6, $7), tstzrange($8, null) from made
                """,
                f"told:{n}",
                account_id,
                state.status.value,
                state.withheld_in,
                [] if flag is None else [flag],
                minutes(60 * n),
                minutes(60 * (n + 1)) if n + 1 < len(periods) else None,
                minutes(known),
            )


async def answers(pool: Pool, at: datetime, known_at: datetime) -> dict[str, list[str]]:
    """The handles that each list gives. Those without a moment of their own are asked for now alone."""
    async with transaction(pool) as conn:
        told = {
            "states": [
                r.handle
                for r in await states_page(conn, StateFilter(repeatedly_blocked=True), at, known_at, 0, 9)
            ],
            "command": [
                a.handle for a in await listed_accounts(conn, None, at, known_at, repeatedly_blocked=True)
            ],
        }
        wanted = ExportFilter(NOW, at=at, known_at=known_at, repeatedly_blocked=True)
        told["export"] = [str(r[0]) for r in only(await table(conn, Kind.STATES, wanted), "handle")]
        if at == known_at == NOW:
            found = await accounts_page(conn, AccountFilter(repeatedly_blocked=True), NOW, 0, 9)
            told["accounts"] = [r.handle for r in found]
            listed = ListingFilter(AccountScope.ALL, repeatedly_blocked=True)
            ids = await list_accounts(conn, listed, (), NOW, T0)
            handles = await conn.fetch("select handle from account where account_id = any($1)", ids.tolist())
            told["page"] = [r["handle"] for r in handles]
            wanted = ExportFilter(NOW, repeatedly_blocked=True)
            told["export of accounts"] = [
                str(r[0]) for r in only(await table(conn, Kind.ACCOUNTS, wanted), "handle")
            ]
        return told


async def test_a_second_block_counts_from_when_it_was_so_and_from_when_it_was_known(pool: Pool) -> None:
    await tell(pool, plain(WITHHELD_IN, AVAILABLE, WITHHELD_IN), known=200)
    for at, known_at, repeated in ((119, 300, False), (120, 300, True), (300, 199, False), (300, 200, True)):
        told = await answers(pool, minutes(at), minutes(known_at))
        assert told == dict.fromkeys(told, ["h1"] if repeated else []), (at, known_at)

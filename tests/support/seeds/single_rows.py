"""Single rows for storage tests, written through storage itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from storage.accounts.accounts import NewAccount, add_accounts
from storage.changes.record import AccountStep, Recording, record_many
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.availability import Flag, Outcome, Reason, State, Strength
from storage.model.core.coverage import Batch, BatchOutcome, Roster, bitmap
from storage.model.core.known_state import Closed, Known, Pending, ReadingEffect
from storage.postgres.pool import Conn
from storage.readings import coverage, rosters
from tests.support.samples.readings import T0

LATENCY = timedelta(milliseconds=500)


async def enlist(
    conn: Conn, platform: Platform, native_ids: Sequence[str], lists: tuple[str, ...] = ()
) -> list[Account]:
    """Watched accounts with the handles h<native id>, in the order given."""
    await add_accounts(conn, [NewAccount(platform, i, f"h{i}", lists) for i in native_ids], T0)
    return [await account(conn, platform, i) for i in native_ids]


async def account(conn: Conn, platform: Platform, native_id: str) -> Account:
    row = await conn.fetchrow(
        "select account_id, handle from account where platform = $1 and native_id = $2",
        platform.value,
        native_id,
    )
    assert row is not None
    return Account(AccountId(row["account_id"]), platform, native_id, row["handle"])


async def roster_of(
    conn: Conn,
    accounts: Sequence[Account],
    canary_ids: Sequence[AccountId] = (),
    *,
    base: bool = True,
    vantage: str = "",
    place: str = "",
) -> Roster:
    platform = accounts[0].platform
    ids = [a.account_id for a in accounts]
    return await rosters.get_or_make(
        conn, platform, ids, canary_ids, T0, base=base, vantage=vantage, place=place
    )


def batch(
    roster: Roster,
    at: datetime,
    outcome: BatchOutcome = BatchOutcome.ANSWERED,
    *,
    answered: Sequence[bool] = (),
    silent: tuple[str, ...] = (),
) -> Batch:
    """One attempt that was asked half a second before `at`; without `answered` everybody answered."""
    return Batch(
        roster_id=roster.roster_id,
        slot=at,
        attempt=0,
        observed_at=at,
        outcome=outcome,
        missed_reason=None if outcome is BatchOutcome.ANSWERED else "network",
        answered=bitmap(answered),
        latency_ms=round(LATENCY.total_seconds() * 1000),
        silent=silent,
    )


async def read(conn: Conn, one: Batch) -> None:
    await coverage.ensure_month(conn, one.slot.date())
    assert await coverage.insert_batch(conn, one, one.observed_at)


async def become(
    conn: Conn,
    roster: Roster,
    account: Account,
    old: State | None,
    new: State,
    at: datetime,
    *,
    flags: frozenset[Flag] = frozenset(),
    evidence: bytes | None = None,
    confirmed: bool = True,
) -> None:
    """A reading at `at` showed another state, ten minutes after the last that did not."""
    before = at - timedelta(minutes=10)
    pending = Pending(new, Strength.STRONG, old and before, at, 1, at, at + timedelta(minutes=1), flags)
    closed = Closed(pending, Outcome.CONFIRMED, Reason.ENOUGH_STRONG) if confirmed else None
    known = Known(old, old and before, old and before)
    step = AccountStep(
        account,
        known,
        ReadingEffect(known, opened=pending, confirmed=closed),
        evidence and b"old " + evidence,
        evidence,
    )
    await coverage.ensure_month(conn, at.date())
    assert await record_many(conn, [Recording(batch(roster, at), [step], (), ())], lambda: at) == [True]

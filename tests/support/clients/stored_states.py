"""The state of every account as the API tells it: now, and at a time as known at another."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from storage.accounts.paged_accounts import (
    AccountFilter,
    AccountRow,
    StateFilter,
    StateRow,
    accounts_page,
    states_page,
)
from storage.model.core.availability import State, Status
from storage.postgres.pool import Conn

ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)
"""At that time, as known at that time: all that is recorded."""


class AccountState(NamedTuple):
    """It began between `onset_after` (None: at any time before) and `since`."""

    state: State
    onset_after: datetime | None
    since: datetime


async def states_now(conn: Conn) -> dict[int, AccountState]:
    """By account. Of whom nothing was confirmed is not in it."""
    return _confirmed(await accounts_page(conn, AccountFilter(), ALWAYS, 0, 100_000))


async def states_at(
    conn: Conn, at: datetime = ALWAYS, known_at: datetime = ALWAYS
) -> dict[int, AccountState]:
    """The same at a time."""
    return _confirmed(await states_page(conn, StateFilter(), at, known_at, 0, 100_000))


def _confirmed(rows: Iterable[AccountRow | StateRow]) -> dict[int, AccountState]:
    return {
        r.account_id: AccountState(
            State(Status(r.status), tuple(r.withheld_in or ())), r.last_seen_old, r.since
        )
        for r in rows
        if r.status is not None and r.since is not None
    }

"""In which state accounts are or were: of many at one moment, and of some over a time.

Whoever is on file is told of, watched or not. What an answer of now would be is `at=None`; what is known
now is `known_at=None`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from asyncpg import Record

from storage.model.core.accounts import AccountId
from storage.model.core.availability import Spell, State, Status
from storage.model.core.packed_columns import Instants, instants, integers
from storage.postgres.pool import Conn


class AccountState(NamedTuple):
    """The state of one account. It began between `onset_after` (None: at any time before) and `since`."""

    account_id: AccountId
    state: State
    onset_after: datetime | None
    since: datetime


@dataclass(frozen=True, slots=True)
class StateColumns:
    """All accounts in one state, in columns: what stands at one place of each belongs together."""

    state: State
    account_ids: Sequence[int]
    onset_after: Instants
    since: Instants

    def __len__(self) -> int:
        return len(self.account_ids)

    def __iter__(self) -> Iterator[AccountState]:
        for account_id, onset_after, since in zip(
            self.account_ids, self.onset_after, self.since, strict=True
        ):
            if since is not None:
                yield AccountState(AccountId(account_id), self.state, onset_after, since)


async def members(conn: Conn, list_name: str) -> list[AccountId]:
    """Who is on a list, to ask the functions here about them."""
    rows = await conn.fetch(
        """
        select m.account_id from watch_list_member m join watch_list l using (list_id)
        where l.name = $1 order by m.account_id
        """,
        list_name,
    )
    return [AccountId(r["account_id"]) for r in rows]


async def states(
    conn: Conn,
    account_ids: Sequence[int] | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> list[StateColumns]:
    """The confirmed state of everybody (or of those named) at `at` as known at `known_at`, the most frequent
    first, each by account. Of whom nothing was confirmed is not in it.
    """
    if account_ids is not None:
        rows = await _of_some(conn, account_ids, at, known_at)
    elif at is None and known_at is None:
        rows = await _of_all_now(conn)
    else:
        rows = await _of_all(conn, at, known_at)
    groups = [_by_account(r) for r in rows]
    return sorted(groups, key=lambda g: (-len(g), g.state.status, g.state.withheld_in))


def _by_account(r: Record) -> StateColumns:
    """A group in the order of its accounts. The database would take four times as long for it."""
    order = np.argsort(np.frombuffer(r["account_ids"], ">i8"))
    account_ids, onset_after, since = (
        np.frombuffer(r[name], ">i8")[order].tobytes() for name in ("account_ids", "onset_after", "since")
    )
    state = State(Status(r["status"]), tuple(r["withheld_in"]))
    return StateColumns(state, integers(account_ids), instants(onset_after), instants(since))


async def _of_all_now(conn: Conn) -> list[Record]:
    return await conn.fetch(
        """
        select status, withheld_in, string_agg(int8send(account_id), '') as account_ids,
            string_agg(timestamptz_send(lower(valid)), '') as since,
            string_agg(coalesce(timestamptz_send(onset_after), '\\x8000000000000000'), '') as onset_after
        from spell where upper_inf(valid) and upper_inf(recorded) group by status, withheld_in
        """
    )


async def _of_all(conn: Conn, at: datetime | None, known_at: datetime | None) -> list[Record]:
    return await conn.fetch(
        """
        select status, withheld_in, string_agg(int8send(account_id), '') as account_ids,
            string_agg(timestamptz_send(lower(valid)), '') as since,
            string_agg(coalesce(timestamptz_send(onset_after), '\\x8000000000000000'), '') as onset_after
        from spell
        where valid @> coalesce($1::timestamptz, 'infinity')
            and recorded @> coalesce($2::timestamptz, 'infinity')
        group by status, withheld_in
        """,
        at,
        known_at,
    )


async def _of_some(
    conn: Conn, account_ids: Sequence[int], at: datetime | None, known_at: datetime | None
) -> list[Record]:
    """A statement of its own: a plan that is made for everybody must not be taken for a few."""
    return await conn.fetch(
        """
        -- Whatever the planner thinks of times, one look into the index for each account is quickest.
        with theirs as materialized (select * from spell where account_id = any($1::bigint[]))
        select status, withheld_in, string_agg(int8send(account_id), '') as account_ids,
            string_agg(timestamptz_send(lower(valid)), '') as since,
            string_agg(coalesce(timestamptz_send(onset_after), '\\x8000000000000000'), '') as onset_after
        from theirs
        where valid @> coalesce($2::timestamptz, 'infinity')
            and recorded @> coalesce($3::timestamptz, 'infinity')
        group by status, withheld_in
        """,
        account_ids,
        at,
        known_at,
    )


async def timelines(
    conn: Conn, account_ids: Sequence[int], since: datetime, until: datetime, known_at: datetime | None = None
) -> list[Spell]:
    """The confirmed periods that reach into the time from `since` until before `until`, as known at
    `known_at`, by account and time. They are not cut off at its ends.
    """
    rows = await conn.fetch(
        """
        with theirs as materialized (select * from spell where account_id = any($1::bigint[]))
        select account_id, status, array_to_string(withheld_in, ' ') as countries, onset_after,
            lower(valid) as since, upper(valid) as until
        from theirs
        where valid && tstzrange($2, $3) and recorded @> coalesce($4::timestamptz, 'infinity')
        order by account_id, lower(valid)
        """,
        account_ids,
        since,
        until,
        known_at,
    )
    known: dict[tuple[str, str], State] = {}
    told: list[Spell] = []
    for account_id, status, countries, onset_after, begun, ended in rows:
        state = known.get((status, countries))
        if state is None:
            state = known[status, countries] = State(Status(status), tuple(countries.split()))
        told.append(Spell(account_id, state, onset_after, begun, ended))
    return told

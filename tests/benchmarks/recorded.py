"""Recording as the monitor does it, with many requests under way, and what it took."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from collectors.x.declaration import X
from jobs.collect.recorder import Recorder
from jobs.detect.judge import TrackedAccount
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import State
from storage.model.core.coverage import Roster
from storage.model.core.known_state import Known
from storage.postgres.pool import Conn
from storage.readings import rosters
from tests.support.pipelines.judged_requests import Poll, poll, watched
from tests.support.samples.readings import T0

ROSTER_SIZE = 98
IN_FLIGHT = 512
NOTHING_NEW: Mapping[str, State] = MappingProxyType({})
"""Everybody is available."""


@dataclass(slots=True)
class Cost:
    """Of readings, all together."""

    readings: int = 0
    seconds: float = 0.0
    wal: int = 0
    bytes_each: float = 0.0

    @property
    def rate(self) -> float:
        return self.readings / self.seconds

    @property
    def wal_each(self) -> float:
        return self.wal / self.readings


Group = tuple[Roster, list[TrackedAccount]]


async def watch(conn: Conn, accounts: int, state: State | None) -> list[Group]:
    """So many accounts in rosters of the usual size, in memory as if they were last seen in this state."""
    await add_accounts(conn, [NewAccount(X, str(n), f"h{n}") for n in range(accounts)], T0)
    rows = await conn.fetch("select account_id, native_id, handle from account order by account_id")
    all_of_them = [Account(AccountId(i), X, native_id, handle) for i, native_id, handle in rows]
    known = Known() if state is None else Known(state, T0, T0)
    groups: list[Group] = []
    for n in range(0, accounts, ROSTER_SIZE):
        mine = all_of_them[n : n + ROSTER_SIZE]
        ids = [a.account_id for a in mine]
        roster = await rosters.get_or_make(conn, X, ids, (), T0, base=True)
        groups.append((roster, watched(mine, known)))
    return groups


def judged_ahead(
    roster: Roster,
    accounts: Sequence[TrackedAccount],
    at: datetime,
    said: Mapping[str, State] = NOTHING_NEW,
    omitted: frozenset[str] = frozenset(),
) -> Poll:
    """A request that is judged before those before it are recorded: memory goes ahead of it, but what the
    request was judged by stays with it.
    """
    one = poll(roster, [replace(w) for w in accounts], at, said, omitted=omitted)
    known = {w.account.native_id: s.known for w, _, s in one.judged.steps}
    for w in accounts:
        w.known = known.get(w.account.native_id, w.known)
    return one


async def record_all(recorder: Recorder, polls: Sequence[Poll], cost: Cost) -> None:
    """Record requests that were judged before, many under way at once."""
    todo = iter(polls)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(_record(recorder, todo))
    cost.seconds += time.perf_counter() - started
    cost.readings += sum(len(p.judged.steps) for p in polls)


async def _record(recorder: Recorder, todo: Iterator[Poll]) -> None:
    for one in todo:
        assert await one.record(recorder)


async def wal_position(conn: Conn) -> int:
    return int(await conn.fetchval("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


async def sizes(conn: Conn) -> dict[str, int]:
    """Bytes of every table with its indexes; those of partitions count for the whole."""
    rows = await conn.fetch(
        """
        select coalesce(i.inhparent, c.oid)::regclass::text as name,
            sum(pg_total_relation_size(c.oid)) as size
        from pg_class c left join pg_inherits i on i.inhrelid = c.oid
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        group by 1
        """
    )
    return {r["name"]: int(r["size"]) for r in rows}


async def coverage_parts(conn: Conn) -> dict[str, int]:
    """Bytes of the coverage: its rows and each of its indexes."""
    rows = await conn.fetch(
        """
        with part as (select relid from pg_partition_tree('coverage_row') where isleaf)
        select 'rows' as name, sum(pg_table_size(relid)) as size from part
        union all
        select case when x.indisprimary then 'key' when m.amname = 'brin' then 'by_time' else 'by_roster' end,
            sum(pg_relation_size(x.indexrelid))
        from part join pg_index x on x.indrelid = relid
        join pg_class c on c.oid = x.indexrelid join pg_am m on m.oid = c.relam
        group by 1
        """
    )
    return {r["name"]: int(r["size"]) for r in rows}

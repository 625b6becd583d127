"""Changes for the benchmark of the push: found, judged and recorded as the monitor does it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.recorder import Recorder
from jobs.detect.judge import TrackedAccount
from storage.changes.record import Recording, record_many
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import State, Status
from storage.model.core.coverage import Roster
from storage.model.core.known_state import Known
from storage.postgres.pool import Pool, transaction
from storage.readings import rosters
from tests.support.pipelines.judged_requests import RULE, poll, watched
from tests.support.samples.readings import FakeCollector

ELSEWHERE = State(Status.WITHHELD, ("DE",))
"""Where nobody is when a benchmark begins."""


@dataclass(frozen=True, slots=True)
class Recorded:
    change_ids: dict[int, int]
    """By account."""
    committed: float
    """When the commit began, in seconds since 1970: what is measured from here on is a little too long."""


async def settled(pool: Pool, at: datetime) -> list[TrackedAccount]:
    """The accounts on X that have no provisional change, as the monitor holds them."""
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            """
            select a.account_id, a.native_id, a.handle, s.status, s.withheld_in
            from account a
            join spell s on s.account_id = a.account_id and upper_inf(s.valid) and upper_inf(s.recorded)
            where a.platform = 'x' and not exists (
                select from pending_change p where p.account_id = a.account_id
            )
            order by a.account_id
            """
        )
    return [
        watched(
            [Account(AccountId(r["account_id"]), X, r["native_id"], r["handle"])],
            Known(State(Status(r["status"]), tuple(r["withheld_in"])), at, at),
        )[0]
        for r in rows
    ]


async def blocked(pool: Pool, accounts: Sequence[TrackedAccount], at: datetime, size: int = 98) -> Recorded:
    """Have all of them withheld at `at`: requests of `size`, recorded in one transaction."""
    recorder = Recorder(pool, FakeCollector(), RULE, system_clock)
    recordings: list[Recording] = []
    for n in range(0, len(accounts), size):
        these = accounts[n : n + size]
        roster = await _roster(pool, these, at)
        one = poll(roster, these, at, {w.account.native_id: ELSEWHERE for w in these})
        recordings.append(recorder._recording(one.batch, one.judged, one.answer))
    async with transaction(pool) as conn:
        assert all(await record_many(conn, recordings, lambda: at))
        rows = await conn.fetch(
            "select account_id, change_id from pending_change where account_id = any($1::bigint[])",
            [w.account.account_id for w in accounts],
        )
        committed = time.time()
    assert len(rows) == len(accounts), "a change was not recorded"
    return Recorded({r["account_id"]: r["change_id"] for r in rows}, committed)


async def _roster(pool: Pool, these: Sequence[TrackedAccount], at: datetime) -> Roster:
    ids = [w.account.account_id for w in these]
    async with transaction(pool) as conn:
        return await rosters.get_or_make(conn, X, ids, (), at, base=False)

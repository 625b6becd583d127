"""Very many accounts on Bluesky as a monitor left them that has watched for long: written in bulk.

Everybody looked available when last read, in the sweep before `T0`. Rosters are those that a monitor makes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from collectors.bluesky.collector import BATCH_SIZE
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.simulator import BLUESKY_CANARIES
from jobs.planning.rosters import RosterBook
from storage.accounts.canaries import set_canaries
from storage.changes import load_watched
from storage.model.core.availability import Status
from storage.postgres.pool import Conn, connect
from storage.readings.coverage import ensure_month
from tests.support.samples.invented_histories import HEADER
from tests.support.samples.readings import T0

CANARIES = 2
"""In each request; all of them stable, as those that are relied on at Bluesky itself."""
REQUESTS_A_SECOND = 10
"""3,000 in 5 minutes."""
LIST_SIZE = 2_500
COHORT = 257
"""So many of the first list are withheld in one country, all at once."""
_DIGITS = str.maketrans("0189", "abcd")
"""A DID has no such digits."""


@dataclass(frozen=True, slots=True)
class World:
    accounts: int

    @property
    def lists(self) -> int:
        return max(1, self.accounts // LIST_SIZE)

    @property
    def sweep(self) -> timedelta:
        """How long it takes to read everybody once."""
        rosters = -(-self.accounts // (BATCH_SIZE - CANARIES))
        return timedelta(seconds=rosters / REQUESTS_A_SECOND)

    def write_history(self, path: Path, block_at: datetime) -> None:
        """What the simulator serves."""
        with path.open("w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in self._history(block_at))

    def _history(self, block_at: datetime) -> Iterator[str]:
        yield HEADER
        for n in range(self.accounts):
            did = "did:plc:" + f"{n:024}".translate(_DIGITS)
            yield f"bluesky,{did},h{n}.example.test,2021-01-01T00:00:00Z,available,,"
            if n % self.lists == 0 and n // self.lists < COHORT:
                yield f"bluesky,{did},h{n}.example.test,{block_at.isoformat()},withheld,IN,"


async def change_some(dsn: str) -> None:
    """One account of 333 was blocked in an hour of the sweep. Needs a superuser, as `build` does."""
    conn = await connect(dsn)
    await conn.execute("set session_replication_role = replica")
    await conn.execute(
        """
        create temp table picked as
        select account_id, added_at as first_seen,
            added_at + interval '5 minutes' + interval '1 second' * (account_id % 3600) as at
        from account where watched and account_id % 333 = 7
        """
    )
    await conn.execute(
        """
        update spell s set valid = tstzrange(lower(s.valid), p.at)
        from picked p where p.account_id = s.account_id
        """
    )
    await conn.execute(
        """
        with made as (
            insert into change (
                change_key, account_id, old_status, status, withheld_in, kind, strength, last_seen_old,
                first_seen_new, recorded_at, source
            )
            select format('%s:block', account_id), account_id, 'available', 'withheld', '{IN}', 'block',
                'strong', first_seen, at, at, 'bluesky'
            from picked
            returning *
        ), decided as (
            insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
            select change_id, 'confirmed', 'enough_strong', recorded_at, 2, recorded_at from made
        )
        insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
        select account_id, change_id, status, withheld_in, last_seen_old, tstzrange(first_seen_new, null),
            tstzrange(recorded_at, null)
        from made
        """
    )
    await conn.execute("vacuum (analyze)")
    await conn.close()


async def build(dsn: str, world: World) -> None:
    """Fill an empty, migrated database. Needs a superuser: triggers and foreign keys would make it slow."""
    conn = await connect(dsn)
    await conn.execute("set session_replication_role = replica")
    await _accounts(conn, world)
    await _rosters(conn)
    await ensure_month(conn, T0.date())
    await ensure_month(conn, (T0 - world.sweep).date())
    await _read_once(conn, world)
    await _first_states(conn, world)
    await conn.execute("set session_replication_role = origin")
    await conn.execute("vacuum (analyze)")
    await conn.execute("checkpoint")
    await conn.close()


async def _accounts(conn: Conn, world: World) -> None:
    await conn.execute(
        """
        insert into account (platform, native_id, handle, added_at)
        select 'bluesky', 'did:plc:' || translate(lpad(n::text, 24, '0'), '0189', 'abcd'),
            format('h%s.example.test', n), $2
        from generate_series(0, $1::int - 1) as n
        """,
        world.accounts,
        T0 - world.sweep,
    )
    await conn.execute(
        "insert into watch_period (account_id, since) select account_id, added_at from account"
    )
    await conn.execute(
        "insert into watch_list (name, created_at) select 'L' || n, $2 from generate_series(1, $1::int) n",
        world.lists,
        T0 - world.sweep,
    )
    await conn.execute(
        """
        insert into watch_list_member (list_id, account_id, added_at)
        select l.list_id, a.account_id, a.added_at
        from (select *, row_number() over (order by account_id) - 1 as number from account) a
        join (select *, row_number() over (order by list_id) - 1 as number from watch_list) l
            on l.number = a.number % $1::int
        """,
        world.lists,
    )


async def _rosters(conn: Conn) -> None:
    """Those that the first start of a monitor makes."""
    stable = [c for c in BLUESKY_CANARIES if c.states[0].status is Status.AVAILABLE]
    named = [(c.native_id, c.handles[0], Status.AVAILABLE) for c in stable]
    book = RosterBook(BLUESKY, lambda _: "", BATCH_SIZE, CANARIES)
    async with conn.transaction():
        await set_canaries(conn, BLUESKY, named, T0)
        watched = {w.account.account_id: w.account for w in await load_watched.load_watched(conn, BLUESKY)}
        await book.load(conn, watched, T0)


async def _read_once(conn: Conn, world: World) -> None:
    """Each roster at its own time of the last sweep."""
    await conn.execute(
        """
        insert into coverage_row (slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome)
        select at, at, at, roster_id, 50, 0, 0
        from (
            select roster_id, $1::timestamptz - $2::interval * rank() over (order by roster_id)
                / (count(*) over () + 1) as at
            from roster
        ) r
        order by at
        """,
        T0,
        world.sweep,
    )


async def _first_states(conn: Conn, world: World) -> None:
    await conn.execute(
        """
        insert into change (
            change_key, account_id, status, kind, strength, first_seen_new, recorded_at, source
        )
        select format('%s:first', account_id), account_id, 'available', 'baseline', 'strong', $1, $1, platform
        from account where watched
        """,
        T0 - world.sweep,
    )
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, 'confirmed', 'enough_strong', recorded_at, 1, recorded_at from change
        """
    )
    await conn.execute(
        """
        insert into spell (account_id, change_id, status, valid, recorded)
        select account_id, change_id, status, tstzrange(first_seen_new, null), tstzrange(recorded_at, null)
        from change
        """
    )

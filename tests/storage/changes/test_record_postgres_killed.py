"""Postgres is killed again and again while readings are recorded: nothing is lost, doubled or half there."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from collectors.x.declaration import X
from storage.changes.hash_chain import verify_chain
from storage.embedded.launcher import embedded_postgres
from storage.model.core.accounts import Account
from storage.model.core.coverage import Roster
from storage.model.core.known_state import Closed, Known, Pending
from storage.postgres.migrate import migrate
from storage.postgres.pool import Conn, open_pool, transaction
from storage.readings import rosters
from tests.support.pipelines.judged_requests import watched
from tests.support.processes.embedded_users import ROOT, postmaster, public_folder
from tests.support.processes.killable_recorder import at_turn, told
from tests.support.repeats import repeats
from tests.support.seeds.changes import enlist, roster_of

KILLS = repeats(4, 50)
ROSTERS, SIZE = 6, 12
LONGEST_LIFE_S = 0.5

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the processes in /proc")

Batch = tuple[int, datetime, int]
Change = tuple[str, str, list[str], datetime, str | None, str | None]
Spell = tuple[str, str, list[str], datetime, datetime | None]


@pytest.mark.slow
@pytest.mark.again
@pytest.mark.timeout(3000)
def test_killed_repeatedly_it_keeps_each_acknowledged_recording_once_and_whole() -> None:
    rng = random.Random(2021)
    with public_folder() as parent:
        folder = parent / "database"
        acknowledged = parent / "acknowledged"
        with embedded_postgres(folder) as dsn:
            asyncio.run(_prepare(dsn))
            with _recording(dsn, acknowledged):
                for _ in range(KILLS):
                    _wait_for_more(acknowledged)
                    time.sleep(rng.uniform(0, LONGEST_LIFE_S))
                    _kill_all(postmaster(folder))
                    with embedded_postgres(folder):
                        pass  # it lives again, and the first block keeps it
                _wait_for_more(acknowledged)
            asyncio.run(_check(dsn, _lines(acknowledged)))


async def _prepare(dsn: str) -> None:
    await migrate(dsn)
    async with open_pool(dsn) as pool, transaction(pool) as conn:
        accounts = await enlist(conn, X, [str(n) for n in range(ROSTERS * SIZE)])
        for n in range(0, len(accounts), SIZE):
            await roster_of(conn, accounts[n : n + SIZE])


@contextmanager
def _recording(dsn: str, acknowledged: Path) -> Generator[None]:
    """A process that records until the end of the block, and then finishes what it has begun."""
    command = [sys.executable, "-m", "tests.support.processes.killable_recorder", dsn, str(acknowledged)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as worker:
        try:
            yield
        except BaseException:
            worker.kill()
            raise
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(60) == 0


def _wait_for_more(acknowledged: Path) -> None:
    """Until something was acknowledged after now."""
    size = acknowledged.stat().st_size if acknowledged.exists() else 0
    give_up_at = time.monotonic() + 60
    while not acknowledged.exists() or acknowledged.stat().st_size == size:
        assert time.monotonic() < give_up_at, "the recorder does not go on"
        time.sleep(0.005)


def _kill_all(server: int) -> None:
    """The server and all its processes, so that none can tell another or write anything down."""
    os.kill(server, signal.SIGSTOP)
    for process in [*_children(server), server]:
        os.kill(process, signal.SIGKILL)


def _children(server: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        if parent == server:
            yield int(stat.parent.name)


@dataclass(frozen=True, slots=True)
class _Line:
    """One acknowledgement."""

    batch: Batch
    changed: list[str]


def _lines(acknowledged: Path) -> list[_Line]:
    found = [json.loads(line) for line in acknowledged.read_text(encoding="utf-8").splitlines()]
    return [_Line((r, datetime.fromisoformat(slot), n), opened) for r, slot, n, opened in found]


async def _check(dsn: str, lines: list[_Line]) -> None:
    async with open_pool(dsn) as pool, transaction(pool) as conn:
        stored = await _stored(conn)
        assert sorted(line.batch for line in lines) == stored, "each acknowledged batch, once, and no other"
        changes, spells, pending = await _folded(conn, stored)
        assert await _changes(conn) == changes
        assert await _spells(conn) == spells
        assert await _pending(conn) == pending
        assert len(changes) > KILLS
        mine = {(i, at) for i, _, _, at, _, _ in changes}
        assert mine >= {(i, line.batch[1]) for line in lines for i in line.changed}
        assert await _count(conn, _OVERLAPS) == 0
        assert await _count(conn, _ALERTS_AND_CONFIRMED) == 0
        checked = await verify_chain(conn)
        assert checked.broken is None
        assert checked.entries == len(changes) + sum(outcome is not None for *_, outcome, _ in changes)


async def _folded(conn: Conn, stored: list[Batch]) -> tuple[list[Change], list[Spell], list[str]]:
    """What the rules make of the stored batches, in order: changes, spells, and who is provisional."""
    changes: list[Change] = []
    spells: list[Spell] = []
    pending: list[str] = []
    for roster in await rosters.base_rosters(conn, X):
        accounts = watched(await _accounts(conn, roster), Known())
        began: dict[str, tuple[Pending, datetime]] = {}
        for at in (at for roster_id, at, _ in stored if roster_id == roster.roster_id):
            now = told(roster, accounts, at_turn(at))
            for w, _, s in now.judged.steps:
                i = w.account.native_id
                if s.refuted is not None:
                    changes.append(_change(i, s.refuted.pending, s.refuted))
                if s.confirmed is not None:
                    changes.append(_change(i, s.confirmed.pending, s.confirmed))
                    if i in began:
                        spells.append(_spell(i, began[i][0], s.confirmed.pending.first_seen_new))
                    began[i] = s.confirmed.pending, at
            now.apply()
        spells += [_spell(i, p, None) for i, (p, _) in began.items()]
        for w in accounts:
            if w.known.pending is not None:
                pending.append(w.account.native_id)
                changes.append(_change(w.account.native_id, w.known.pending, None))
    return sorted(changes, key=_in_order), sorted(spells, key=_in_order), sorted(pending)


def _change(native_id: str, p: Pending, closed: Closed | None) -> Change:
    outcome = None if closed is None else closed.outcome.value
    reason = None if closed is None else closed.reason.value
    return native_id, p.state.status.value, list(p.state.withheld_in), p.first_seen_new, outcome, reason


def _spell(native_id: str, p: Pending, until: datetime | None) -> Spell:
    return native_id, p.state.status.value, list(p.state.withheld_in), p.first_seen_new, until


def _in_order(row: Change | Spell) -> tuple[str, datetime]:
    return row[0], next(part for part in row if isinstance(part, datetime))


async def _stored(conn: Conn) -> list[Batch]:
    rows = await conn.fetch("select roster_id, slot, attempt from coverage order by 1, 2, 3")
    return [(r["roster_id"], r["slot"], r["attempt"]) for r in rows]


async def _accounts(conn: Conn, roster: Roster) -> list[Account]:
    rows = await conn.fetch("select account_id, native_id, handle from account")
    by_id = {r["account_id"]: Account(r["account_id"], X, r["native_id"], r["handle"]) for r in rows}
    return [by_id[i] for i in roster.account_ids]


async def _changes(conn: Conn) -> list[Change]:
    rows = await conn.fetch(
        """
        select native_id, status, withheld_in, first_seen_new, outcome, reason
        from change join account using (account_id) left join change_outcome using (change_id)
        """
    )
    return sorted([(*r,) for r in rows], key=_in_order)


async def _spells(conn: Conn) -> list[Spell]:
    rows = await conn.fetch(
        """
        select native_id, status, withheld_in, lower(valid), upper(valid)
        from spell join account using (account_id) where upper_inf(recorded)
        """
    )
    return sorted([(*r,) for r in rows], key=_in_order)


async def _pending(conn: Conn) -> list[str]:
    rows = await conn.fetch("select native_id from pending_change join account using (account_id)")
    return sorted(r["native_id"] for r in rows)


async def _count(conn: Conn, query: str) -> int:
    return await conn.fetchval(query)


_OVERLAPS = """
    select count(*) from spell a join spell b on a.account_id = b.account_id and a.spell_id < b.spell_id
        and a.valid && b.valid and a.recorded && b.recorded
"""
_ALERTS_AND_CONFIRMED = """
    select count(*) from alert a full join (
        select change_id from change join change_outcome using (change_id)
        where outcome = 'confirmed' and kind <> 'baseline'
    ) c using (change_id)
    where a.alert_id is null or c.change_id is null
"""

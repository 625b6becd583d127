"""A recorder whose database is killed: run as a module with DSN FILE; ends when its standard input does.

Several rosters are recorded at once as fast as it goes, and every acknowledged batch is written to FILE.
After a fault of the database it does as the monitor does: it loads what is held, and brings again what was
not acknowledged.
"""

import asyncio
import json
import sys
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

import uvloop

from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.recorder import Recorder
from jobs.detect.judge import TrackedAccount
from storage.changes import load_watched
from storage.model.core.availability import State
from storage.model.core.coverage import Roster
from storage.postgres.pool import Pool, StorageError, open_pool, transaction
from storage.readings import rosters
from tests.support.pipelines.judged_requests import RULE, Poll, poll
from tests.support.samples.readings import AVAILABLE, PROTECTED, SUSPENDED, T0, WITHHELD_IN, FakeCollector

EVERY = timedelta(minutes=20)
_STATES = (AVAILABLE, AVAILABLE, AVAILABLE, AVAILABLE, SUSPENDED, WITHHELD_IN, PROTECTED)
_PAUSE_S = 0.02


def told(roster: Roster, accounts: Sequence[TrackedAccount], turn: int) -> Poll:
    """What the platform answers at a turn: states that last for some turns, flaps, and omissions."""
    ids = [w.account.native_id for w in accounts]
    omitted = frozenset(i for i in ids if _drawn("omitted", i, turn) % 25 == 0)
    return poll(roster, accounts, T0 + turn * EVERY, _states(ids, turn), omitted=omitted)


def _states(ids: Sequence[str], turn: int) -> Mapping[str, State]:
    return {
        i: SUSPENDED
        if _drawn("flap", i, turn) % 40 == 0
        else _STATES[_drawn("state", i, (turn + int(i)) // 9) % len(_STATES)]
        for i in ids
    }


def _drawn(what: str, native_id: str, turn: int) -> int:
    return zlib.crc32(f"{what} {native_id} {turn}".encode())


async def keep_recording(
    pool: Pool, recorder: Recorder, roster: Roster, out: TextIO, end: asyncio.Event
) -> None:
    """Record one roster turn by turn."""
    accounts = await _load(pool, roster)
    turn = 0
    while not end.is_set():
        now = told(roster, accounts, turn)
        try:
            stored = await now.record(recorder)
        except StorageError:
            await asyncio.sleep(_PAUSE_S)
            accounts = await _load(pool, roster)
            continue
        if stored:
            now.apply()
        else:  # it was committed, and the acknowledgement was lost
            accounts = await _load(pool, roster)
        opened = [w.account.native_id for w, _, s in now.judged.steps if s.opened]
        line = [roster.roster_id, now.batch.slot.isoformat(), now.batch.attempt, opened]
        print(json.dumps(line), file=out, flush=True)
        turn += 1


async def _load(pool: Pool, roster: Roster) -> list[TrackedAccount]:
    """What the database holds of the roster's accounts, as soon as there is one."""
    while True:
        try:
            async with transaction(pool) as conn:
                found = await load_watched.load_watched(conn, X, list(roster.account_ids))
                return [TrackedAccount(w.account, w.lists, w.known, None) for w in found]
        except StorageError:
            await asyncio.sleep(_PAUSE_S)


async def work(dsn: str, out: TextIO) -> None:
    end = asyncio.Event()
    async with open_pool(dsn) as pool:
        recorder = Recorder(pool, FakeCollector(), RULE, system_clock)
        async with transaction(pool) as conn:
            mine = await rosters.base_rosters(conn, X)
        async with asyncio.TaskGroup() as group:
            for roster in mine:
                group.create_task(keep_recording(pool, recorder, roster, out, end))
            await asyncio.to_thread(sys.stdin.read)
            end.set()


def at_turn(at: datetime) -> int:
    return (at - T0) // EVERY


if __name__ == "__main__":
    with Path(sys.argv[2]).open("w", encoding="utf-8") as file:
        uvloop.run(work(sys.argv[1], file))

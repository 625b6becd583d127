"""A second reader of the same accounts: it asks over real sockets, and hands in what it read hours later."""

import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from collectors.core.collector import Collector
from jobs.collect.late_readings import record_late
from jobs.detect.confirmation import ConfirmationRule
from jobs.rehearsal.pipeline import collector_at
from jobs.rehearsal.simulators import Simulators
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.availability import Reading
from storage.model.core.coverage import Batch, BatchOutcome, bitmap
from storage.postgres.pool import Pool, transaction
from storage.readings.rosters import get_or_make

LATENCY_MS = 900


@dataclass(frozen=True, slots=True)
class Read:
    """One answered request, on its way."""

    due: datetime
    batch: Batch
    readings: dict[AccountId, Reading]


@dataclass(slots=True)
class OtherMachine:
    pool: Pool
    simulators: Simulators
    collectors: Sequence[Collector]
    rng: random.Random
    on_its_way: list[Read] = field(default_factory=list[Read])
    handed_in: int = 0

    async def read(self, accounts: Sequence[Account], now: datetime, longest: timedelta) -> None:
        """Ask about these accounts; the answers come in up to `longest` later, in any order."""
        await self.simulators.set_clock(now)
        for collector in self.collectors:
            for asked in _requests(collector, accounts):
                answer = await collector.read([a.native_id for a in asked], now)
                shown = {r.native_id: r for r in answer.readings}
                assert answer.trouble is None, answer.trouble
                assert not any(r.silent_on for r in answer.readings)
                if not shown:
                    continue
                ids = [a.account_id for a in asked]
                async with transaction(self.pool) as conn:
                    roster = await get_or_make(
                        conn,
                        *(collector.platform, ids, (), now),
                        base=False,
                        place=collector.place(asked[0].native_id),
                    )
                answered = bitmap([a.native_id in shown for a in asked])
                batch = Batch(
                    *(roster.roster_id, now, 0, now, BatchOutcome.ANSWERED, None, answered, LATENCY_MS)
                )
                readings = {a.account_id: shown[a.native_id] for a in asked if a.native_id in shown}
                self.on_its_way.append(Read(now + longest * self.rng.random(), batch, readings))

    async def hand_in(self, now: datetime) -> None:
        """What is due by now."""
        due = [r for r in self.on_its_way if r.due <= now]
        self.on_its_way = [r for r in self.on_its_way if r.due > now]
        for read in sorted(due, key=lambda r: r.due):
            done = await record_late(self.pool, read.batch, read.readings, ConfirmationRule(), lambda: now)
            self.handed_in += done.stored


def _requests(collector: Collector, accounts: Sequence[Account]) -> list[list[Account]]:
    by_place: defaultdict[str, list[Account]] = defaultdict(list)
    for account in accounts:
        if account.platform is collector.platform:
            by_place[collector.place(account.native_id)].append(account)
    size = collector.batch_size
    return [theirs[n : n + size] for theirs in by_place.values() for n in range(0, len(theirs), size)]


@asynccontextmanager
async def other_machine(
    pool: Pool, simulators: Simulators, hosts: Sequence[str], seed: int
) -> AsyncGenerator[OtherMachine]:
    async with AsyncExitStack() as stack:
        collectors = [
            await stack.enter_async_context(collector_at(Platform(p), address, hosts))
            for p, address in simulators.addresses.items()
        ]
        yield OtherMachine(pool, simulators, collectors, random.Random(seed))

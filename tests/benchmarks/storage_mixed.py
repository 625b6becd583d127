"""Days of watching as the planner does it: a sweep, boosted reads, answers with gaps, changes, a wave."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import uvloop

from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.recorder import Recorder
from jobs.detect.judge import TrackedAccount
from storage.model.core.availability import State
from storage.model.core.coverage import Roster
from storage.postgres.pool import Pool, open_pool, transaction
from storage.readings import rosters
from tests.benchmarks.measuring import Figure, scratch_database
from tests.benchmarks.recorded import (
    ROSTER_SIZE,
    Cost,
    Group,
    coverage_parts,
    judged_ahead,
    record_all,
    sizes,
    watch,
)
from tests.support.pipelines.judged_requests import RULE, Poll
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0, WITHHELD_IN, FakeCollector

ACCOUNTS = 10_000
SWEEPS = 6 * 96
EVERY = timedelta(minutes=15)
BOOSTED_SHARE = 0.3
USES_OF_A_BOOSTED_ROSTER = 10
PARTIAL_SHARE = 0.03
CHANGES_A_DAY_SHARE = 0.0005
FLAPS_SHARE = 0.2
"""Of the changes: seen once, gone at the next reading."""
WAVE_SWEEP, WAVE_SIZE = 120, 257


class _Days:
    """The accounts, who is boosted, and what the platform would say."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self.truth: dict[str, State] = {}
        self.requests = 0
        self._rng = random.Random(2021)
        self._accounts = [w for _, accounts in groups for w in accounts]
        self._boosted: list[tuple[Roster, list[TrackedAccount]]] = []
        self._flapping: list[str] = []

    async def sweep(self, pool: Pool, number: int) -> list[Poll]:
        """All requests of a quarter of an hour, in the order in which they were answered."""
        at = T0 + number * EVERY
        self._happen(number)
        polls = [self._poll(*group, at) for group in self.groups]
        for i in self._flapping:
            self.truth[i] = AVAILABLE
        self._flapping.clear()
        count = round(len(self.groups) * BOOSTED_SHARE / (1 - BOOSTED_SHARE))
        if number % USES_OF_A_BOOSTED_ROSTER == 0:
            self._boosted = [await self._boost(pool, at) for _ in range(count)]
        self.requests += len(polls) + len(self._boosted)
        minutes = sorted(self._rng.randint(1, 14) for _ in self._boosted)
        return polls + [self._poll(*b, at + m * MINUTE) for b, m in zip(self._boosted, minutes, strict=True)]

    def _happen(self, number: int) -> None:
        if number == 0:
            return
        if number == WAVE_SWEEP:
            self.truth |= {w.account.native_id: WITHHELD_IN for w in self._accounts[:WAVE_SIZE]}
        for w in self._accounts:
            if self._rng.random() < CHANGES_A_DAY_SHARE / 96:
                i = w.account.native_id
                self.truth[i] = AVAILABLE if self.truth.get(i) == SUSPENDED else SUSPENDED
                if self._rng.random() < FLAPS_SHARE:
                    self._flapping.append(i)

    def _poll(self, roster: Roster, accounts: Sequence[TrackedAccount], at: datetime) -> Poll:
        omitted: frozenset[str] = frozenset()
        if self._rng.random() < PARTIAL_SHARE:
            some = self._rng.sample(list(accounts), self._rng.randint(1, 3))
            omitted = frozenset(w.account.native_id for w in some)
        return judged_ahead(roster, accounts, at, self.truth, omitted)

    async def _boost(self, pool: Pool, at: datetime) -> tuple[Roster, list[TrackedAccount]]:
        some = self._rng.sample(self._accounts, ROSTER_SIZE)
        ids = [w.account.account_id for w in some]
        async with transaction(pool) as conn:
            return await rosters.get_or_make(conn, X, ids, (), at, base=False), some


def figures(plain_bytes: float) -> Iterator[Figure]:
    with scratch_database() as dsn:
        yield from uvloop.run(_measure(dsn, plain_bytes))


async def _measure(dsn: str, plain_bytes: float) -> list[Figure]:
    async with open_pool(dsn) as pool:
        async with transaction(pool) as conn:
            days = _Days(await watch(conn, ACCOUNTS, None))
            empty = await sizes(conn)
        recorder = Recorder(pool, FakeCollector(), RULE, system_clock)
        cost = Cost()
        await record_all(recorder, await days.sweep(pool, 0), cost)
        # The queue of the first look is empty again; what it occupied must not count as saved later.
        await pool.execute("vacuum pending_change")
        async with transaction(pool) as conn:
            first = await sizes(conn)
        for number in range(1, SWEEPS):
            await record_all(recorder, await days.sweep(pool, number), cost)
        async with transaction(pool) as conn:
            parts = await coverage_parts(conn)
            last = await sizes(conn)
            changes = await conn.fetchval("select count(*) from change where kind <> 'baseline'")
            await conn.execute("reindex table coverage_2021_02")
            renewed = await coverage_parts(conn)
    per_request = sum(parts.values()) / days.requests
    parts["rosters"] = last["roster"]
    parts["changes"] = _beside(last) - _beside(first)
    saved = sum(parts[name] - size for name, size in renewed.items())
    each = {name: size / cost.readings for name, size in parts.items()}
    return [
        Figure("bytes_per_reading", sum(each.values()), "bytes", "lower", plain_bytes),
        *(Figure(f"bytes_per_reading_{name}", size, "bytes", "lower") for name, size in each.items()),
        Figure("bytes_per_reading_saved_by_reindex", saved / cost.readings, "bytes", "higher"),
        Figure("bytes_per_request", per_request, "bytes", "lower"),
        Figure("bytes_per_change", parts["changes"] / changes, "bytes", "lower"),
        Figure("bytes_per_account_at_first", (_beside(first) - _beside(empty)) / ACCOUNTS, "bytes", "lower"),
    ]


def _beside(size: Mapping[str, int]) -> int:
    """Everything that is neither coverage nor a roster."""
    return sum(n for name, n in size.items() if name not in {"coverage_row", "roster"})

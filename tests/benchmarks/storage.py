"""What keeping readings costs and how fast they are there again. `make bench GROUP=storage`.

Unchanged readings through the recorder, beside a plain table with a row for each, filled by COPY.

Both run on one server with the same durability, in turns, so that both meet the same machine.

Days of watching as the planner does it: a sweep, boosted reads, answers with gaps, changes, a wave.

Whether an unchanged reading costs the same when a hundred times as many accounts are watched.

How fast the answers are: 100,000 accounts, a year, a list of 1,178 read every 15 minutes throughout.

What is measured is what pages and API call: the status report of now and of a moment, as the Replay page has
it, and the spells from which the Live page draws a list and counts everybody. Reference: a plain query in the
same run that counts the same spells.

How long a published history takes to come in: the real file of restorations, where it is at hand.
"""

import gc
import gzip
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.recorder import Recorder
from jobs.detect.judge import TrackedAccount
from jobs.imports.published_records import import_record
from storage.health.status import standing
from storage.health.status_at import status_at
from storage.live import snapshot
from storage.model.core.availability import State
from storage.model.core.coverage import Roster
from storage.postgres.pool import Conn, Pool, connect, open_pool, transaction
from storage.readings import coverage, rosters
from storage.readings.coverage import ensure_month
from storage.readings.last_reading import last_confirmed
from storage.readings.readings import readings_of
from tests.benchmarks.measuring import Figure, scratch_database
from tests.benchmarks.recorded import (
    ROSTER_SIZE,
    Cost,
    Group,
    coverage_parts,
    judged_ahead,
    record_all,
    sizes,
    wal_position,
    watch,
)
from tests.support.pipelines.judged_requests import RULE, Poll
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0, WITHHELD_IN, FakeCollector
from tests.support.seeds.large_database import COHORT, START, Size, build


def figures() -> Iterator[Figure]:
    plain = measured()
    yield from plain.figures()
    yield from _mixed_figures(plain.copied.bytes_each)
    yield from _many_figures()
    yield from _asked_figures()
    yield from _imported_figures()


RUNS = 7


SWEEP = timedelta(minutes=15)


SIZE = Size()


def _asked_figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        yield from uvloop.run(_measure(dsn))


async def _measure(dsn: str) -> list[Figure]:
    conn = await connect(dsn)
    try:
        await build(conn, SIZE)
    finally:
        await conn.close()
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        found = list[Figure]()
        for name, ask, plain in await _questions(conn):
            reference = await _median_ms(conn, plain) if plain else None
            found.append(Figure(name, await _median_ms(conn, ask), "ms", "lower", reference))
        return found


Ask = Callable[[Conn], Awaitable[object]]


def _counted(condition: str, *args: object) -> Ask:
    counted = f"select status, withheld_in, count(*) from spell where {condition} group by 1, 2"  # noqa: S608
    return lambda conn: conn.fetch(counted, *args)


async def _questions(conn: Conn) -> list[tuple[str, Ask, Ask | None]]:
    members = await conn.fetch(
        "select account_id from watch_list_member join watch_list using (list_id) where name = $1", COHORT
    )
    cohort = [r["account_id"] for r in members]
    half, until = START + timedelta(days=SIZE.days / 2), SIZE.until
    next_day = half + timedelta(days=1)
    return [
        (
            "latest_100k_ms",
            lambda c: standing(c, until, SWEEP),
            _counted("upper_inf(valid) and upper_inf(recorded)"),
        ),
        (
            "timelines_1178_year_ms",
            lambda c: snapshot.spells(c, START, cohort),
            _counted("account_id = any($1::bigint[]) and upper_inf(recorded)", cohort),
        ),
        (
            "at_100k_ms",
            lambda c: status_at(c, half, None, SWEEP),
            _counted("valid @> $1::timestamptz and upper_inf(recorded)", half),
        ),
        (
            "as_known_100k_ms",
            lambda c: status_at(c, half, next_day, SWEEP),
            _counted("valid @> $1::timestamptz and recorded @> $2::timestamptz", half, next_day),
        ),
        ("account_readings_year_ms", lambda c: readings_of(c, cohort[0], START, until), None),
        ("counts_year_ms", lambda c: snapshot.spells(c, START, None), _counted("upper_inf(recorded)")),
        ("last_confirmed_1178_ms", lambda c: last_confirmed(c, cohort), None),
    ]


async def _median_ms(conn: Conn, ask: Ask) -> float:
    """After one run that is not counted."""
    took: list[float] = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        await ask(conn)
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took[1:])


DATA = Path(os.environ.get("TEST_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


FILE = DATA / "account_restorations.csv.gz"


NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _imported_figures() -> Iterator[Figure]:
    if not FILE.exists():
        return
    with scratch_database() as dsn:
        seconds, changes = uvloop.run(_import(dsn, FILE))
    yield Figure("history_import_s", seconds, "s", "lower")
    yield Figure("history_import_changes_per_s", changes / seconds, "changes/s", "higher")


async def _import(dsn: str, file: Path) -> tuple[float, int]:
    """From the bytes of the file to the commit. Lines that contradict others are left out."""
    async with open_pool(dsn) as pool:
        packed = file.read_bytes()
        started = time.perf_counter()
        content = gzip.decompress(packed)
        await import_record(
            pool, content, file.name, NOW, lambda _: None, source="restorations", list_name=None, partial=True
        )
        seconds = time.perf_counter() - started
        return seconds, await pool.fetchval("select count(*) from change")


FEW, MANY = 98 * 100, 98 * 10_000


PARTS = 4


REQUESTS_A_PART = MANY // ROSTER_SIZE


EVERY = timedelta(minutes=15)


def _many_figures() -> Iterator[Figure]:
    """Few are measured before and after many, since a machine does not stay the same."""
    before, many, after = _rate(FEW), _rate(MANY), _rate(FEW)
    yield Figure("cost_1m_vs_10k", 1e6 / many, "us/reading", "lower", 1e6 / max(before, after))


def _rate(accounts: int) -> float:
    with scratch_database() as dsn:
        return uvloop.run(_best_part(dsn, accounts))


async def _best_part(dsn: str, accounts: int) -> float:
    """Readings a second in the fastest of some parts: other work on the machine can only slow them down."""
    rates: list[float] = []
    async with open_pool(dsn) as pool:
        async with transaction(pool) as conn:
            ((_, some),) = await watch(conn, ROSTER_SIZE, AVAILABLE)
            await _add(conn, accounts - ROSTER_SIZE)
            await coverage.ensure_month(conn, T0.date())
            base = await rosters.base_rosters(conn, X)
        async with pool.acquire() as conn:
            await conn.execute("vacuum (analyze) account, roster")
            await conn.execute("checkpoint")
        recorder = Recorder(pool, FakeCollector(), RULE, system_clock)
        sweeps = REQUESTS_A_PART // len(base)
        for part in range(PARTS):
            times = [T0 + (1 + part * sweeps + n) * EVERY for n in range(sweeps)]
            answers = [judged_ahead(base[0], some, at) for at in times]
            cost = Cost()
            await record_all(recorder, [one for a in answers for one in _sweep(base, a)], cost)
            rates.append(cost.rate)
    return max(rates)


def _sweep(base: Sequence[Roster], one: Poll) -> list[Poll]:
    """All rosters answered alike, so that one answer is judged for all of them."""
    return [replace(one, batch=replace(one.batch, roster_id=r.roster_id)) for r in base]


async def _add(conn: Conn, accounts: int) -> None:
    await conn.execute(
        """
        insert into account (platform, native_id, handle, added_at)
        select 'x', 'n' || n, 'h' || n, $2 from generate_series(1, $1::int) as n
        """,
        accounts,
        T0,
    )
    await conn.execute(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
        select 'x', sha256(min(account_id)::text::bytea), array_agg(account_id order by account_id), '{}',
            true, min(added_at)
        from account where account_id > $1 group by (account_id - 1) / $1 order by min(account_id)
        """,
        ROSTER_SIZE,
    )


ACCOUNTS = 10_000


SWEEPS = 6 * 96


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


def _mixed_figures(plain_bytes: float) -> Iterator[Figure]:
    with scratch_database() as dsn:
        yield from uvloop.run(_measure_mixed(dsn, plain_bytes))


async def _measure_mixed(dsn: str, plain_bytes: float) -> list[Figure]:
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


TURNS = 8


SWEEPS_A_TURN = 16


SWEEPS_BETWEEN_CHECKPOINTS = 8


ROWS_A_TRANSACTION = 5_000
"""The best form of COPY that was found."""


@dataclass(slots=True)
class Plain:
    """What was measured."""

    recorded: Cost = field(default_factory=Cost)
    copied: Cost = field(default_factory=Cost)
    recorded_slowly: Cost = field(default_factory=Cost)
    """A sweep between two checkpoints, as with a sweep and a checkpoint every 15 minutes."""
    copied_slowly: Cost = field(default_factory=Cost)
    parts: dict[str, int] = field(default_factory=dict[str, int])

    def figures(self) -> Iterator[Figure]:
        ours, plain = self.recorded, self.copied
        yield Figure("record_vs_copy", ours.rate, "readings/s", "higher", plain.rate)
        yield Figure("wal_bytes_per_reading", ours.wal_each, "bytes", "lower", plain.wal_each)
        slow = self.recorded_slowly.wal_each, self.copied_slowly.wal_each
        yield Figure("wal_bytes_per_reading_checkpoint_each_sweep", slow[0], "bytes", "lower", slow[1])
        yield Figure("bytes_per_reading_base", ours.bytes_each, "bytes", "lower", plain.bytes_each)
        for name, size in self.parts.items():
            yield Figure(f"bytes_per_reading_base_{name}", size / self._readings, "bytes", "lower")

    @property
    def _readings(self) -> int:
        return self.recorded.readings + self.recorded_slowly.readings


def measured() -> Plain:
    with scratch_database() as dsn:
        return uvloop.run(_measure_plain(dsn))


async def _measure_plain(dsn: str) -> Plain:
    plain = Plain()
    async with open_pool(dsn) as pool:
        async with transaction(pool) as conn:
            groups = await watch(conn, ACCOUNTS, AVAILABLE)
            await ensure_month(conn, T0.date())
            await conn.execute(
                """
                create table plain_reading (
                    account_id bigint, observed_at timestamptz, status smallint, latency_ms int,
                    primary key (account_id, observed_at)
                )
                """
            )
        recorder = Recorder(pool, FakeCollector(), RULE, system_clock)
        sweep = 1
        for _ in range(TURNS):
            times = [T0 + (sweep + n) * EVERY for n in range(SWEEPS_A_TURN)]
            sweep += SWEEPS_A_TURN
            await _turn(pool, recorder, groups, times, plain.recorded, plain.copied)
        for n in range(SWEEPS_BETWEEN_CHECKPOINTS):
            times = [T0 + (sweep + n) * EVERY]
            await _turn(pool, recorder, groups, times, plain.recorded_slowly, plain.copied_slowly)
        async with transaction(pool) as conn:
            plain.parts = await coverage_parts(conn)
            size = await sizes(conn)
        readings = plain.recorded.readings + plain.recorded_slowly.readings
        plain.parts["rosters"] = size["roster"]
        plain.recorded.bytes_each = sum(plain.parts.values()) / readings
        plain.copied.bytes_each = size["plain_reading"] / readings
    return plain


async def _turn(
    pool: Pool,
    recorder: Recorder,
    groups: Sequence[Group],
    times: Sequence[datetime],
    ours: Cost,
    plain: Cost,
) -> None:
    polls = [judged_ahead(roster, accounts, at) for at in times for roster, accounts in groups]
    gc.collect()  # what was judged is not counted
    before = await _checkpoint(pool)
    await record_all(recorder, polls, ours)
    ours.wal += await _wal(pool) - before
    rows = [(a, at, 1, 120) for at in times for roster, _ in groups for a in roster.account_ids]
    before = await _checkpoint(pool)
    started = time.perf_counter()
    for n in range(0, len(rows), ROWS_A_TRANSACTION):
        async with transaction(pool) as conn:
            await conn.copy_records_to_table("plain_reading", records=rows[n : n + ROWS_A_TRANSACTION])
    plain.seconds += time.perf_counter() - started
    plain.readings += len(rows)
    plain.wal += await _wal(pool) - before


async def _checkpoint(pool: Pool) -> int:
    """So that both begin alike: the first write to each page after it puts the whole page into the log."""
    async with pool.acquire() as conn:
        await conn.execute("checkpoint")
        return await wal_position(conn)


async def _wal(pool: Pool) -> int:
    async with transaction(pool) as conn:
        return await wal_position(conn)

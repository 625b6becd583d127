"""How soon an edit of what is watched is in effect at a million accounts: `make bench GROUP=edits`.

Each figure is the time until the monitor reads by the edit, beside that of loading everything again, as the
edit of a threshold does. BLOCKLINE_BENCH_ACCOUNTS makes it smaller, for a try.
"""

import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import uvloop

from collectors.bluesky.declaration import BLUESKY
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from jobs.rehearsal.pipeline import collector_at
from jobs.rehearsal.simulators import spawn
from storage.accounts.accounts import NewAccount, add_accounts, watch_version
from storage.accounts.watch_lists import make_list, move_accounts
from storage.accounts.watching import stop_watching_many
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from tests.benchmarks.collecting import RunningClock
from tests.benchmarks.measuring import Figure, scratch_database
from tests.benchmarks.million import CANARIES, MANY, World, build
from tests.support.samples.readings import T0

_TIMES = 5
"""The middle one is the figure. An edit of ten thousand accounts is measured once."""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="blockline-bench-") as folder, scratch_database() as dsn:
        history = Path(folder) / "history.csv"
        # The simulator cannot start without a history. It gets no request.
        World(1000).write_history(history, T0 + timedelta(days=1))
        uvloop.run(build(dsn, MANY))
        for planner in PlannerKind:
            yield from uvloop.run(_measured(dsn, history, planner))


async def _measured(dsn: str, history: Path, planner: PlannerKind) -> list[Figure]:
    clock = RunningClock(T0)
    settings = MonitorSettings(Sweep(MANY.sweep, T0), planner, CANARIES)
    async with (
        spawn(history) as simulators,
        open_pool(dsn, max_size=8) as pool,
        collector_at(BLUESKY, simulators.addresses[BLUESKY], ()) as collector,
    ):
        monitor = reading_pipeline(pool, collector, ConfirmationRule(), settings, clock)
        await monitor.load()
        started = time.perf_counter()
        await monitor.load()
        whole = time.perf_counter() - started
        names = (f"{planner.value}{n}" for n in range(10**9))

        async def added(conn: Conn, number: int) -> None:
            new = [
                NewAccount(BLUESKY, f"did:plc:{next(names)}", "new.example", ("Added",))
                for _ in range(number)
            ]
            await add_accounts(conn, new, T0)

        async def moved(conn: Conn, number: int) -> None:
            rows = await conn.fetch(
                """
                select account_id from watch_list_member join watch_list using (list_id)
                where name = 'L1' limit $1
                """,
                number,
            )
            await move_accounts(conn, "L1", "L2", [r["account_id"] for r in rows], "desk", T0)

        async def removed(conn: Conn, number: int) -> None:
            rows = await conn.fetch(
                "select account_id from account where watched and platform = 'bluesky' limit $1", number
            )
            await stop_watching_many(conn, [r["account_id"] for r in rows], "desk", T0)

        async def listed(conn: Conn, _: int) -> None:
            await make_list(conn, next(names), "desk", T0)

        async def figure(name: str, edit: Callable[[Conn, int], Awaitable[None]], number: int = 1) -> Figure:
            times = sorted(
                [await taken_up(pool, monitor, edit, number) for _ in range(_TIMES if number == 1 else 1)]
            )
            return Figure(f"{name}_{planner.value}_s", times[len(times) // 2], "s", "lower", whole)

        return [
            await figure("one_added", added),
            await figure("one_moved", moved),
            await figure("one_removed", removed),
            await figure("list_made", listed),
            await figure("ten_thousand_added", added, 10_000),
            await figure("ten_thousand_removed", removed, 10_000),
        ]


async def taken_up(
    pool: Pool, monitor: Monitor, edit: Callable[[Conn, int], Awaitable[None]], number: int
) -> float:
    """From the commit of the edit to the end of what a leader does because of it."""
    async with transaction(pool) as conn:
        before = (await watch_version(conn, 0)).number
        await edit(conn, number)
    started = time.perf_counter()
    async with transaction(pool) as conn:
        edited = (await watch_version(conn, before)).edited
    await monitor.load(edited)
    return time.perf_counter() - started

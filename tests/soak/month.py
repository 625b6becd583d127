"""The soak itself, inside libfaketime: `python -m tests.soak.month FOLDER SPEED PLAN`; see `tests.soak`."""

import asyncio
import json
import random
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from collectors.simulator.history import COLUMNS, HistoryAccount
from jobs.base.clock import system_clock
from jobs.base.event_loop import run
from jobs.delivery.local_inbox import Inbox, SmtpServer
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.postgres.pool import Pool, StorageError, open_pool, transaction
from tests.soak import samples, truth
from tests.soak.database import running_database
from tests.soak.invented_month import AWAKE, DAY, SoakPlan, invented_month
from tests.soak.platforms import simulated
from tests.soak.processes import Installation, installed, settings_of
from tests.soak.report import DAYS, Row, SoakReport, show, write, write_samples
from tests.soak.visitors import Follower, followers
from tests.support.processes.fast_clock import suspend_until

_EDITED = timedelta(minutes=10)
"""When the watch list is edited and the leader is killed, from the beginning of each day."""
_MEASURED = timedelta(minutes=32)
"""When the figures of a day are taken. A slow machine needs the rest of the time awake for them."""
_SETTLING = timedelta(minutes=90)
"""At the end nothing happens any more, so that what was seen is confirmed and sent."""


@dataclass(slots=True)
class Soak:
    """A running soak."""

    plan: SoakPlan
    speed: int
    folder: Path
    pool: Pool
    here: Installation
    followers: dict[str, Follower]
    accounts: tuple[HistoryAccount, ...]
    start: datetime
    rows: list[Row] = field(default_factory=list[Row])
    wrong: list[str] = field(default_factory=list[str])
    killed: list[str] = field(default_factory=list[str])

    async def run(self) -> None:
        """Let the days pass, and wait in the last morning until what was seen is confirmed and sent."""
        for day in range(1, self.plan.days + 1):
            morning = self.start + (day - 1) * DAY
            await _wait_until(morning + _EDITED)
            async with asyncio.TaskGroup() as today:
                today.create_task(self._churn(day))
                today.create_task(self._kill_leader())
            await _wait_until(morning + _MEASURED)
            await self._sample(day, morning)
            await _wait_until(morning + AWAKE)
            suspend_until(morning + DAY)
        await _wait_until(self.start + self.plan.days * DAY + _SETTLING)

    async def _churn(self, day: int) -> None:
        """Take some off the watch and put others on it."""
        now = system_clock()
        for number in self.plan.leaving(day):
            one = self.accounts[number]
            async with transaction(self.pool) as conn:
                await stop_watching(conn, one.platform, one.native_id, now, is_id=True)
        await watch(self.pool, [self.accounts[number] for number in self.plan.joining(day)])

    async def _kill_leader(self) -> None:
        self.killed.append(await self.here.kill_leader(self.pool))

    async def _sample(self, day: int, since: datetime) -> None:
        """Take the figures of a day, whose changes are those that were recorded since then."""
        pids = {n: p.pid for n, p in self.here.processes.items() if p.returncode is None}
        try:
            row = {DAYS: float(day)} | samples.of_processes(pids)
            row |= await samples.of_database(self.pool, pids)
            pages, failed = await samples.of_dashboards(
                self.pool, self.here.addresses, self.followers, since, self.speed
            )
        except (OSError, StorageError) as error:
            self.wrong.append(f"day {day}: {error!r}")
            return
        self.rows.append(row | pages)
        self.wrong += [f"day {day}: {what}" for what in failed]
        write_samples(self.folder, self.rows)
        print(f"{system_clock():%d %H:%M} " + _line(row), flush=True)


async def _wait_until(at: datetime) -> None:
    await asyncio.sleep(max(0.0, (at - system_clock()).total_seconds()))


def _line(row: Row) -> str:
    memory = sum(value for name, value in row.items() if name.startswith("memory_mb"))
    return (
        f"{row['readings']:,.0f} readings, {row['changes']:.0f} changes, {row['mails']:.0f} mails, "
        f"{memory:.0f} MB in all processes"
    )


async def watch(pool: Pool, accounts: list[HistoryAccount]) -> None:
    async with transaction(pool) as conn:
        now = system_clock()
        new = [NewAccount(a.platform, a.native_id, a.handles[0], a.lists) for a in accounts]
        await add_accounts(conn, new, now)


def write_history(path: Path, accounts: tuple[HistoryAccount, ...]) -> None:
    lines = [",".join(COLUMNS)]
    for a in accounts:
        for at, state in zip(a.times, a.states, strict=True):
            countries = " ".join(state.withheld_in)
            lines.append(
                f"{a.platform},{a.native_id},{a.handles[0]},{at.isoformat()},{state.status},{countries},"
                + ";".join(a.lists)
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


async def soak(
    folder: Path, speed: int, plan: SoakPlan, dsn: str, inbox: Inbox, smtp_port: int
) -> SoakReport:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(dsn))
        # The first day begins when all processes run, whatever that takes of simulated time.
        began = system_clock() + DAY
        accounts = invented_month(plan, began)
        write_history(folder / "history.csv", accounts)
        addresses = await stack.enter_async_context(simulated(folder / "history.csv"))
        await watch(pool, list(accounts[: plan.accounts]))
        settings = settings_of(dsn, addresses, smtp_port, plan.sweep_every)
        here = await stack.enter_async_context(installed(folder, settings))
        heard = await stack.enter_async_context(followers(here.addresses))
        suspend_until(began)
        one = Soak(plan, speed, folder, pool, here, heard, accounts, began)
        await one.run()
        one.wrong += [f"{name} ended by itself" for name in here.ended()]
        one.wrong += [f"the open page of {name} lost its websocket" for name, f in heard.items() if f.broken]
        end = system_clock()
        false, counts = await truth.false_changes(pool, accounts, began, end)
        one.wrong += false + await truth.wrong_mails(pool, inbox.mails(), end)
        figures: dict[str, object] = {
            "plan": asdict(plan) | {"sweep_every": str(plan.sweep_every)},
            "speed": speed,
            "leaders_killed": one.killed,
            "mails_received": len(inbox.mails()),
            **counts,
        }
        return SoakReport(one.rows, figures, one.wrong, here.said())


def main(folder: Path, speed: int, plan: SoakPlan) -> int:
    random.seed(0)
    inbox = Inbox()
    with running_database(folder / "postgres") as dsn, SmtpServer(inbox) as smtp:
        report = run(lambda: soak(folder, speed, plan, dsn, inbox, smtp.port))
    write(folder, report)
    show(report)
    return 0 if report.is_right else 1


if __name__ == "__main__":
    told = json.loads(sys.argv[3])
    asked = SoakPlan(**told | {"sweep_every": timedelta(seconds=told["sweep_every"])})
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), asked))

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
from tests.soak.invented_month import DAY, SoakPlan, invented_month
from tests.soak.platforms import simulated
from tests.soak.processes import Installation, installed, settings_of
from tests.soak.report import HOUR, Row, SoakReport, show, write, write_samples
from tests.soak.visitors import Follower, followers

_HOUR = timedelta(hours=1)
_EACH_DAY_AT = timedelta(hours=4)
"""When the watch list is edited and the leader is killed, from the beginning of each day."""
_SETTLING = timedelta(hours=2)
"""At the end nothing happens any more, so that what was seen is confirmed and sent."""
_FIRST_HOUR = 1


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
        """Let the days pass."""
        async with asyncio.TaskGroup() as group:
            sampling = group.create_task(self._sample())
            for day in range(1, self.plan.days + 1):
                await self._wait_until(self.start + (day - 1) * DAY + _EACH_DAY_AT)
                async with asyncio.TaskGroup() as today:
                    today.create_task(self._churn(day))
                    today.create_task(self._kill_leader())
            await self._wait_until(self.start + self.plan.hours * _HOUR + _SETTLING)
            sampling.cancel()

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

    async def _sample(self) -> None:
        hour, last = _FIRST_HOUR, self.start
        while True:
            await self._wait_until(self.start + hour * _HOUR)
            since, last = last, system_clock()
            pids = {name: process.pid for name, process in self.here.processes.items()}
            row: dict[str, float] = {HOUR: (last - self.start) / _HOUR}
            try:
                row |= samples.of_processes(pids)
                row |= await samples.of_database(self.pool, pids)
                pages, failed = await samples.of_dashboards(
                    self.pool, self.here.addresses, self.followers, since, self.speed
                )
                row |= pages
                self.wrong += [f"hour {hour}: {what}" for what in failed]
            except (OSError, StorageError) as error:  # of a process that was killed just now
                self.wrong += [] if self._kills_now(last) else [f"hour {hour}: {error!r}"]
                continue
            finally:
                hour = int((system_clock() - self.start) / _HOUR) + 1
            self.rows.append(row)
            write_samples(self.folder, self.rows)
            print(f"{last:%d %H:%M} " + _line(row), flush=True)

    def _kills_now(self, at: datetime) -> bool:
        return abs((at - self.start) % DAY - _EACH_DAY_AT) < _HOUR

    async def _wait_until(self, at: datetime) -> None:
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
        # What happens begins when all processes run, whatever that takes of simulated time.
        began = system_clock() + _HOUR
        accounts = invented_month(plan, began)
        write_history(folder / "history.csv", accounts)
        addresses = await stack.enter_async_context(simulated(folder / "history.csv"))
        await watch(pool, list(accounts[: plan.accounts]))
        settings = settings_of(dsn, addresses, smtp_port, plan.sweep_every)
        here = await stack.enter_async_context(installed(folder, settings))
        heard = await stack.enter_async_context(followers(here.addresses))
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
            "simulated_hours": round((end - began) / _HOUR, 1),
            "real_minutes": round((end - began).total_seconds() / speed / 60, 1),
            "leaders_killed": one.killed,
            "mails_received": len(inbox.mails()),
            "websockets_broken": {name: f.broken for name, f in heard.items()},
            **counts,
        }
        return SoakReport(one.rows, figures, one.wrong, here.said())


def main(folder: Path, speed: int, plan: SoakPlan) -> int:
    random.seed(0)
    inbox = Inbox()
    with running_database(folder / "postgres", speed) as dsn, SmtpServer(inbox) as smtp:
        report = run(lambda: soak(folder, speed, plan, dsn, inbox, smtp.port))
    write(folder, report)
    show(report)
    return 0 if report.is_right else 1


if __name__ == "__main__":
    told = json.loads(sys.argv[3])
    asked = SoakPlan(**told | {"sweep_every": timedelta(seconds=told["sweep_every"])})
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), asked))

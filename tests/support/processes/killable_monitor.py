"""A monitor to be killed: run as a module with DSN SIMULATOR SMTP_PORT HISTORY FROM TO EVERY_MINUTES."""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import uvloop

from collectors.simulator.history_files import load_history
from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.rehearsal.pipeline import Mailing, SimulationPlan, enlist, perform, simulated_canaries
from jobs.rehearsal.simulators import connected
from storage.model.alerts.rules import AlertRule


async def work(dsn: str, url: str, smtp_port: str, path: str, start: str, end: str, every: str) -> None:
    history = load_history(Path(path))
    plan = SimulationPlan(
        datetime.fromisoformat(start), datetime.fromisoformat(end), timedelta(minutes=int(every))
    )
    rule = AlertRule(recipients=("desk@example.org",))
    canaries = simulated_canaries(history)
    async with connected({X: url}) as simulators:
        await perform(
            dsn,
            simulators,
            Mailing("127.0.0.1", int(smtp_port), rule, Letterhead()),
            plan,
            canaries=canaries,
            prepare=lambda pool, now: enlist(pool, history.accounts, now),
            after=lambda at, _: print(at.isoformat(), flush=True),
        )


if __name__ == "__main__":
    uvloop.run(work(*sys.argv[1:]))

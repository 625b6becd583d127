"""`python -m tests.support.processes.toy_installation DSN HISTORY`: the toy platform through an installation.

Its accounts are watched while everything that can go wrong does; then its pages are asked for. Prints what
was found as JSON. In a process of its own, because platforms are installed before Python starts.
"""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

import aiohttp

from collectors.simulator.history_files import load_history
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import rehearse
from jobs.rehearsal.simulators import played
from storage.model.core.accounts import Platform
from storage.postgres.pool import open_pool
from tests.support.clients.page_walker import said
from tests.support.samples.readings import T0
from tests.support.servers.dashboard import SETTINGS, page_of, served

TOY = Platform("pond")
DAYS = timedelta(days=2)
_PAGES = ("/account/{account}", "/health", "/plan")


async def main(dsn: str, history: Path) -> dict[str, object]:
    plan = SimulationPlan(T0, T0 + DAYS, timedelta(hours=1))
    told = played(load_history(history), TOY.value)
    found = await rehearse(history, TOY.value, told, plan, "everything", dsn, lambda _: None)
    now = T0 + DAYS
    async with open_pool(dsn) as pool, served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        async with session.get(f"{base}/api/live") as live, session.get(f"{base}/api/replay") as film:
            drawn = {"live": live.status, "replay": film.status}
        async with session.get(f"{base}/api/v1/changes?limit=500") as changes:
            told_by_api = (await changes.json())["items"]
        async with pool.acquire() as conn:
            paths = [path.format(account=told_by_api[0]["account_id"]) for path in _PAGES]
            words = [said(await page_of(conn, path, now, SETTINGS, "light")) for path in paths]
    return {
        "false": list(map(str, found.verdict.false)),
        "wrong_interval": list(map(str, found.verdict.wrong_interval)),
        "detected": found.verdict.detected,
        "mails": found.figures["mails_in_mailbox"],
        "drawn": drawn,
        "platforms_of_changes": sorted({change["platform"] for change in told_by_api}),
        "named_on": [path for path, text in zip(_PAGES, words, strict=True) if "Pond" in text],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], Path(sys.argv[2])))))

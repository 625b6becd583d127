"""One of several that ask as fast as they may: run as a module with DSN PLATFORM URL ID HOST.

A line on the standard input is a time, from which the clock runs on; the answer is a line of JSON when
nothing may be asked any more.
"""

import asyncio
import json
import sys
from collections import Counter
from datetime import datetime

import uvloop

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import Collector
from jobs.base.clock import system_clock
from jobs.collect.collector_factory import collector_of
from jobs.config.settings import settings_from
from jobs.dispatch.shared_rate_limits import SharedBudgets
from storage.model.core.accounts import Platform
from storage.postgres.pool import open_pool

AT_ONCE = 4
FAR_S = 30.0


class Clock:
    """The real pace, from a time that is told."""

    def __init__(self) -> None:
        self._at = self._told_at = system_clock()

    def __call__(self) -> datetime:
        return self._at + (system_clock() - self._told_at)

    def start(self, at: datetime) -> None:
        self._at, self._told_at = at, system_clock()


async def ask(collector: Collector, native_id: str, clock: Clock, seen: Counter[str]) -> None:
    """One request after the other, until the next may go only much later."""
    while True:
        now = clock()
        if collector.platform is BLUESKY:
            trouble, sent = (await collector.engagement(native_id, None, now)).trouble, True
        else:
            answer = await collector.read([native_id], now)
            trouble, sent = answer.trouble, answer.sent
        seen["sent" if sent else "not sent"] += 1
        if trouble is None:
            continue
        seen[trouble.detail] += 1
        wait_s = (trouble.retry_at - clock()).total_seconds()
        if wait_s > FAR_S:
            return
        await asyncio.sleep(max(0.01, wait_s))


async def work(dsn: str, platform: str, url: str, native_id: str, host: str) -> None:
    clock = Clock()
    settings = settings_from(
        {
            "x_bearer_token": "simulated",
            "x_base_url": url,
            "bluesky_app_view": url,
            "bluesky_plc": url,
            "mastodon_origins": {host: url} if host else {},
            "trusted_hosts": url.removeprefix("http://"),
        }
    )
    async with open_pool(dsn) as pool:
        budgets = SharedBudgets(pool, settings.address, clock)
        async with collector_of(settings, Platform(platform), "", budgets) as collector:
            while line := await asyncio.to_thread(sys.stdin.readline):
                clock.start(datetime.fromisoformat(line.strip()))
                seen: Counter[str] = Counter()
                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(ask(collector, native_id, clock, seen))
                print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    uvloop.run(work(*sys.argv[1:]))

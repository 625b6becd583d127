"""The dashboard alone in a process: `python -m tests.benchmarks.push_server DSN NOW [PAUSE]`.

Prints its port. The monitor's clock starts at NOW. PAUSE, in seconds, stands for `live.COALESCE_S`.
"""

import asyncio
import sys
from datetime import datetime, timedelta

import uvloop

from dashboard.asgi.settings import DashboardSettings
from dashboard.live import push
from jobs.runtime.web import listen_on, serve
from storage.postgres.pool import open_pool

SETTINGS = DashboardSettings(
    title="Benchmark", subtitle="", synthetic=True, sweep_every=timedelta(minutes=15)
)


async def main(dsn: str, now: datetime) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    def clock() -> datetime:
        return now + timedelta(seconds=loop.time() - began)

    with listen_on("127.0.0.1", 0) as listener:
        async with open_pool(dsn) as pool, serve(listener, pool, dsn, clock, SETTINGS) as address:
            print(address, flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) > 3:
        push.COALESCE_S = float(sys.argv[3])
    uvloop.run(main(sys.argv[1], datetime.fromisoformat(sys.argv[2])))

"""A notifier to be killed at any statement: run as a module.

Each line `DSN SMTP_PORT MINUTE` on standard input is one tick in a process of its own, whose number is
printed, then `done` when it came to its end.
"""

import asyncio
import os
import sys

from jobs.notify.notifier import tick
from storage.postgres.pool import open_pool
from tests.jobs.notify.test_notifier import HEAD
from tests.support.samples.readings import minutes
from tests.support.servers.mail import sender_to


async def work(dsn: str, port: int, minute: float) -> None:
    async with open_pool(dsn, max_size=1) as pool:
        await tick(pool, sender_to(port), minutes(minute), HEAD)


def main() -> None:
    for line in sys.stdin:
        dsn, port, minute = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(work(dsn, int(port), float(minute)))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print("done" if status == 0 else f"ended by {status}", flush=True)


if __name__ == "__main__":
    main()

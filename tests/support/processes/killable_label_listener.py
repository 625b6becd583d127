"""A listener to labels, to be killed: run as a module with DSN SERVER LABELER. Prints a line at its start."""

import asyncio
import sys
from datetime import UTC, datetime

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from jobs.collect.label_listener import LabelListener
from storage.postgres.pool import open_pool


async def work(dsn: str, server: str, labeler: str) -> None:
    async with (
        open_pool(dsn) as pool,
        BlueskyCollector(app_view=server, plc=server, regions={"TR": labeler}) as collector,
    ):
        listener = LabelListener(
            pool,
            BLUESKY,
            collector.label_feed(),
            lambda: datetime.now(UTC),  # noqa: TID251
            lambda: True,
        )
        listener.renew()
        print("listening", flush=True)
        await listener.run()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))

"""The Health page, and the same for Prometheus."""

import asyncio
from contextlib import suppress
from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.health.facts import read_health
from dashboard.health.page import health_page
from dashboard.health.prometheus_metrics import metric_routes
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest
from storage.postgres.pool import Pool, StorageError
from storage.postgres.replica import Replica, replica_of

_CHECK_EVERY_S = 30.0


def health(process: WebProcess) -> Feature:
    replica = replica_of(process.pool)
    return Feature(
        pages=(
            Page(
                path="health",
                title="Health",
                help="reference/health",
                read=partial(_health, process),
                icon="health",
                counter="issues",
            ),
        ),
        routers=(metric_routes(process),),
        tasks=() if replica is None else (partial(_check, replica, process.pool),),
    )


async def _check(replica: Replica, primary: Pool) -> None:
    """Notice that the replica fails or recovers though nobody reads from it."""
    while True:
        with suppress(StorageError):  # the pages say that the primary is away
            await replica.check(primary)
        await asyncio.sleep(_CHECK_EVERY_S)


async def _health(process: WebProcess, asked: PageRequest) -> Drawing | None:
    if asked.more:
        return None
    settings = asked.settings
    facts = await read_health(asked.conn, asked.now, settings.sweep_every)
    return partial(health_page, facts, process, asked.actor, settings.late_after, asked.tag)

"""The Health page, and the same for Prometheus."""

from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.health.facts import read_health
from dashboard.health.page import health_page
from dashboard.health.prometheus_metrics import metric_routes
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest
from storage.postgres.replica import replica_of


def health(process: WebProcess) -> Feature:
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
    )


async def _health(process: WebProcess, asked: PageRequest) -> Drawing | None:
    if asked.more:
        return None
    settings = asked.settings
    facts = await read_health(asked.conn, asked.now, settings.sweep_every)
    if (replica := replica_of(process.pool)) is not None:
        await replica.check(asked.conn)  # without a long read, nothing else would notice that it recovered
    return partial(health_page, facts, process, asked.actor, settings.late_after, asked.tag)

"""The Sizing page, which the Health page leads to."""

from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.sizing.page import LISTS, plan_page
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest, Place
from storage.health.sizing_report import watch_sizes


def sizing(_: WebProcess) -> Feature:
    return Feature(
        pages=(
            Page(
                path="plan",
                title="Sizing",
                help="explanation/sizing",
                read=_plan,
                place=Place.NOWHERE,
                under="health",
            ),
        )
    )


async def _plan(asked: PageRequest) -> Drawing | None:
    if asked.more:
        return None
    watched = await watch_sizes(asked.conn, LISTS)
    return partial(plan_page, asked.query, watched, asked.settings.sweep_every, asked.tag)

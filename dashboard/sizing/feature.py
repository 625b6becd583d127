"""The Sizing page, which the Health page leads to."""

from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.sizing.page import LISTS, plan_page
from dashboard.ui.pages import Feature, Page, PageRequest, Place
from storage.health.sizing_report import watch_sizes


def sizing(_: WebProcess) -> Feature:
    return Feature(
        pages=(Page(path="plan", title="Sizing", draw=_plan, place=Place.NOWHERE, under="health"),)
    )


async def _plan(asked: PageRequest) -> Component | None:
    if asked.more:
        return None
    watched = await watch_sizes(asked.conn, LISTS)
    return plan_page(asked.query, watched, asked.settings.sweep_every, asked.tag)

"""The Settings page, and what is done on it."""

from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.people.facts import read_people
from dashboard.people.page import settings_page
from dashboard.people.routes import people_routes
from dashboard.people.second_factor_pages import second_factor_pages
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest, Place


def people(process: WebProcess) -> Feature:
    page = Page(
        path="settings",
        title="Settings",
        help="how-to/people",
        read=_settings,
        place=Place.SMALL_SCREENS,
        icon="settings",
    )
    login = process.settings.login
    routers = [people_routes(process.pool, process.clock, login)]
    if login is not None:
        routers.append(second_factor_pages(process.pool, process.clock, login))
    return Feature(pages=(page,), routers=routers)


async def _settings(asked: PageRequest) -> Drawing | None:
    if asked.more:
        return None
    known = await read_people(asked.conn, asked.actor, asked.query, asked.now)
    return partial(settings_page, known, asked.actor, asked.now, asked.tag)

"""The pages of help: the documentation, and the first run, which is shown at / until an account was read."""

from functools import partial

from starlette.staticfiles import StaticFiles

from dashboard.asgi.process import WebProcess
from dashboard.help.documentation import FOLDER, drawing, topics
from dashboard.help.first_run_callbacks import connect_first_run
from dashboard.help.first_run_facts import read_first_run
from dashboard.help.first_run_page import first_run_page
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest, Place
from storage.live.first_readings import is_first_run


def helping(process: WebProcess) -> Feature:
    return Feature(
        pages=(
            Page(
                path="first-run",
                title="First run",
                read=partial(_first_run, process),
                place=Place.NOWHERE,
                replaces_live=is_first_run,
                callbacks=partial(connect_first_run, process),
                help="how-to/first-run",
            ),
            Page(path="help", title="Help", read=_help, place=Place.SMALL_SCREENS, topics=topics()),
        ),
        mount=lambda server: server.mount("/help-files", StaticFiles(directory=FOLDER)),
    )


async def _help(asked: PageRequest) -> Drawing | None:
    return drawing(asked.more)


async def _first_run(process: WebProcess, asked: PageRequest) -> Drawing | None:
    if asked.more:
        return None
    facts = await read_first_run(asked.conn, asked.now)
    return partial(first_run_page, facts, process, asked.actor, asked.settings, asked.tag)

"""The Executives pages: what is read for them, and the same as JSON."""

from functools import partial

from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.executives.chart import executive_figure
from dashboard.executives.executive_page import executive_page
from dashboard.executives.executives_page import executives_page
from dashboard.executives.figures import BLOCK_FIGURES
from dashboard.executives.person_engagement import RANGES, PersonView, person_view
from dashboard.executives.routes import executive_routes
from dashboard.ui.chart_style import graph
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest, number_in
from storage.executives.executives_report import people


def executives(process: WebProcess) -> Feature:
    return Feature(
        pages=(
            Page(
                path="executives",
                title="Executives",
                help="how-to/executives",
                read=_executives,
                icon="person",
            ),
        ),
        figures=(BLOCK_FIGURES,),
        routers=(executive_routes(process.pool, process.clock),),
    )


async def _executives(asked: PageRequest) -> Drawing | None:
    """All of them; or one, by the number of an account of the person, and a range."""
    if not asked.more:
        return partial(executives_page, await people(asked.conn, asked.now), asked.now, asked.tag)
    number, range_name = number_in(asked.more[0]), [*asked.more, "all"][1]
    if number is None or range_name not in RANGES or len(asked.more) > 2:
        return None
    view = await person_view(asked.conn, number, range_name, asked.now)
    if view is None:
        return None
    return partial(_executive, view, number, asked)


def _executive(view: PersonView, number: int, asked: PageRequest) -> Component:
    figure = graph(
        executive_figure(view, asked.theme),
        "executive-figure",
        "Public engagement over time, above the blocks",
    )
    return executive_page(view, number, figure, asked.now, asked.tag)

"""Which of the executives' pages an address means, read and laid out."""

from datetime import datetime

from dash.development.base_component import Component

from dashboard.executives.chart import executive_figure
from dashboard.executives.executive_page import executive_page
from dashboard.executives.executives_page import executives_page
from dashboard.executives.person_engagement import RANGES, person_view
from dashboard.ui.cards import NO_SUCH_PAGE, missing_page
from dashboard.ui.chart_style import Theme, graph
from storage.executives.executives_report import people
from storage.postgres.pool import Conn


async def executive_pages(
    conn: Conn, more: list[str], now: datetime, theme: Theme, tag: list[Component]
) -> Component:
    """`more` is the number of an account of the person, and a range; empty for the list of all."""
    if not more:
        return executives_page(await people(conn, now), now, tag)
    number, range_name = [*more, "all"][:2]
    is_known = number.isdecimal() and len(number) < 18 and range_name in RANGES and len(more) <= 2
    view = await person_view(conn, int(number), range_name, now) if is_known else None
    if view is None:
        return missing_page(NO_SUCH_PAGE)
    figure = graph(
        executive_figure(view, theme), "executive-figure", "Public acts over time, above the blocks"
    )
    return executive_page(view, int(number), figure, now, tag)

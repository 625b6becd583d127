"""The routes of causes. Their cards stand on the pages of accounts and orders."""

from dashboard.asgi.process import WebProcess
from dashboard.causes.routes import cause_page_routes
from dashboard.ui.pages import Feature


def causes(process: WebProcess) -> Feature:
    return Feature(routers=(cause_page_routes(process.pool, process.clock),))

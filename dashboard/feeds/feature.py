"""Feeds: routes and no page."""

from dashboard.asgi.process import WebProcess
from dashboard.feeds.routes import feed_routes
from dashboard.ui.pages import Feature


def feeds(process: WebProcess) -> Feature:
    return Feature(routers=(feed_routes(process.pool, process.clock, process.settings, process.base_url),))

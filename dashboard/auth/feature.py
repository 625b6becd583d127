"""Logging in: its pages and routes, which are reached without a login."""

from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.auth.login import login_routes
from dashboard.auth.login_page import login_page_routes
from dashboard.auth.middleware import close_ended_sessions
from dashboard.auth.oidc import oidc_routes
from dashboard.ui.pages import Feature


def logging_in(process: WebProcess) -> Feature:
    pool, clock, settings = process.pool, process.clock, process.settings
    routers, login = [login_page_routes(settings)], settings.login
    if login is None:
        return Feature(routers=routers)
    routers.append(login_routes(pool, clock, settings, login))
    if login.provider is not None:
        routers.append(oidc_routes(pool, clock, settings, login, login.provider))
    return Feature(routers=routers, tasks=(partial(close_ended_sessions, pool, clock, process.sockets),))

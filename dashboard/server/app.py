# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
"""The dashboard as one ASGI app: Dash on FastAPI, with push, data and pages, behind the security headers."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from dash import ClientsideFunction, Dash, Input, Output, ctx
from dash.backends.ws import DashWebsocketCallback
from dash.development.base_component import Component
from fastapi import FastAPI

from dashboard.accounts.account_page import away_page
from dashboard.accounts.account_routes import account_routes
from dashboard.accounts.bulk_edits import account_edit_routes
from dashboard.accounts.import_routes import account_import_routes
from dashboard.accounts.table_routes import account_list_routes
from dashboard.alerts.mail_link_pages import mail_link_routes
from dashboard.alerts.routes import alert_routes
from dashboard.api import app as v1
from dashboard.api.request_checks import BodyLimitMiddleware
from dashboard.asgi.security_headers import App, SecurityHeadersMiddleware, content_security_policy
from dashboard.asgi.settings import DashboardSettings
from dashboard.asgi.websockets import AGAIN, WebSocketMiddleware, current
from dashboard.auth.login import login_routes
from dashboard.auth.login_page import login_page_routes
from dashboard.auth.middleware import AuthenticationMiddleware, close_ended_sessions
from dashboard.auth.oidc import oidc_routes
from dashboard.countries.published_json import claimed_routes
from dashboard.executives.routes import executive_routes
from dashboard.feeds.routes import feed_routes
from dashboard.health.facts import ThisProcess
from dashboard.live.push import Hub
from dashboard.live.routes import routes
from dashboard.live.snapshot_cache import LiveSnapshotCache
from dashboard.orders.report_routes import report_routes
from dashboard.orders.routes import order_routes
from dashboard.people.routes import people_routes
from dashboard.replay import video_export, video_export_routes
from dashboard.replay.film import FilmCache
from dashboard.replay.film_routes import film_routes
from dashboard.replay.reevaluation import ReevaluationRuns, Reevaluator
from dashboard.replay.reevaluation_routes import deciding_routes
from dashboard.server.dash_bundles import BundleMiddleware
from dashboard.server.prometheus_metrics import metric_routes
from dashboard.server.routing import asked, page_of, settled_for
from dashboard.server.search import search_routes
from dashboard.server.shell import Shell, index, layout
from dashboard.server.static import mount_static
from dashboard.stories.routes import story_routes
from dashboard.ui.chart_style import Theme
from dashboard.ui.time_markup import timed
from storage.postgres.pool import Pool, StorageError, transaction

LARGEST = 4_000_000
"""Bytes of a request: Dash would hold whatever a callback is sent. No other route takes half of it."""
LARGER = {video_export_routes.PATH: video_export.MOST_BYTES}
ASK_EVERY = 20
"""After so many messages the browser has to answer one question, so that a dead tab does not fill memory."""
ANSWER_WITHIN_S = 30.0
JUST_CONNECTED_S = 5.0
PATIENCE = 20
"""Unanswered questions before a browser is given up: ten minutes, as long as a frozen tab may sleep."""


def create_app(
    pool: Pool,
    clock: Callable[[], datetime],
    *,
    dsn: str,
    settings: DashboardSettings,
    decider: Reevaluator,
    base_url: str | None = None,
) -> App:
    """The dashboard, to be served by uvicorn on the event loop that owns `pool`, with its lifespan events.

    `clock` gives the monitor's now, which in a played scenario is not the wall clock's. `base_url` is its
    address in what leaves it (the feeds); None: the one that the reader asked under. Without a login in the
    settings, whoever serves it has to bind it to the loopback only.
    """
    hub = Hub(pool, dsn, clock, settings)
    boards = LiveSnapshotCache(pool, clock, settings)
    films = FilmCache(pool, clock, settings)
    runs = ReevaluationRuns(decider, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as tasks:
            work = [tasks.create_task(one.run()) for one in (hub, boards, films, runs)]
            if settings.login is not None:
                work.append(tasks.create_task(close_ended_sessions(pool, clock, hub.sockets)))
            yield
            for one in work:
                one.cancel()

    server = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    server.include_router(routes(pool, clock, settings, hub, boards))
    server.include_router(film_routes(pool, clock, settings, films))
    server.include_router(feed_routes(pool, clock, settings, base_url))
    server.include_router(account_list_routes(pool, clock, settings))
    server.include_router(account_routes(pool, clock))
    server.include_router(search_routes(pool))
    server.include_router(account_edit_routes(pool, clock))
    server.include_router(account_import_routes(pool, clock, settings))
    server.include_router(alert_routes(pool, clock))
    server.include_router(mail_link_routes(pool, clock))
    server.include_router(login_page_routes(settings))
    server.include_router(people_routes(pool, clock))
    if settings.login is not None:
        server.include_router(login_routes(pool, clock, settings, settings.login))
        if settings.login.provider is not None:
            server.include_router(oidc_routes(pool, clock, settings, settings.login, settings.login.provider))
    server.include_router(order_routes(pool, clock, settings))
    server.include_router(report_routes(pool, clock, settings, base_url))
    server.include_router(deciding_routes(pool, runs))
    server.include_router(video_export_routes.clip_routes())
    server.include_router(story_routes(pool, clock, settings))
    server.include_router(claimed_routes(pool, clock))
    server.include_router(executive_routes(pool, clock))
    server.include_router(metric_routes(pool, clock, settings, hub))
    v1.mount(server, pool, clock, settings, hub)
    dash = Shell(
        __name__,
        server=server,  # pyright: ignore[reportArgumentType]  # Dash has no type for a FastAPI server
        title=f"{settings.title} · Blockline",
        update_title="",
        assets_folder=str(Path(__file__).parent.parent / "assets"),
        assets_ignore=".*",  # the document names our files itself: they are there from the first request on
        index_string=index(settings, mount_static(server)),
        suppress_callback_exceptions=True,
        compress=True,
        websocket_allowed_origins=list(settings.allowed_origins),
        websocket_inactivity_timeout=0,
    )
    dash.layout = layout()
    _connect_browser(dash)
    _connect_push(dash, hub)
    _connect_pages(dash, pool, clock, settings, hub, runs)
    policy = content_security_policy(dash.csp_hashes())
    app = AuthenticationMiddleware(
        WebSocketMiddleware(BundleMiddleware(BodyLimitMiddleware(server, LARGEST, LARGER)), hub.sockets),
        pool,
        clock,
        settings,
    )
    return SecurityHeadersMiddleware(app, policy, settings.allowed_origins)


def _connect_browser(dash: Dash) -> None:
    """The page's own scripts, called by name so that no script stands in the document."""
    dash.clientside_callback(
        ClientsideFunction("blockline", "push"),
        Output("live-seen", "data"),
        Input("live-push", "data"),
        prevent_initial_call=True,
    )
    dash.clientside_callback(
        ClientsideFunction("blockline", "poll"),
        Output("live-polled", "data"),
        Input("live-poll", "n_intervals"),
        prevent_initial_call=True,
    )
    dash.clientside_callback(
        ClientsideFunction("blockline", "route"),
        Output("routed", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
    )


def _connect_push(dash: Dash, hub: Hub) -> None:
    @dash.callback(websocket=True, persistent=True)
    async def push() -> None:  # pyright: ignore[reportUnusedFunction]
        socket = ctx.websocket
        if socket is None:
            return
        with hub.subscribe() as queue:
            sent = 0
            while not socket.is_shutdown:
                socket.set_prop_sync("live-push", "data", await queue.get())
                sent += 1
                if sent % ASK_EVERY == 0 and not await _still_there(socket):
                    return

    @dash.callback(Input("live-wake", "data"), websocket=True, prevent_initial_call=True)
    async def wake(_: object) -> None:  # pyright: ignore[reportUnusedFunction]
        """A page hears nothing although it can ask: that it asks here has its browser connect again where
        that was given up. Where it is connected, it was the page that was given up: so it connects anew.
        """
        socket = current.get()
        if socket is not None and socket.age_s > JUST_CONNECTED_S:
            socket.close(AGAIN)


async def _still_there(socket: DashWebsocketCallback) -> bool:
    for _ in range(PATIENCE):
        try:
            await socket.get_prop("live-seen", "data", timeout=ANSWER_WITHIN_S)
        except TimeoutError:
            continue
        return True
    return False


def _connect_pages(
    dash: Dash,
    pool: Pool,
    clock: Callable[[], datetime],
    settings: DashboardSettings,
    hub: Hub,
    runs: ReevaluationRuns,
) -> None:
    @dash.callback(Output("page", "children"), Input("routed", "data"), prevent_initial_call=True)
    async def show(routed: dict[str, str]) -> Component | None:  # pyright: ignore[reportUnusedFunction]
        if routed["path"] == "/":
            return None
        theme: Theme = "dark" if routed["theme"] == "dark" else "light"
        query = asked(routed["query"])
        try:
            now = await settled_for(pool, routed["path"], query, clock())
            async with transaction(pool) as conn:
                process = _this_process(pool, hub)
                page = await page_of(conn, routed["path"], now, settings, theme, query, process, runs)
            return timed(page)
        except StorageError as error:
            return away_page(str(error))


def _this_process(pool: Pool, hub: Hub) -> ThisProcess:
    return ThisProcess(
        listening_since=hub.listening_since,
        browsers=len(hub.browsers),
        pool_open=pool.get_size(),
        pool_idle=pool.get_idle_size(),
        pool_most=pool.get_max_size(),
    )

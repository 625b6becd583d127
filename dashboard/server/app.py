# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
"""The dashboard as one ASGI app: Dash on FastAPI, with what its features add, behind the security headers."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from dash import ClientsideFunction, Dash, Input, Output
from fastapi import FastAPI, Request
from fastapi.responses import Response

from dashboard.asgi.body_limit import BodyLimitMiddleware
from dashboard.asgi.client_disconnects import ClientDisconnectMiddleware
from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.process import NO_MAIL_SERVER, MailTest, WebProcess
from dashboard.asgi.refusals import refusal
from dashboard.asgi.security_headers import App, SecurityHeadersMiddleware, content_security_policy
from dashboard.asgi.settings import DashboardSettings
from dashboard.asgi.websocket_messages import check_message
from dashboard.asgi.websockets import WebSocketMiddleware
from dashboard.auth import access
from dashboard.auth.middleware import AuthenticationMiddleware
from dashboard.server.dash_bundles import BundleMiddleware
from dashboard.server.features import Decider, features
from dashboard.server.figures import figure_routes
from dashboard.server.routing import asked, read_page, settled_for
from dashboard.server.search import search_routes
from dashboard.server.shell import Shell, index, layout
from dashboard.server.static import mount_static
from dashboard.ui.cards import away_page
from dashboard.ui.chart_style import Theme
from dashboard.ui.figures import FigureReader
from dashboard.ui.pages import Page, PageCallbacks, plain
from dashboard.ui.time_markup import timed
from dashboard.ui.toasts import TOAST
from storage.model.core.people import Role
from storage.postgres.pool import Pool, StorageError, transaction

LARGEST = 4_000_000
"""The most bytes of a request, because Dash keeps it in memory. A feature may allow more for a path."""
RESTART_AFTER_S = 30.0
"""The pause before a background task that failed is started again."""

_log = logging.getLogger(__name__)


def create_app(
    pool: Pool,
    clock: Callable[[], datetime],
    *,
    dsn: str,
    settings: DashboardSettings,
    decider: Decider,
    base_url: str | None = None,
    mail_test: MailTest | str = NO_MAIL_SERVER,
) -> App:
    """The dashboard, to be served by uvicorn on the event loop that owns `pool`, with its lifespan events.

    `clock` gives the monitor's time, which in a played scenario is not the wall clock's. `base_url` is the
    dashboard's address in the feeds; None means the address of the request. `mail_test` tries the mail
    server, or is a sentence that says what is missing. If the settings have no login, the server must listen
    on the loopback only.
    """
    process = WebProcess(pool, clock, dsn, settings, base_url, mail_test)
    parts = features(process, decider)
    pages = [page for part in parts for page in part.pages]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as tasks:
            work = [tasks.create_task(keep_running(task)) for part in parts for task in part.tasks]
            yield
            for one in work:
                one.cancel()

    server = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    sources = {source.name: source for part in parts for source in part.figures}
    figures = FigureReader(pool, settings.gap_after, settings.late_after, sources)
    routers = [search_routes(pool, pages), figure_routes(figures, clock)]
    for router in (*routers, *(router for part in parts for router in part.routers)):
        # The router gave each route all that it needs. `include_router` would analyse each of them again.
        server.router.routes.extend(router.routes)
    for part in parts:
        if part.mount is not None:
            part.mount(server)

    @server.exception_handler(access.Forbidden)
    async def forbidden(_: Request, error: access.Forbidden) -> Response:  # pyright: ignore[reportUnusedFunction]
        return refusal(403, str(error))

    dash = Shell(
        pages,
        server=server,
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
    _connect_pages(dash, pages, process)
    policy = content_security_policy(dash.csp_hashes())
    larger = {path: largest for part in parts for path, largest in part.largest.items()}
    limited = ClientDisconnectMiddleware(BodyLimitMiddleware(server, LARGEST, larger))
    check = partial(check_message, dash.callback_map)
    pages_and_news = WebSocketMiddleware(BundleMiddleware(limited), process.sockets, check)
    app = AuthenticationMiddleware(pages_and_news, pool, clock, settings)
    return SecurityHeadersMiddleware(app, policy, settings.allowed_origins)


async def keep_running(task: Callable[[], Awaitable[None]], pause_s: float = RESTART_AFTER_S) -> None:
    """Run a task of a feature until it returns. If it fails, log that and start it again after a pause.

    Without this, a fault in one task would end all of them, while the pages go on as if nothing had happened.
    """
    while True:
        try:
            await task()
        except Exception:  # noqa: BLE001 - whatever it is, the other tasks and the pages go on
            _log.exception(
                "A background task of the dashboard failed. It starts again in %g s.",
                pause_s,
                extra={"event": "web_task_failed"},
            )
        else:
            return
        await asyncio.sleep(pause_s)


async def _in_place_of_live(pages: Sequence[Page], pool: Pool) -> str | None:
    """The path of the page to show at / just now; None for the Live page, which says by itself when the
    database is away.
    """
    try:
        for page in pages:
            if page.replaces_live is not None:
                async with transaction(pool) as conn:
                    if await page.replaces_live(conn):
                        return f"/{page.path}"
    except StorageError:
        pass
    return None


def _require(role: Role) -> None:
    access.require(access.acting(), role)


def _connect_pages(dash: Dash, pages: Sequence[Page], process: WebProcess) -> None:
    for page in pages:
        if page.callbacks is not None:
            page.callbacks(PageCallbacks(dash, partial(_require, page.role)))
    dash.clientside_callback(
        ClientsideFunction("blockline", "route"),
        Output("routed", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
    )

    dash.clientside_callback(
        ClientsideFunction("blockline", "toast"), Input(TOAST, "data"), prevent_initial_call=True
    )

    @dash.callback(Output("page", "children"), Input("routed", "data"), prevent_initial_call=True)
    async def show(routed: dict[str, str]) -> object:  # pyright: ignore[reportUnusedFunction]
        path, pool = routed["path"], process.pool
        if path == "/":
            path = await _in_place_of_live(pages, pool)
            if path is None:
                return None
        theme: Theme = "dark" if routed["theme"] == "dark" else "light"
        query = asked(routed["query"])
        try:
            now = await settled_for(pages, pool, path, query, process.clock())
            async with transaction(pool) as conn:
                drawing = await read_page(pages, conn, path, now, process.settings, theme, query)
            return await off_loop(lambda: plain(timed(drawing())))
        except StorageError as error:
            return away_page(str(error))

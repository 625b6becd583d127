# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
"""The dashboard as one ASGI app: Dash on FastAPI, with push, data and pages, behind the security headers."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from dash import ClientsideFunction, Dash, Input, Output, ctx
from dash.backends.ws import DashWebsocketCallback
from dash.development.base_component import Component
from fastapi import FastAPI

from dashboard.access import actor_of
from dashboard.alert_routes import alert_routes
from dashboard.alerts import DECISIONS, read_alerts
from dashboard.api import routes
from dashboard.around import around
from dashboard.claimed_api import claimed_routes
from dashboard.feeds import feed_routes
from dashboard.figure_style import Theme, graph
from dashboard.figures import Beside, account_figure
from dashboard.headers import App, Guarded, content_security_policy
from dashboard.live import Hub
from dashboard.mail_links import mail_link_routes
from dashboard.orders_api import order_routes
from dashboard.pages.account import account_page, missing_page
from dashboard.pages.alerts import alerts_page, decisions_page
from dashboard.pages.countries import countries_page
from dashboard.pages.country import EVERY, PAGE, country_page, shown_of
from dashboard.pages.health import health_page
from dashboard.pages.mail import LIMIT, mail_page
from dashboard.pages.orders import order_pages
from dashboard.pages.published import published_page
from dashboard.pages.shell import index, layout, synthetic_tag
from dashboard.report_routes import report_routes
from dashboard.settings import DashboardSettings
from storage.conditions import open_conditions
from storage.countries import by_country
from storage.db import Conn, Pool, StorageError, transaction
from storage.model.accounts import Platform
from storage.model.alerts import AlertDecision
from storage.reports_account import account_detail
from storage.reports_alerts import thread_of
from storage.reports_claimed import published_by_country
from storage.reports_context import orders, signals
from storage.reports_countries import Standing, country_accounts
from storage.reports_decisions import decided_lately
from storage.reports_health import detectors, disagreements, silent_countries
from storage.reports_mail import mail, mail_lines, mail_with

ASK_EVERY = 20
"""After so many messages the browser has to answer one question, so that a dead tab does not fill memory."""
ANSWER_WITHIN_S = 30.0
PATIENCE = 20
"""Unanswered questions before a browser is given up: ten minutes, as long as a frozen tab may sleep."""


def create_app(
    pool: Pool,
    clock: Callable[[], datetime],
    *,
    dsn: str,
    settings: DashboardSettings,
    base_url: str | None = None,
) -> App:
    """The dashboard, to be served by uvicorn on the event loop that owns `pool`, with its lifespan events.

    `clock` gives the monitor's now, which in a played scenario is not the wall clock's. `base_url` is its
    address in what leaves it (the feeds); None: the one that the reader asked under. There is no login:
    whoever serves it has to bind it to the loopback only.
    """
    hub = Hub(pool, dsn, clock, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(hub.run())
            yield
            work.cancel()

    server = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    server.include_router(routes(pool, clock, settings, hub))
    server.include_router(feed_routes(pool, clock, settings, base_url))
    server.include_router(alert_routes(pool, clock, settings))
    server.include_router(mail_link_routes(pool, clock))
    server.include_router(order_routes(pool, clock, settings))
    server.include_router(report_routes(pool, clock, settings, base_url))
    server.include_router(claimed_routes(pool, clock))
    dash = Dash(
        __name__,
        server=server,  # pyright: ignore[reportArgumentType]  # Dash has no type for a FastAPI server
        title=f"{settings.title} · Blockline",
        update_title="",
        assets_folder=str(Path(__file__).parent / "assets"),
        assets_ignore=".*",  # the document names our files itself: they are there from the first request on
        index_string=index(settings),
        suppress_callback_exceptions=True,
        compress=True,
        websocket_allowed_origins=list(settings.allowed_origins),
        websocket_inactivity_timeout=0,
    )
    dash.layout = layout()
    _connect_browser(dash)
    _connect_push(dash, hub)
    _connect_pages(dash, pool, clock, settings)
    policy = content_security_policy(dash.csp_hashes())
    return Guarded(server, policy, settings.allowed_origins)


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
        ClientsideFunction("blockline", "route"), Output("routed", "data"), Input("url", "pathname")
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
                await socket.set_prop("live-push", "data", await queue.get())
                sent += 1
                if sent % ASK_EVERY == 0 and not await _still_there(socket):
                    return


async def _still_there(socket: DashWebsocketCallback) -> bool:
    for _ in range(PATIENCE):
        try:
            await socket.get_prop("live-seen", "data", timeout=ANSWER_WITHIN_S)
        except TimeoutError:
            continue
        return True
    return False


def _connect_pages(
    dash: Dash, pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings
) -> None:
    @dash.callback(Output("page", "children"), Input("routed", "data"), prevent_initial_call=True)
    async def page(routed: dict[str, str]) -> Component | None:  # pyright: ignore[reportUnusedFunction]
        if routed["path"] == "/":
            return None
        theme: Theme = "dark" if routed["theme"] == "dark" else "light"
        try:
            async with transaction(pool) as conn:
                return await page_of(conn, routed["path"], clock(), settings, theme)
        except StorageError as error:
            return missing_page(str(error))


async def page_of(
    conn: Conn, path: str, now: datetime, settings: DashboardSettings, theme: Theme
) -> Component:
    """The page under an address, as it stands at `now`; one that says so when there is none."""
    tag = synthetic_tag(settings)
    page = None
    match path.strip("/").split("/"):
        case ["mail", *more] if len(more) <= 1:
            page = await _mail(conn, more[0] if more else None, settings, tag)
        case ["alerts", *more]:
            page = await _alerts(conn, more, now, settings, tag)
        case ["health"]:
            page = health_page(
                await open_conditions(conn),
                await detectors(conn, now),
                await silent_countries(conn),
                await disagreements(conn),
                now,
                settings.gap_after,
                tag,
            )
        case ["orders", *more] if len(more) <= 2 and all(n.isdecimal() for n in more):
            page = await order_pages(conn, [int(n) for n in more], now, settings.gap_after, theme, tag)
        case ["countries", *more] if len(more) <= 3:
            page = await _countries(conn, more, now, theme, tag)
        case ["account", number] if number.isdecimal():
            page = await _account(conn, int(number), now, settings, theme, tag)
        case _:
            pass
    return page or missing_page("There is no such page, or it was never there.")


async def _alerts(
    conn: Conn, more: list[str], now: datetime, settings: DashboardSettings, tag: list[Component]
) -> Component | None:
    """What waits; or what was decided in one way."""
    match more:
        case []:
            return alerts_page(await read_alerts(conn, now), actor_of(settings), now, tag)
        case ["decisions", name] if name in list(AlertDecision):
            chosen = AlertDecision(name)
            return decisions_page(await decided_lately(conn, chosen, DECISIONS), chosen, tag)
        case _:
            return None


async def _account(
    conn: Conn,
    account_id: int,
    now: datetime,
    settings: DashboardSettings,
    theme: Theme,
    tag: list[Component],
) -> Component | None:
    account = await account_detail(conn, account_id, now, settings.gap_after)
    if account is None:
        return None
    since = account.spells[0].since if account.spells else now
    figure = account_figure(
        Platform(account.platform),
        account.spells,
        account.changes,
        account.seen,
        Beside(await orders(conn, known_at=now), await signals(conn, since, ())),
        now,
        settings.gap_after,
        theme,
    )
    known = await around(conn, account, now)
    return account_page(account, known, graph(figure, "account-figure"), now, settings.gap_after, tag)


async def _mail(
    conn: Conn, name: str | None, settings: DashboardSettings, tag: list[Component]
) -> Component | None:
    """The mail of that number or Message-ID, else the newest; None when there is none of that name."""
    lines = await mail_lines(conn, LIMIT)
    if name is None:
        number = lines[0].mail_id if lines else None
    else:
        number = int(name) if name.isdecimal() else await mail_with(conn, unquote(name))
    opened = None if number is None else await mail(conn, number)
    if opened is None:
        return None if name is not None else mail_page(lines, None, None, actor_of(settings), tag)
    return mail_page(lines, opened, await thread_of(conn, opened.mail_id), actor_of(settings), tag)


async def _countries(
    conn: Conn, more: list[str], now: datetime, theme: Theme, tag: list[Component]
) -> Component | None:
    """All countries; or one, by its code, a standing and the number of a page. None when there is none."""
    if not more:
        return countries_page(await by_country(conn), await published_by_country(conn), now, tag)
    if more[1:] == ["published"]:
        return await published_page(conn, more[0], now, theme, tag)
    code, *more = more
    name, number = [*more, *(EVERY, "1")[len(more) :]]
    count = next((c for c in await by_country(conn) if c.country == code), None)
    known = name == EVERY or name in list(Standing)
    if count is None or not known or not number.isdecimal():
        return None
    standing = None if name == EVERY else Standing(name)
    offset = (int(number) - 1) * PAGE
    if not 0 <= offset < max(1, shown_of(count, standing)):
        return None
    accounts = await country_accounts(conn, code, standing, PAGE, offset)
    return country_page(count, accounts, standing, int(number), now, tag)

"""Serves the dashboard, or a whole installation, over a real socket on the test's own event loop."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import uvicorn
from dash.development.base_component import Component
from fastapi import FastAPI

from dashboard.asgi.process import WebProcess
from dashboard.asgi.settings import DashboardSettings
from dashboard.server import routing
from dashboard.server.app import create_app
from dashboard.server.features import features
from dashboard.ui.chart_style import Theme
from dashboard.ui.pages import NOTHING, Page
from jobs.config.settings import load_settings
from jobs.runtime.app import ProcessRole, running
from jobs.runtime.replay_process import ReplayProcess
from jobs.runtime.web import listen_on
from storage.postgres.pool import Conn, Pool, open_pool
from tests.support.simulated.several_platforms import leading_to

T = TypeVar("T")


SETTINGS = DashboardSettings(
    title="Blockline", subtitle="A <test> of two orders", synthetic=True, sweep_every=timedelta(minutes=30)
)


_made: list[tuple[object, Sequence[Page]]] = []
"""The pages that were made last, and for what."""


class _ForPages:
    """Where only pages are drawn, from a connection, the pool is asked how large it is and nothing else."""

    def get_size(self) -> int:
        return 1

    def get_max_size(self) -> int:
        return 1


def only_drawing(now: datetime, settings: DashboardSettings = SETTINGS) -> WebProcess:
    return WebProcess(cast("Pool", _ForPages()), lambda: now, "", settings)


async def page_of(
    conn: Conn,
    path: str,
    now: datetime,
    settings: DashboardSettings,
    theme: Theme,
    query: Mapping[str, str] = NOTHING,
    pages: Sequence[Page] | None = None,
) -> Component:
    """The page under an address; `pages` stand for those of the dashboard."""
    if pages is None:
        pages = _pages(now, settings)
    drawing = await routing.read_page(pages, conn, path, now, settings, theme, query)
    return drawing()


def _pages(now: datetime, settings: DashboardSettings) -> Sequence[Page]:
    """The dashboard's pages. Making them takes longer than drawing most, so the last ones are kept."""
    asked = (now, settings, tuple(sys.path))
    if not _made or _made[0][0] != asked:
        parts = features(only_drawing(now, settings), ReplayProcess(""))
        _made[:] = [(asked, [page for part in parts for page in part.pages])]
    return _made[0][1]


@asynccontextmanager
async def served(
    pool: Pool,
    dsn: str,
    now: datetime,
    settings: DashboardSettings = SETTINGS,
    port: int = 0,
    behind: Callable[[Any], Any] = lambda app: app,
) -> AsyncGenerator[str]:
    """Its address. The monitor's clock starts at `now` and runs at its usual speed."""
    began = asyncio.get_running_loop().time()

    def clock() -> datetime:
        return now + timedelta(seconds=asyncio.get_running_loop().time() - began)

    # In a thread: Dash searches the whole stack for the code that adds a callback. A test has a deep one.
    app = await asyncio.to_thread(
        create_app, pool, clock, dsn=dsn, settings=settings, decider=ReplayProcess(dsn)
    )
    async with mounted(behind(app), port) as base:
        yield base


@contextmanager
def served_apart(
    dsn: str, now: datetime, prepare: Callable[[Pool], Awaitable[T]], settings: DashboardSettings = SETTINGS
) -> Generator[tuple[str, T]]:
    """Its address, served on an event loop of its own, and what `prepare` returned.

    For a module whose tests only read what `prepare` made.
    """
    ready: Future[tuple[str, T]] = Future()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with open_pool(dsn) as pool:
            made = await prepare(pool)
            async with served(pool, dsn, now, settings) as base:
                ready.set_result((base, made))
                await over.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(serve())
            except BaseException as error:
                if ready.done():
                    raise
                ready.set_exception(error)

    with ThreadPoolExecutor(1) as thread:
        serving = thread.submit(run)
        try:
            yield ready.result()
        finally:
            if not serving.done():
                loop.call_soon_threadsafe(over.set)
            serving.result()


@asynccontextmanager
async def mounted(app: Any, port: int = 0) -> AsyncGenerator[str]:
    """The address of any ASGI app; port 0 takes a free one."""
    config = uvicorn.Config(app, log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1)
    async with listening(config, port) as base:
        yield base


@asynccontextmanager
async def listening(config: uvicorn.Config, port: int = 0) -> AsyncGenerator[str]:
    with listen_on("127.0.0.1", port) as listener:
        server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=[listener]))
            await until(lambda: _resolved(server.started))
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
                await serving


async def _resolved(value: bool) -> bool:
    return value


async def until(condition: Callable[[], Awaitable[object]], within_s: float = 200.0) -> None:
    """Wait for a condition that the code under test brings about; it is elsewhere, so it is asked."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - no event reaches us from there
            await asyncio.sleep(0.02)


@asynccontextmanager
async def installation(
    addresses: Mapping[str, str],
    dsn: str,
    folder: Path,
    smtp_port: int | None,
    *roles: ProcessRole,
    sweep_every: str = "15m",
) -> AsyncGenerator[str]:
    """Yield the address of its dashboard. `addresses` are those of the simulators. Without a port it sends no
    email.
    """
    environment = {
        **leading_to(addresses),
        "BLOCKLINE_DATA_DIR": str(folder),
        "BLOCKLINE_AUTH": "none",
        "BLOCKLINE_PORT": "0",
        "BLOCKLINE_SWEEP_EVERY": sweep_every,
    }
    if smtp_port is not None:
        environment |= {
            "BLOCKLINE_SMTP_HOST": "127.0.0.1",
            "BLOCKLINE_SMTP_PORT": str(smtp_port),
            "BLOCKLINE_SMTP_SECURITY": "none",
        }
    settings = load_settings(None, environment)
    async with running(settings, dsn, roles or tuple(ProcessRole)) as said:
        yield next(s for s in said if s.startswith("Dashboard on ")).removeprefix("Dashboard on ")


def routes(server: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and address of everything that an app serves, mounted apps included; "WS" for a websocket."""
    for route in server.routes:
        if hasattr(route, "original_router"):
            yield from routes(route.original_router, prefix)
        elif hasattr(route, "app") and not hasattr(route, "endpoint"):
            yield "GET", f"{prefix}{route.path}/x"
            yield from routes(route.app, prefix + route.path) if hasattr(route.app, "routes") else ()
        elif "WebSocket" in type(route).__name__:
            yield "WS", prefix + route.path
        else:
            for method in route.methods:
                yield method, prefix + route.path


def served_by(app: Any) -> FastAPI:
    while not isinstance(app, FastAPI):
        app = app._app
    return app

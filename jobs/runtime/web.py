"""Serving the dashboard, or another app: uvicorn on the event loop that owns the database pool."""

import asyncio
import gc
import os
import resource
import socket
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

import uvicorn

from dashboard.asgi.process import NO_MAIL_SERVER, MailTest
from dashboard.asgi.security_headers import App
from dashboard.asgi.settings import DashboardSettings
from dashboard.server.app import create_app
from jobs.base.errors import PortTaken
from jobs.messages.compose import Letterhead
from jobs.runtime.replay_process import ReplayProcess
from jobs.runtime.web_connections import LimitedConfig, most_connections
from jobs.runtime.websocket_protocol import PromptWebSocketProtocol
from storage.postgres.pool import Pool
from storage.postgres.replica import replica_of

GARBAGE_THRESHOLDS = 50_000, 20, 20
SENDS_AHEAD = 32 * 1024
"""Bytes that the system accepts before the client reads them. If it were more, it would hide whether the
client reads.
"""


def listen_on(
    host: str, port: int, what: str = "The dashboard", where: str = "settings host and port"
) -> socket.socket:
    """A bound socket, so that a taken port is known before anything starts. Port 0 takes a free one.

    Raises PortTaken, which says what cannot listen, and where its address was given.
    """
    try:
        listener = socket.create_server((host, port), reuse_port=False)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise PortTaken(f"{what} cannot listen on {host}:{port} ({where}): {why}.") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, SENDS_AHEAD)
    return listener


@asynccontextmanager
async def serve(
    listener: socket.socket,
    pool: Pool,
    dsn: str,
    clock: Callable[[], datetime],
    settings: DashboardSettings,
    base_url: str | None = None,
    trusted_proxies: Sequence[str] = (),
    mail_test: MailTest | str = NO_MAIL_SERVER,
    head: Letterhead | None = None,
    chromium: Path | None = None,
) -> AsyncGenerator[str]:
    """Serve the dashboard on `listener` until the block ends; yields its address.

    `base_url` is the address that readers of its feeds know it by; None: whichever they ask under. `head` is
    for test emails; None: that of an installation without settings. `chromium` makes PDFs; None: the first
    browser that is found.
    """
    replica = replica_of(pool)
    read_dsn = None if replica is None else replica.dsn
    app = create_app(
        pool,
        clock,
        dsn=dsn,
        settings=settings,
        decider=ReplayProcess(dsn, head=head, chromium=chromium, read_dsn=read_dsn),
        base_url=base_url,
        mail_test=mail_test,
    )
    async with serve_app(listener, app, trusted_proxies) as base:
        yield base


@asynccontextmanager
async def serve_app(
    listener: socket.socket, app: App, trusted_proxies: Sequence[str] = ()
) -> AsyncGenerator[str]:
    """Serve any ASGI app on `listener` until the block ends; yields its address."""
    host, port = listener.getsockname()[:2]
    server = _EmbeddedServer(served_as(app, trusted_proxies))
    # The app stays: it need not be searched for garbage each time that a page makes many objects. Nor need
    # those of a large answer: with Python's own thresholds the search took a quarter of its processor time.
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            await serving  # before the group cancels it: it has browsers to say goodbye to


def served_as(app: App, trusted_proxies: Sequence[str]) -> uvicorn.Config:
    """How uvicorn serves. Only what a trusted proxy says is believed of where a reader is."""
    return LimitedConfig(
        app,
        most_connections=most_connections(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        log_config=None,
        log_level="warning",
        lifespan="on",
        ws=PromptWebSocketProtocol,
        # It would be done for each browser anew, in its own turn, and a context of each stays in memory.
        ws_per_message_deflate=False,
        ws_max_size=64_000,
        # A browser that does not answer within these seconds is gone; it connects again if it is not.
        ws_ping_interval=20,
        ws_ping_timeout=20,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_graceful_shutdown=2,
    )


class _EmbeddedServer(uvicorn.Server):
    """uvicorn without signal handlers of its own: the process that embeds it decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

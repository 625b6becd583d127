"""The process that serves the dashboard: what its features work with, and what it knows of itself."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime

from dashboard.asgi.settings import DashboardSettings
from dashboard.asgi.websockets import Sockets
from storage.postgres.pool import Pool

NO_MAIL_SERVER = "Emails cannot be sent: setting smtp_host is missing."


@dataclass(frozen=True, slots=True)
class MailTest:
    """A way to try the mail server of the settings."""

    server: str
    """Its host and port."""
    send: Callable[[str, str, datetime], Coroutine[object, object, str | None]]
    """Send a test email to an address, asked for by somebody at a time. Returns after the server answered:
    None when it accepted the email, else a sentence that says why not.
    """


@dataclass(slots=True)
class WebProcess:
    """Given to every feature. Other processes that serve pages are not counted in it."""

    pool: Pool
    clock: Callable[[], datetime]
    """The monitor's now, which in a played scenario is not the wall clock's."""
    dsn: str
    settings: DashboardSettings
    base_url: str | None = None
    """The dashboard's address in what leaves it (the feeds); None: the one that the reader asked under."""
    mail_test: MailTest | str = NO_MAIL_SERVER
    """How a test email is sent; a sentence where it cannot be, which says what is missing."""
    sockets: Sockets = field(default_factory=Sockets)
    """The websockets of this process, those of other callbacks included."""
    browsers: set[asyncio.Queue[dict[str, object]]] = field(
        default_factory=set[asyncio.Queue[dict[str, object]]]
    )
    """A queue of news for each open page."""
    live_made: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first answer of Live is there: what few readers ask for is not prepared before."""
    listening_since: datetime | None = None
    """Since when it hears the database's news, by the monitor's clock; None: it does not."""

    @property
    def listening(self) -> bool:
        """Whether the listener is connected: without it, news waits for the next heartbeat."""
        return self.listening_since is not None

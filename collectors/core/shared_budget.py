"""What a collector asks before each request, where others ask with its credential or from its address."""

from typing import Protocol

from collectors.core.collector import Trouble
from collectors.core.rate_limit_headers import Window
from storage.model.limits.rate_limits import Granted


class Budget(Protocol):
    """Requests that several processes share. No fault of what keeps the count leaves it."""

    async def take(self, url: str) -> Granted | Trouble:
        """Ask for one request to `url`, and wait for its turn if that is near. Trouble: it must not be made
        before `retry_at`.
        """
        ...

    async def note(self, url: str, granted: Granted, http_status: int | None, window: Window) -> None:
        """The answer to that request; no status when none came."""
        ...

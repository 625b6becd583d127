"""What a collector asks before each request, where others ask with its credential or from its address."""

from typing import Protocol

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import RateLimitWindow
from storage.model.limits.rate_limits import Granted


class RequestBudget(Protocol):
    """Requests that several processes share. No fault of what keeps the count leaves it."""

    async def take(self, url: str) -> Granted | RequestFailure:
        """Ask for one request to `url`, and wait for its turn if that is near. Trouble: it must not be made
        before `retry_at`.
        """
        ...

    async def note(
        self, url: str, granted: Granted, http_status: int | None, window: RateLimitWindow
    ) -> None:
        """The answer to that request; no status when none came."""
        ...

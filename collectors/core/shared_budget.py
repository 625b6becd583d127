"""The request budget that a collector shares with others that use its credential or its address."""

from typing import Protocol

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import RateLimitWindow
from storage.model.limits.rate_limits import Granted


class RequestBudget(Protocol):
    """Requests that several processes share. A failure of the store that counts them is never raised."""

    async def take(self, url: str) -> Granted | RequestFailure:
        """Ask for one request to `url`, and wait if its time is near. A RequestFailure means that the request
        must not be made before its `retry_at`.
        """
        ...

    async def note(
        self, url: str, granted: Granted, http_status: int | None, window: RateLimitWindow
    ) -> None:
        """Record the answer to that request. `http_status` is None if no answer came."""
        ...

"""The request budget that a collector shares with others that use its credential or its address."""

from typing import Protocol

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import RateLimitWindow
from storage.model.limits.rate_limits import Granted


class RequestBudget(Protocol):
    """Permission for requests of several processes that share one limit.

    A store counts the requests. If the store fails, no method raises an error.
    """

    async def take(self, url: str) -> Granted | RequestFailure:
        """Ask for permission to make one request to `url`. If permission can be given soon, wait for it.

        Return a RequestFailure if permission is refused. `retry_at` is then the time to ask again.
        """
        ...

    async def note(
        self, url: str, granted: Granted, http_status: int | None, window: RateLimitWindow
    ) -> None:
        """Record the answer to a granted request. `http_status` is None if no answer came."""
        ...

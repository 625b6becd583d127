"""The request budget that a collector shares with others that use its credential or its address."""

from typing import Protocol

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import RateLimitWindow
from storage.model.limits.rate_limits import Granted


class RequestBudget(Protocol):
    """Permission for requests of several processes that share one limit. No method raises an error if the
    store that counts the requests fails.
    """

    async def take(self, url: str) -> Granted | RequestFailure:
        """Ask for permission to make one request to `url`. If permission can be given soon, wait for it.

        A returned RequestFailure means that no permission was given. Its `retry_at` is when to ask again.
        """
        ...

    async def note(
        self, url: str, granted: Granted, http_status: int | None, window: RateLimitWindow
    ) -> None:
        """Record the answer to a granted request. `http_status` is None if no answer came."""
        ...

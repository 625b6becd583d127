"""The request budget that a collector shares with others that use its credential or its address."""

from typing import Protocol

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import RateLimitWindow
from storage.model.limits.rate_limits import Granted


class RequestBudget(Protocol):
    """The requests that several processes may make together. If the store that counts them fails, no error is
    raised.
    """

    async def take(self, url: str) -> Granted | RequestFailure:
        """Ask for permission to make one request to `url`, and wait if it will be granted soon. A
        RequestFailure means that the request must not be made before the `retry_at` of the failure.
        """
        ...

    async def note(
        self, url: str, granted: Granted, http_status: int | None, window: RateLimitWindow
    ) -> None:
        """Record the answer to a granted request. `http_status` is None if no answer came."""
        ...

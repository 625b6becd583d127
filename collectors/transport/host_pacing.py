"""How fast a host is asked: a share of real time that requests to one host wait for."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

from storage.model.limits import rate_limits


class HostRateLimiter:
    """At most `per_s` requests a second to each host, with `burst` at once after a quiet time."""

    def __init__(self, per_s: float, burst: int = 10) -> None:
        if per_s <= 0 or burst < 1:
            raise ValueError("requests per second must be above zero, and the burst at least 1")
        self._gap = 1 / per_s
        self._slack = (burst - 1) / per_s
        self._free_at: dict[str, float] = {}

    @property
    def of_all(self) -> rate_limits.BudgetPace:
        """The same for all processes together."""
        return rate_limits.BudgetPace(timedelta(seconds=self._gap), 1 + round(self._slack / self._gap))

    async def wait(self, url: str) -> None:
        """Wait until the host of `url` may be asked again."""
        host = urlsplit(url).netloc
        now = asyncio.get_running_loop().time()
        free_at = max(self._free_at.get(host, 0.0), now - self._slack)
        self._free_at[host] = free_at + self._gap
        if free_at > now:
            await asyncio.sleep(free_at - now)

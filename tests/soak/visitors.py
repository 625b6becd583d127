"""People who use the dashboards of a soak: they open pages, and keep one open that hears of changes."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp

from jobs.base.clock import system_clock
from storage.postgres.pool import Pool
from tests.support.clients.api import callback, following

VISITS = 3
"""Of each page, of which the median counts."""
_ROWS = 40
"""Accounts on a screen."""
_AGAIN_S = 30.0


@dataclass(frozen=True, slots=True)
class PageLatency:
    page: str
    simulated_s: float


async def open_pages(address: str, account_id: int) -> tuple[list[PageLatency], list[str]]:
    """Open each page on one dashboard: how long its slowest part took, and what failed."""
    screen = ",".join(str(account_id + n) for n in range(_ROWS))
    pages: Mapping[str, Sequence[str]] = {
        "live": ("/", "/api/live"),
        "accounts": ("/api/accounts", f"/api/accounts/past?ids={screen}"),
        "account": (f"/account/{account_id}",),
        "health": ("/health",),
    }
    found: list[PageLatency] = []
    failed: list[str] = []
    async with aiohttp.ClientSession(address, headers={"Origin": address}) as session:
        for page, paths in pages.items():
            took: list[float] = []
            for _ in range(VISITS):
                began = asyncio.get_running_loop().time()
                for path in paths:
                    failed += await _failure(session, path)
                took.append(asyncio.get_running_loop().time() - began)
            found.append(PageLatency(page, sorted(took)[VISITS // 2]))
    return found, failed


async def _failure(session: aiohttp.ClientSession, path: str) -> list[str]:
    """Read one part of a page; returns what went wrong, if anything did."""
    is_page = path.startswith(("/account/", "/health"))
    asked = callback("page children", "routed data", {"path": path, "query": "", "theme": "light"})
    try:
        request = session.post("/_dash-update-component", json=asked) if is_page else session.get(path)
        async with request as answer:
            body = await answer.read()
            return [] if answer.status == 200 else [f"{path}: {answer.status} {body[:200]!r}"]
    except (aiohttp.ClientError, TimeoutError) as error:
        return [f"{path}: {error!r}"]


@dataclass(slots=True)
class Follower:
    """An open page: what it heard of each change, and when."""

    heard: dict[int, datetime] = field(default_factory=dict[int, datetime])
    """When the message with a change arrived, by its id."""
    messages: int = 0
    broken: int = 0
    """How often its websocket ended."""

    async def latencies(self, pool: Pool, since: datetime) -> list[float]:
        """Simulated seconds from the recording to the arrival, of the changes that were recorded since."""
        rows = await pool.fetch(
            "select change_id, recorded_at from change where recorded_at >= $1 and kind <> 'baseline'", since
        )
        return [
            (self.heard[r["change_id"]] - r["recorded_at"]).total_seconds()
            for r in rows
            if r["change_id"] in self.heard
        ]

    async def run(self, address: str) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError, TimeoutError, EOFError):
                    async with following(session, address) as browser:
                        async for message in browser.messages():
                            self._hear(message)
                self.broken += 1
                await asyncio.sleep(_AGAIN_S)

    def _hear(self, message: Mapping[str, Mapping[str, Sequence[int]]]) -> None:
        self.messages += 1
        now = system_clock()
        for change_id in message.get("changes", {}).get("id", ()):
            self.heard.setdefault(change_id, now)


@asynccontextmanager
async def followers(addresses: Mapping[str, str]) -> AsyncGenerator[dict[str, Follower]]:
    """One open page on each dashboard, until the block ends."""
    found = {name: Follower() for name in addresses}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(found[name].run(address)) for name, address in addresses.items()]
        try:
            yield found
        finally:
            for task in tasks:
                task.cancel()

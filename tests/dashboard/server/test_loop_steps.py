"""The event loop that serves pages also reads accounts and sends emails: no page keeps it for long."""

import gc
import sys
from asyncio import Handle
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType

import aiohttp
import pytest

from dashboard.server.features import features
from jobs.runtime.replay_process import ReplayProcess
from storage.model.core.orders import NewOrder
from storage.orders.orders import add_order
from storage.postgres.pool import Conn, connect, open_pool
from tests.support.clients.api import callback
from tests.support.seeds.large_database import COHORT, Size, build
from tests.support.servers.dashboard import only_drawing, served

ROWS = 1_000
MOST_CALLS = 150_000
"""For a thousand rows, in one step of the loop. It makes that many calls in less than 50 ms."""
_STEP = Handle._run.__code__  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType, reportAttributeAccessIssue, reportUnknownMemberType]

Ask = Callable[[str], Awaitable[int]]


@dataclass(slots=True)
class LongestStep:
    """Counts the calls, to Python and to C, that each step of this thread's event loop makes."""

    calls: int = 0
    _now: int = 0

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event in {"call", "c_call"}:
            self._now = 0 if frame.f_code is _STEP and event == "call" else self._now + 1
        elif event == "return" and frame.f_code is _STEP:
            self.calls = max(self.calls, self._now)


@contextmanager
def counted() -> Generator[LongestStep]:
    steps = LongestStep()
    sys.setprofile(steps)
    try:
        yield steps
    finally:
        sys.setprofile(None)


@asynccontextmanager
async def asking(dsn: str, now: datetime) -> AsyncGenerator[Ask]:
    """Asks for a page, or for an answer of `/api/`, and counts the calls of the longest step meanwhile."""
    async with (
        open_pool(dsn) as pool,
        served(pool, dsn, now) as base,
        aiohttp.ClientSession(base, headers={"Origin": base}) as session,
    ):

        async def ask(address: str) -> int:
            if "/v1/" in address:
                await answer(address)  # the API builds its types when they are first needed
            gc.collect()
            with counted() as steps:
                await answer(address)
            return steps.calls

        async def answer(address: str) -> None:
            shown = callback("page children", "routed data", {"path": address, "query": "", "theme": "light"})
            async with (
                session.get(address)
                if address.startswith("/api/")
                else session.post("/_dash-update-component", json=shown)
            ) as answered:
                answered.raise_for_status()
                assert await answered.read()

        yield ask


async def ordered(conn: Conn, at: datetime) -> None:
    """An order that names the accounts of the cohort."""
    order = NewOrder("R1", "First", "Ministry", "IN", "69A", at, None, None, None, ROWS, COHORT, at)
    async with conn.transaction():
        await add_order(conn, order, at)


@pytest.mark.slow
async def test_no_page_of_a_thousand_accounts_keeps_the_loop(dsn: str) -> None:
    size = Size(accounts=ROWS, days=3, cohort=ROWS, cohort_changes=2, other_changes=0, sweeps_of_all=0)
    conn = await connect(dsn)
    await build(conn, size)
    await ordered(conn, size.until - timedelta(days=2))
    await conn.close()
    parts = features(only_drawing(size.until), ReplayProcess(""))
    pages = [f"/{page.path}" for part in parts for page in part.pages if page.path]
    below = ["/orders/1", "/orders/1/2", "/orders/1/restoration", "/account/1", "/countries/IN"]
    answers = [
        "live?range=all",
        "accounts",
        f"accounts/past?ids={','.join(map(str, range(1, 201)))}",
        "orders",
        "orders/1",
        "orders/1/restoration",
        "replay",
    ]
    listed = ["accounts", "changes", "spells", "statuses", "orders"]
    found: dict[str, int] = {}
    async with asking(dsn, size.until) as ask:
        for address in (
            *(f"/api/{name}" for name in answers),
            *pages,
            *below,
            *(f"/api/v1/{name}?limit=100" for name in listed),
            "/api/v1/export/changes?format=csv",
        ):
            found[address] = await ask(address)
    assert {address: calls for address, calls in found.items() if calls > MOST_CALLS} == {}
    assert len(pages) > 10

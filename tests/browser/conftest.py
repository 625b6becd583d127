"""One browser for all tests of this folder, each of which opens a profile of its own in it."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from playwright.async_api import Browser

from storage.postgres.pool import Pool, open_pool
from tests.support.clients.browser import CHROMIUM, one_chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def chromium() -> AsyncGenerator[Browser | None]:
    """None where there is no browser: some of the tests do without."""
    if not CHROMIUM.exists():
        yield None
        return
    async with one_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def pool(dsn: str) -> AsyncGenerator[Pool]:
    async with open_pool(dsn) as pool:
        yield pool

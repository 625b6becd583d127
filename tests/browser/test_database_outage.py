"""The database is killed under open pages, and comes back: they say so, and go on by themselves."""

import pytest
from playwright.async_api import Browser

from storage.embedded.launcher import embedded_postgres
from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool
from tests.conftest import NOW
from tests.support.clients.browser import CHROMIUM, skip_without
from tests.support.clients.page_walker import Walker, walking
from tests.support.processes.embedded_users import kill_postmaster, public_folder
from tests.support.repeats import cases
from tests.support.seeds.every_page import PAGES, seed_everything
from tests.support.servers.dashboard import served, until

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.again, pytest.mark.slow]

SAYS_SO = (
    "!document.getElementById('banner').hidden && document.getElementById('banner-text').textContent !== ''"
)
AWAY = "document.querySelector('#page .away') !== null"
SOME_PAGES = cases([*PAGES][::4], [*PAGES])
UNREAD = ("live", "live of one list", "accounts")
"""Pages that keep what they have, or ask for it by themselves: no page of the server's is behind them."""


async def test_every_page_says_that_the_database_is_away_and_goes_on_by_itself(
    chromium: Browser | None,
) -> None:
    assert chromium is not None
    with public_folder() as parent, embedded_postgres(parent / "database", fsync=False) as dsn:
        await migrate(dsn)
        async with open_pool(dsn) as pool:
            written = await seed_everything(pool, NOW)
            async with served(pool, dsn, NOW) as base, walking(chromium, base) as reader:
                kill_postmaster(parent / "database")
                await becomes(reader, SAYS_SO)
                for name in SOME_PAGES:
                    if name not in UNREAD:
                        await reader.go(written.path(name))
                        assert await reader.page.evaluate(AWAY), name

                with embedded_postgres(parent / "database", fsync=False):
                    await becomes(reader, f"!({SAYS_SO}) && !({AWAY})")
                    for name in SOME_PAGES:
                        await reader.go(written.path(name))
                        assert not await reader.page.evaluate(AWAY), name
    refused = [error for error in reader.errors if "503" not in error]
    assert (refused, reader.strange_hosts()) == ([], set())


async def becomes(reader: Walker, expression: str) -> None:
    await until(lambda: reader.page.evaluate(expression))

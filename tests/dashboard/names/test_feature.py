"""The table of a name check while the database is away."""

from datetime import datetime
from typing import Any

from dash import no_update

from dashboard.asgi.process import WebProcess
from dashboard.names.feature import name_checks
from storage.postgres.pool import open_pool
from tests.support.clients.page_text import CallbackRecorder
from tests.support.servers.dashboard import SETTINGS

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


async def test_the_table_stays_as_it_is_until_the_database_answers_again(now: datetime) -> None:
    app: Any = CallbackRecorder()
    async with open_pool(NOWHERE, min_size=0) as pool:
        (page,) = name_checks(WebProcess(pool, lambda: now, NOWHERE, SETTINGS)).pages
        assert page.callbacks is not None
        page.callbacks(app)
        assert await app.found[0](1, {"check": "1", "open": {}}) == (no_update,) * 5

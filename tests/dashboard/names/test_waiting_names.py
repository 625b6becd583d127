"""An order's page has a timer while names wait, and none after."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from dash import no_update

from collectors.x.declaration import X
from dashboard.asgi.process import WebProcess
from dashboard.names.feature import name_checks
from dashboard.names.waiting_names import waiting_for
from storage.model.core.orders import NameOutcome, OrderName, Withdrawal
from storage.postgres.pool import open_pool
from tests.support.clients.page_text import CallbackRecorder
from tests.support.samples.readings import minutes
from tests.support.servers.dashboard import SETTINGS

WAITS = OrderName(1, "@a", X, "a", None, NameOutcome.NOT_TRIED, None, "", "test", minutes(0), None)
FOUND = replace(WAITS, outcome=NameOutcome.UNRESOLVABLE)
WITHDRAWN = replace(WAITS, withdrawal=Withdrawal(minutes(1), "Asha", "a slip"))


@pytest.mark.parametrize(
    ("names", "waiting"),
    [
        pytest.param([WAITS, FOUND, WAITS], 2, id="while names wait"),
        pytest.param([FOUND, WITHDRAWN], 0, id="not for names that have an answer or are withdrawn"),
        pytest.param([], 0, id="not for an order without names"),
    ],
)
def test_the_timer_is_there_while_names_wait(names: list[OrderName], waiting: int) -> None:
    parts = waiting_for(7, names)
    assert len(parts) == (2 if waiting else 0)
    if waiting:
        assert parts[0].data == {"order": 7, "names": waiting}  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


async def test_the_table_stays_as_it_is_until_the_database_answers_again(now: datetime) -> None:
    app: Any = CallbackRecorder()
    async with open_pool(NOWHERE, min_size=0) as pool:
        (page,) = name_checks(WebProcess(pool, lambda: now, NOWHERE, SETTINGS)).pages
        assert page.callbacks is not None
        page.callbacks(app)
        assert await app.found[0](1, {"check": "1", "open": {}}) == (no_update,) * 5

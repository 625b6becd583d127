"""How networks reach the platforms, for programs: counts as published, and what was never asked for."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest_asyncio

from storage.countries.measured_networks import record_days, record_failure
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Api, api_served
from tests.support.samples.readings import T0

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TODAY = T0.date()
ASKED = TODAY - 30 * DAY, TODAY + DAY


@pytest_asyncio.fixture
async def api(pool: Pool, dsn: str) -> AsyncGenerator[Api]:
    first, grown = (
        MeasuredDay("x.com", TODAY - DAY, 0, 2, 0, 1),
        MeasuredDay("x.com", TODAY - DAY, 1, 20, 3, 2),
    )
    async with transaction(pool) as conn:
        await record_days(conn, "TR", ASKED, [first], T0 - 9 * HOUR)
        await record_days(conn, "TR", ASKED, [grown], T0 - 3 * HOUR)
        await record_failure(conn, "TR", ASKED, "HTTP 502", T0 - HOUR)
    async with api_served(pool, dsn, T0) as served:
        yield served


async def test_only_the_days_of_the_range_are_given(api: Api) -> None:
    after, around = {"from": T0}, {"from": T0 - DAY, "to": T0}
    assert (await api.get("/networks/TR", None, **after)).json["days"] == []
    assert len((await api.get("/networks/TR", None, **around)).json["days"]) == 1


async def test_a_country_that_was_never_asked_for_is_not_there(api: Api) -> None:
    refused = await api.get("/networks/DE")
    assert (refused.status, refused.detail) == (
        404,
        "Measurements from DE are not read. The setting network_countries names countries.",
    )

"""How far a token reaches over the API: no further than its scope, and no further than its person."""

from collections.abc import AsyncGenerator
from datetime import datetime

import pytest

from collectors.x.declaration import X
from storage.model.core.people import Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Api
from tests.support.seeds.changes import enlist
from tests.support.seeds.people import WITH_LOGIN, a_person, browser_of
from tests.support.servers.dashboard import served

TAGS = {"accounts": [1], "add": ["press"]}


@pytest.fixture
async def base(pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[str]:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"], ("Farmers",))
    for role in Role:
        await a_person(pool, role.value, role, now)
    async with served(pool, dsn, now, WITH_LOGIN) as base:
        yield base


@pytest.mark.slow
async def test_a_browser_that_is_logged_in_reads_and_writes_from_its_own_pages_only(
    base: str, pool: Pool
) -> None:
    async with browser_of(base, "analyst") as session:
        api = Api(base, session)
        assert (await api.get("/accounts")).status == 200
        assert (await api.send("POST", "/accounts/tags", TAGS)).status == 200
        elsewhere = {"Origin": "https://elsewhere.example"}
        refused = await api.send("POST", "/accounts/tags", TAGS, headers=elsewhere)
    assert (refused.status, "does not come from one of them" in refused.detail) == (403, True)

"""How far a token reaches over the API: no further than its scope, and no further than its person."""

from collections.abc import AsyncGenerator
from datetime import datetime

import aiohttp
import pytest

from collectors.x.declaration import X
from dashboard.asgi.problem_json import API
from storage.model.core.people import Role, Scope
from storage.people.tokens import tokens
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Answer, Api
from tests.support.seeds.changes import enlist
from tests.support.seeds.people import WITH_LOGIN, a_person, a_token, browser_of
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


async def _all(api: Api) -> dict[str, Answer]:
    """What is answered to one question of each kind."""
    return {
        "read": await api.get("/accounts"),
        "metrics": await api.send("GET", "/metrics"),
        "document": await api.get("/openapi.json"),
        "export": await api.get("/export/accounts"),
        "write": await api.send("POST", "/accounts/tags", TAGS),
        "admin": await api.send("PUT", "/rules", {"toml": 'name = "a"\nrecipients = []\n'}),
    }


READS = {"read", "metrics", "document", "export"}


@pytest.mark.parametrize(
    ("rule", "login", "scope", "reaches"),
    [
        ("a token of an admin for all reaches all", Role.ADMIN, Scope.ADMIN, READS | {"write", "admin"}),
        ("a token to write changes no rule", Role.ADMIN, Scope.WRITE, READS | {"write"}),
        ("a token to read writes nothing", Role.ADMIN, Scope.READ, READS),
        ("a token for the feeds reads nothing else", Role.ADMIN, Scope.FEEDS, set[str]()),
        ("no token lets a viewer write", Role.VIEWER, Scope.ADMIN, READS),
        ("no token makes an analyst an admin", Role.ANALYST, Scope.ADMIN, READS | {"write"}),
    ],
)
async def test_a_token_reaches_as_far_as_its_scope_and_its_person(
    base: str, pool: Pool, now: datetime, rule: str, login: Role, scope: Scope, reaches: set[str]
) -> None:
    secret = await a_token(pool, login.value, scope, now)
    async with aiohttp.ClientSession() as session:
        told = await _all(Api(base, session, secret))

    assert {name for name, answer in told.items() if answer.status == 200} == reaches, rule
    for name, answer in told.items():
        if name not in reaches:
            assert answer.status == 403
            if name != "metrics":
                assert answer.detail


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000], ids=["empty", "wrong", "long"])
async def test_without_a_token_that_is_known_every_question_is_refused_as_a_problem(
    base: str, token: str
) -> None:
    async with aiohttp.ClientSession() as session:
        told = await _all(Api(base, session, token))
        document = await (await session.get(f"{base}{API}/openapi.json")).read()

    assert {answer.status for answer in told.values()} == {401}
    assert {answer.detail for name, answer in told.items() if name != "metrics"} == {"Log in first."}
    assert told["read"].headers["www-authenticate"] == "Bearer"
    assert b"paths" not in document


async def test_the_log_names_the_person_whose_token_wrote(base: str, pool: Pool, now: datetime) -> None:
    secret = await a_token(pool, "analyst", Scope.WRITE, now)
    async with aiohttp.ClientSession() as session:
        answer = await Api(base, session, secret).send("POST", "/accounts/tags", TAGS)
    async with transaction(pool) as conn:
        entry = next(a for a in await acts(conn, 10) if a.action == "tags changed")
        (token,) = await tokens(conn)

    assert answer.status == 200
    assert entry.actor.startswith("analyst")
    assert token.used_at is not None


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

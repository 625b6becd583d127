"""What people write about orders over the API; and a request that is sent again with its key writes once."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from io import BytesIO

import pytest

from dashboard.api.idempotency import HEADER
from dashboard.asgi.problem_json import API
from storage.orders.order_edits import LARGEST_DOCUMENT
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Api, api_served
from tests.support.seeds.changes import Story

ORDER = {
    "reference": "69A/7",
    "title": "Seventh list",
    "issuer": "MeitY",
    "country": "IN",
    "legal_basis": "Section 69A IT Act",
    "issued_at": "2021-01-24T06:30:00Z",
}
QUERY = [("name", "order.pdf"), ("source", "https://example.org/order.pdf")]


@pytest.fixture
async def api(story: Story, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[Api]:
    async with api_served(pool, dsn, now) as api:
        yield api


async def filed(api: Api, **more: object) -> int:
    return (await api.send("POST", "/orders", {**ORDER, **more})).json["order"]["order_id"]


async def test_an_edit_changes_what_is_sent_and_null_takes_a_time_away(api: Api) -> None:
    order_id = await filed(api, deadline_at="2021-01-27T00:00:00Z")
    changed = await api.send("PATCH", f"/orders/{order_id}", {"deadline_at": None, "named_count": 257})
    order = changed.json["order"]
    assert (order["deadline_at"], order["named_count"], order["title"]) == (None, 257, "Seventh list")
    wrong = await api.send("PATCH", f"/orders/{order_id}", {"deadline_at": "2021-01-01T00:00:00Z"})
    assert (wrong.status, wrong.detail) == (422, "body.deadline_at: deadline_at is before issued_at.")
    assert (await api.send("PATCH", "/orders/999999", {"title": "x"})).status == 404
    other = await api.send("PATCH", f"/orders/{order_id}", {"list": "Order 1 list"})
    assert other.status == 409


async def test_a_document_may_have_20_mb_and_no_other_request(api: Api) -> None:
    order_id = await filed(api)
    where = f"{api.base}{API}/orders/{order_id}/documents"
    for size, status in ((LARGEST_DOCUMENT, 201), (LARGEST_DOCUMENT + 1, 413)):
        async with api.session.post(
            where, params=QUERY, data=BytesIO(bytes(size)), headers={"Origin": api.base}
        ) as response:
            assert response.status == status
    large = await api.send("POST", f"/orders/{order_id}/keywords", bytes(1_000_001))
    assert large.status == 413


async def test_a_refused_request_gives_its_key_back_and_an_unanswered_one_does_not(
    api: Api, pool: Pool
) -> None:
    key = {HEADER: "k1"}
    assert (await api.send("POST", "/orders", {**ORDER, "country": "india"}, headers=key)).status == 422
    assert (await api.send("POST", "/orders", ORDER, headers=key)).status == 201
    async with transaction(pool) as conn:
        await conn.execute("update api_answer set status = null")
    lost = await api.send("POST", "/orders", ORDER, headers=key)
    assert (lost.status, "has no answer yet" in lost.detail) == (409, True)
    async with transaction(pool) as conn:
        await conn.execute("update api_answer set at = at - $1::interval", timedelta(days=2))
    assert (await api.send("POST", "/orders", ORDER, headers=key)).detail == "Order 69A/7 is already stored."


@pytest.fixture
async def name_checks_api(story: Story, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[Api]:
    async with api_served(pool, dsn, now) as served:
        yield served


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        pytest.param({}, 422, "Give either", id="nothing"),
        pytest.param({"name_check_id": 999}, 404, "There is no name check 999.", id="no such check"),
        pytest.param(
            {"accounts": [{"platform": "x", "account_id": "1e9", "handle": "a"}]},
            422,
            "body.accounts.0: '1e9' is an account id that a spreadsheet has shortened",
            id="a shortened id",
        ),
        pytest.param(
            {"accounts": [{"platform": "x", "account_id": "1", "handle": "a"}], "list": "a;b"},
            422,
            "cannot be the name of a list",
            id="a name that no list has",
        ),
    ],
)
async def test_what_cannot_be_watched_is_refused_in_one_sentence(
    name_checks_api: Api, story: Story, body: dict[str, object], status: int, why: str
) -> None:
    answer = await name_checks_api.send("POST", "/accounts", body)
    assert (answer.status, why in answer.detail) == (status, True)

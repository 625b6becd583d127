"""What people write about orders over the API; and a request that is sent again with its key writes once."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO

import pytest

from dashboard.api.idempotency import HEADER, REPEATED
from dashboard.asgi.problem_json import API
from storage.orders.order_edits import LARGEST_DOCUMENT
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Answer, Api, api_served
from tests.support.seeds.changes import Story

ORDER = {
    "reference": "69A/7",
    "title": "Seventh list",
    "issuer": "MeitY",
    "country": "IN",
    "legal_basis": "Section 69A IT Act",
    "issued_at": "2021-01-24T06:30:00Z",
}
FILE = b"%PDF-1.7 invented"
QUERY = [("name", "order.pdf"), ("source", "https://example.org/order.pdf")]


@pytest.fixture
async def api(story: Story, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[Api]:
    async with api_served(pool, dsn, now) as api:
        yield api


async def filed(api: Api, **more: object) -> int:
    return (await api.send("POST", "/orders", {**ORDER, **more})).json["order"]["order_id"]


async def attach(api: Api, order_id: int, content: bytes, query: list[tuple[str, str]] = QUERY) -> Answer:
    return await api.send(
        "POST",
        f"/orders/{order_id}/documents",
        content,
        query=query,
        headers={"Content-Type": "application/octet-stream"},
    )


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


async def test_names_are_withdrawn_with_a_reason_and_stay_listed(api: Api) -> None:
    order_id = await filed(api, names={"names": ["x:h0", "x:h1"]})
    where = f"/orders/{order_id}/names"
    gone = await api.send("POST", f"{where}/withdraw", {"names": ["x:h0"], "reason": "taken back"})
    assert gone.json == {
        "withdrawn": ["x:h0"],
        "already": [],
        "left_list": 0,
        "posts_left_list": 0,
        "named_count": 1,
    }
    first, second = (await api.get(where)).items
    assert (first["withdrawal"]["reason"], first["withdrawal"]["by"]) == ("taken back", "dashboard")
    assert second["withdrawal"] is None
    unknown = await api.send("POST", f"{where}/withdraw", {"names": ["x:h9"], "reason": "r"})
    assert unknown.status == 409
    assert (await api.get(f"/orders/{order_id}")).json["names"]["withdrawn"] == 1
    back = await api.send("POST", where, {"names": ["x:h0", "x:h1", "x:h2"]})
    assert back.json == {"new": 1, "again": 1, "before": 1, "waiting": 3}


async def test_a_document_is_attached_once_and_comes_back_as_it_was(api: Api) -> None:
    order_id = await filed(api)
    first, second = [await attach(api, order_id, FILE) for _ in range(2)]
    digest = sha256(FILE).hexdigest()
    assert (first.status, first.json) == (201, second.json)
    assert (first.json["sha256"], first.json["media_type"]) == (digest, "application/pdf")
    assert [d["name"] for d in (await api.get(f"/orders/{order_id}/documents")).json["documents"]] == [
        "order.pdf"
    ]
    back = await api.get(f"/orders/{order_id}/documents/{digest}")
    assert (back.text.encode(), back.media_type) == (FILE, "application/octet-stream")
    assert back.headers["content-disposition"] == "attachment; filename*=UTF-8''order.pdf"
    assert (await api.get(f"/orders/{order_id}/documents/{'0' * 64}")).status == 404
    empty = await attach(api, order_id, b"")
    assert (empty.status, empty.detail) == (422, "body: the file is empty.")


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


async def test_a_request_that_is_sent_again_with_its_key_writes_once(api: Api, pool: Pool) -> None:
    key = {HEADER: "list-of-today"}
    first, second = [await api.send("POST", "/lists", {"name": "Desk"}, headers=key) for _ in range(2)]
    assert (first.status, second.status, first.text) == (201, 201, second.text)
    assert (REPEATED.lower() in first.headers, second.headers[REPEATED.lower()]) == (False, "true")
    other = await api.send("POST", "/lists", {"name": "Other"}, headers=key)
    assert (other.status, "used for another request" in other.detail) == (422, True)
    # The same key at another address is another key.
    assert (await api.send("POST", "/orders", ORDER, headers=key)).status == 201
    wrong = await api.send("POST", "/lists", {"name": "Third"}, headers={HEADER: "two words"})
    assert wrong.status == 422
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from watch_list where name in ('Other', 'Third')") == 0


async def test_a_change_that_is_sent_again_with_its_key_is_made_once(api: Api) -> None:
    address, key = f"/orders/{await filed(api)}", {HEADER: "title-of-today"}
    first, second = [await api.send("PATCH", address, {"title": "T"}, headers=key) for _ in range(2)]
    assert (first.status, second.text) == (200, first.text)
    assert (REPEATED.lower() in first.headers, second.headers[REPEATED.lower()]) == (False, "true")
    other = await api.send("PATCH", address, {"title": "U"}, headers=key)
    assert (other.status, "used for another request" in other.detail) == (422, True)


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

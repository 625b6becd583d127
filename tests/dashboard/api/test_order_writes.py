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


@pytest.fixture
async def name_checks_api(story: Story, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[Api]:
    async with api_served(pool, dsn, now) as served:
        yield served


async def test_names_are_checked_and_only_chosen_ones_are_watched(name_checks_api: Api, story: Story) -> None:
    table = "platform,handle,account_id\nx,newcomer,7001\nx,other,7002\nx,stranger,\n"
    made = await name_checks_api.send("POST", "/name-checks", {"text": table, "source": "w.csv"})
    assert (made.status, made.json["open"], made.json["source"]) == (201, 1, "w.csv")
    assert [(n["line"], n["status"], n["native_id"]) for n in made.json["names"]] == [
        (2, "found", "7001"),
        (3, "found", "7002"),
        (4, "waiting", None),
    ]
    assert (await name_checks_api.get("/accounts", q="newcomer")).items == []
    check_id = made.json["name_check_id"]
    watched = await name_checks_api.send(
        "POST",
        "/accounts",
        {"name_check_id": check_id, "positions": [1, 3], "list": "Desk", "tags": ["press"]},
    )
    assert (watched.json["watched"], watched.json["changed"]) == (1, 1)
    assert watched.json["accounts"][0]["done"] == (
        "is watched from now on, now on the list Desk, tagged press"
    )
    read = await name_checks_api.get(f"/name-checks/{check_id}")
    assert [n["status"] for n in read.json["names"]] == ["already watched", "found", "waiting"]


async def test_accounts_are_watched_by_their_ids_stopped_and_watched_again(
    name_checks_api: Api, story: Story
) -> None:
    given = {"platform": "x", "account_id": "7001", "handle": "newcomer"}
    made = await name_checks_api.send("POST", "/accounts", {"accounts": [given]})
    assert made.json["watched"] == 1
    (account,) = (await name_checks_api.get("/accounts", q="newcomer")).items
    number = account["account_id"]
    stopped = await name_checks_api.send("PATCH", "/accounts", {"accounts": [number, 999], "watched": False})
    assert (stopped.json["changed"], stopped.json["refused"]) == (1, 1)
    assert (await name_checks_api.get("/accounts", q="newcomer")).items[0]["watched"] is False
    again = await name_checks_api.send("PATCH", "/accounts", {"accounts": [number], "watched": True})
    assert again.json["changed"] == 1


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

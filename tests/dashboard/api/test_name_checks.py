"""Names and the watch over the API: looked up, watched from a check or by id, stopped and watched again."""

from collections.abc import AsyncGenerator
from datetime import datetime

import pytest

from storage.postgres.pool import Pool
from tests.support.clients.api import Api, api_served
from tests.support.seeds.changes import Story


@pytest.fixture
async def api(story: Story, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[Api]:
    async with api_served(pool, dsn, now) as served:
        yield served


async def test_names_are_checked_and_only_chosen_ones_are_watched(api: Api, story: Story) -> None:
    table = "platform,handle,account_id\nx,newcomer,7001\nx,other,7002\nx,stranger,\n"
    made = await api.send("POST", "/name-checks", {"text": table, "source": "w.csv"})
    assert (made.status, made.json["open"], made.json["source"]) == (201, 1, "w.csv")
    assert [(n["line"], n["status"], n["native_id"]) for n in made.json["names"]] == [
        (2, "found", "7001"),
        (3, "found", "7002"),
        (4, "waiting", None),
    ]
    assert (await api.get("/accounts", q="newcomer")).items == []
    check_id = made.json["name_check_id"]
    watched = await api.send(
        "POST",
        "/accounts",
        {"name_check_id": check_id, "positions": [1, 3], "list": "Desk", "tags": ["press"]},
    )
    assert (watched.json["watched"], watched.json["changed"]) == (1, 1)
    assert watched.json["accounts"][0]["done"] == (
        "is watched from now on, now on the list Desk, tagged press"
    )
    read = await api.get(f"/name-checks/{check_id}")
    assert [n["status"] for n in read.json["names"]] == ["already watched", "found", "waiting"]


async def test_accounts_are_watched_by_their_ids_stopped_and_watched_again(api: Api, story: Story) -> None:
    given = {"platform": "x", "account_id": "7001", "handle": "newcomer"}
    made = await api.send("POST", "/accounts", {"accounts": [given]})
    assert made.json["watched"] == 1
    (account,) = (await api.get("/accounts", q="newcomer")).items
    number = account["account_id"]
    stopped = await api.send("PATCH", "/accounts", {"accounts": [number, 999], "watched": False})
    assert (stopped.json["changed"], stopped.json["refused"]) == (1, 1)
    assert (await api.get("/accounts", q="newcomer")).items[0]["watched"] is False
    again = await api.send("PATCH", "/accounts", {"accounts": [number], "watched": True})
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
    api: Api, story: Story, body: dict[str, object], status: int, why: str
) -> None:
    answer = await api.send("POST", "/accounts", body)
    assert (answer.status, why in answer.detail) == (status, True)

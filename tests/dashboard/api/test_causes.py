"""Causes over the API: recorded, corrected and withdrawn, and listed as they were known."""

from collections.abc import AsyncGenerator
from datetime import datetime

import pytest

from storage.postgres.pool import Pool
from tests.support.clients.api import Api, api_served
from tests.support.seeds.alerts import Played

GIVEN = {
    "kind": "government order",
    "said_by": "platform notice",
    "source": "notice.eml",
    "stated_on": "2021-01-25T00:00:00Z",
    "legal_basis": "Section 69A IT Act",
}


@pytest.fixture
async def api(played: Played, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[Api]:
    async with api_served(pool, dsn, now) as api:
        yield api


async def test_causes_of_an_order_are_asked_for_by_its_reference(api: Api) -> None:
    await api.send("POST", "/causes", {**GIVEN, "account_id": 1})
    made = await api.send("POST", "/causes", {**GIVEN, "order": "SYN/1"})
    assert made.status == 201, made.text
    assert [one["cause_id"] for one in (await api.get("/causes", order="SYN/1")).items] == [
        made.json["cause_id"]
    ]
    assert (await api.get("/causes", order="none")).items == []


@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        pytest.param({}, 422, "body: Give one of", id="about nothing"),
        pytest.param({"account_id": 1, "change_id": 1}, 422, "body: Give one of", id="about two things"),
        pytest.param({"account_id": 999}, 409, "There is no account 999.", id="about nobody"),
        pytest.param({"order": "none"}, 409, "There is no order 'none'.", id="about no order"),
        pytest.param({"account_id": 1, "kind": "weather"}, 422, "body.kind", id="no cause"),
        pytest.param(
            {"account_id": 1, "said_by": "press"},
            422,
            "body.speaker: speaker is empty",
            id="a nameless paper",
        ),
        pytest.param(
            {"account_id": 1, "stated_on": "2031-01-01T00:00:00Z"}, 422, "body.stated_on", id="not yet said"
        ),
    ],
)
async def test_what_cannot_be_a_cause_is_refused_and_nothing_is_stored(
    api: Api, given: dict[str, object], status: int, why: str
) -> None:
    refused = await api.send("POST", "/causes", {**GIVEN, **given})
    assert (refused.status, refused.detail.startswith(why)) == (status, True), refused.detail
    assert (await api.get("/causes")).items == []


async def test_a_cause_that_is_not_there_is_not_found(api: Api) -> None:
    assert (await api.get("/causes/99")).detail == "There is no cause 99."
    assert (await api.send("PUT", "/causes/99", GIVEN)).status == 404
    assert (await api.send("DELETE", "/causes/99")).status == 404
    assert (await api.get("/causes/99/document")).detail == "There is no cause 99."


async def test_a_cause_without_a_document_has_none_to_download(api: Api) -> None:
    made = await api.send("POST", "/causes", {**GIVEN, "account_id": 1})
    found = await api.get(f"/causes/{made.json['cause_id']}/document")
    assert (found.status, found.detail) == (404, f"Cause {made.json['cause_id']} has no document.")

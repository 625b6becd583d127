"""Stories over the API: written and told as on the pages, with a hash that anybody can work out."""

import hashlib
import json
from collections.abc import AsyncGenerator
from datetime import datetime

import pytest

from storage.model.stories.stories import StoryFault
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Api, api_served
from tests.support.seeds.alerts import Played

GIVEN = {
    "title": "All back",
    "list": "Order 1 list",
    "from": "2021-01-24T12:00:00Z",
    "to": "2021-01-28T00:00:00Z",
}
CAPTION = {"at": "2021-01-25T06:00:00Z", "text": "6 am: all back"}


@pytest.fixture
async def api(played: Played, pool: Pool, dsn: str, now: datetime) -> AsyncGenerator[Api]:
    async with api_served(pool, dsn, now) as api:
        yield api


async def test_a_story_is_written_told_and_removed(api: Api, pool: Pool) -> None:
    made = await api.send("POST", "/written-stories", GIVEN)
    assert made.status == 201, made.text
    where = f"/written-stories/{made.json['story_id']}"
    told = await api.send("POST", f"{where}/captions", CAPTION)
    caption = told.json["captions"][0]["caption_id"]
    moved = await api.send("PUT", f"/captions/{caption}", {**CAPTION, "at": "2021-01-25T07:00:00Z"})
    assert moved.json["captions"][0] == {
        "caption_id": caption,
        "at": "2021-01-25T07:00:00Z",
        "text": "6 am: all back",
    }
    renamed = await api.send("PUT", where, {**GIVEN, "title": "Back", "view": "as_known_then"})
    shown = (await api.get(where)).json
    assert shown == renamed.json == (await api.get("/written-stories")).items[0]
    assert (shown["title"], shown["view"], shown["from"], shown["list"], shown["version"]) == (
        "Back",
        "as_known_then",
        "2021-01-24T12:00:00Z",
        "Order 1 list",
        4,
    )
    without = await api.send("DELETE", f"/captions/{caption}")
    assert (without.status, without.json["captions"]) == (200, [])
    assert (await api.send("DELETE", where)).status == 204
    assert (await api.get(where)).status == 404
    async with transaction(pool) as conn:
        logged = [(a.actor, a.action) for a in await acts(conn, 6)]
    assert logged == [
        ("dashboard", "story removed"),
        ("dashboard", "caption removed"),
        ("dashboard", "story changed"),
        ("dashboard", "caption changed"),
        ("dashboard", "caption added"),
        ("dashboard", "story written"),
    ]


async def test_the_hash_is_that_of_the_answer_and_of_the_file(api: Api, now: datetime) -> None:
    number = (await api.send("POST", "/written-stories", GIVEN)).json["story_id"]
    await api.send("POST", f"/written-stories/{number}/captions", CAPTION)
    where = f"/written-stories/{number}"
    known = now.isoformat()
    figures = (await api.get(f"{where}/figures", as_known_at=known)).json
    said = figures.pop("sha256")
    canonical = json.dumps(figures, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
    assert hashlib.sha256(canonical).hexdigest() == said
    file = await api.get(f"{where}/html", as_known_at=known)
    assert (file.status, file.media_type) == (200, "text/html")
    assert said in file.text
    again = await api.get(f"{where}/html", headers={"If-None-Match": file.headers["etag"]}, as_known_at=known)
    assert again.status == 304
    (caption,) = figures["captions"]
    (unknown,) = figures["causes"]
    assert (unknown["accounts"] > 0, unknown["cause"]) == (True, None)
    assert (caption["blocked"], caption["restored"]["accounts"]) == (
        {"accounts": 0, "last_known_only": 0},
        len([c for c in caption["changes"] if c["kind"] == "restoration"]),
    )
    assert caption["restored"]["accounts"] > 0


async def test_what_does_not_fit_is_refused(api: Api) -> None:
    number = (await api.send("POST", "/written-stories", GIVEN)).json["story_id"]
    where = f"/written-stories/{number}"
    wrong = [
        ("POST", "/written-stories", {**GIVEN, "to": "2021-01-01T00:00:00Z"}, 409, StoryFault.ENDLESS.value),
        ("POST", "/written-stories", {**GIVEN, "list": "Nowhere"}, 409, "There is no list 'Nowhere'"),
        ("POST", "/written-stories", {**GIVEN, "title": ""}, 422, "body.title"),
        ("PUT", "/written-stories/999", GIVEN, 404, "There is no story 999."),
        (
            "POST",
            f"{where}/captions",
            {**CAPTION, "at": "2021-02-01T00:00:00Z"},
            409,
            StoryFault.OUTSIDE.value,
        ),
        ("DELETE", "/captions/999", None, 409, "There is no caption 999."),
        (
            "GET",
            f"{where}/figures?as_known_at=2021-01-25T00:00:00Z",
            None,
            422,
            StoryFault.KNOWN_TOO_EARLY.value,
        ),
    ]
    for method, path, body, status, why in wrong:
        answer = await api.send(method, path, body)
        assert (answer.status, why in answer.detail) == (status, True), answer.text

"""The page of one account: notes, every reading on demand, and the evidence behind its changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from dashboard.accounts.account_readings import ReadingsRange, readings_range
from storage.accounts.notes import notes_of
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from storage.readings import evidence
from tests.support.seeds.changes import Story
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import served

NOW = datetime(2021, 2, 11, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2021, 2, day, hour, tzinfo=UTC)


@pytest.fixture
async def story(pool: Pool, now: datetime) -> Story:
    async with transaction(pool) as conn:
        return await seed(conn, now)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({}, None, id="nothing is read unless it is asked for"),
        pytest.param({"from": "2021-02-10"}, ReadingsRange(at(10), at(11)), id="a day is that day in UTC"),
        pytest.param(
            {"from": "2021-02-01", "to": "2021-02-03"},
            ReadingsRange(at(1), at(4)),
            id="days include the last",
        ),
        pytest.param(
            {"from": "2021-02-10T08:00", "to": "2021-02-10T09:00+01:00"},
            "The end must be after the beginning.",
            id="a zone is heeded",
        ),
        pytest.param(
            {"from": "2021-02-10T07:00", "to": "2021-02-10T09:00", "page": "3"},
            ReadingsRange(at(10, 7), at(10, 9), 3),
            id="times without a zone are UTC",
        ),
        pytest.param(
            {"from": "2021-02-10", "page": "x"},
            ReadingsRange(at(10), at(11)),
            id="no number is the first page",
        ),
        pytest.param(
            {"from": "2021-02-10", "page": "0"}, ReadingsRange(at(10), at(11)), id="there is no page 0"
        ),
        pytest.param(
            {"from": "2020-01-01", "to": "2021-02-10"}, "A period has at most 400 days.", id="too long"
        ),
        pytest.param({"from": "2021-03-01"}, "This time is in the future.", id="the future"),
        pytest.param({"from": "yesterday"}, "Enter a day as", id="no time"),
        pytest.param(
            {"from": "2021-02-10", "to": "9999-12-31"}, "Enter a day as", id="no time that anybody sees"
        ),
    ],
)
def test_a_stretch_of_time_is_read_from_the_address(query: dict[str, str], found: Any) -> None:
    said = readings_range(query, NOW)
    assert said.startswith(found) if isinstance(said, str) and found is not None else said == found


async def posted(base: str, path: str, fields: dict[str, str]) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(base + path, data=fields, headers={"Origin": base}, allow_redirects=False) as answer,
    ):
        return answer.status, answer.headers.get("location") or (await answer.json())["error"]


async def test_a_note_is_written_and_withdrawn_and_both_are_on_record(
    pool: Pool, dsn: str, story: Story
) -> None:
    one = story.accounts[0][0]
    async with served(pool, dsn, story.now) as base:
        back = f"?back=/account/{one}"
        fields = {"account": str(one), "text": "Called the owner"}
        assert await posted(base, f"/api/account/notes/add{back}", fields) == (303, f"/account/{one}")
        async with transaction(pool) as conn:
            (note,) = await notes_of(conn, one)
        number = {"note": str(note.account_note_id)}
        assert (await posted(base, "/api/account/notes/withdraw", number))[0] == 303
        assert await posted(base, "/api/account/notes/withdraw", number) == (
            409,
            f"Note {note.account_note_id} does not exist or was already withdrawn.",
        )
    async with transaction(pool) as conn:
        logged = [(a.action, a.subject) for a in await acts(conn, 9)]
        (note,) = await notes_of(conn, one)
    assert (note.text, note.withdrawn_by) == ("Called the owner", "dashboard")
    assert logged == [("note withdrawn", f"account {one}"), ("note added", f"account {one}")]


async def test_the_evidence_of_a_change_is_fetched_with_its_hash_until_it_is_gone(
    pool: Pool, dsn: str, story: Story
) -> None:
    raw = b'{"data": {"withheld": {"country_codes": ["IN"]}}}'
    async with transaction(pool) as conn:
        (sha256,) = await evidence.store(conn, [raw])
        await conn.execute("alter table change disable trigger change_append_only")
        row = await conn.fetchrow(
            """
            update change set new_evidence = $1 where change_id = (
                select max(change_id) from change where kind = 'block'
            ) returning change_id, account_id
            """,
            sha256,
        )
    assert row is not None
    change_id, one = int(row["change_id"]), int(row["account_id"])
    url = f"/api/account/{one}/evidence/{change_id}"
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        async with session.get(f"{base}{url}/new") as answer:
            assert (answer.status, await answer.read()) == (200, raw)
            assert answer.headers["x-evidence-sha256"] == sha256.hex()  # pyright: ignore[reportOptionalMemberAccess]
            assert answer.headers["content-disposition"].startswith("attachment")
        for path, status in (
            (f"{url}/old", 404),
            (f"/api/account/{one + 1}/evidence/{change_id}/new", 404),
            (f"/api/account/{one}/evidence/{2**70}/new", 404),
            (f"{url}/side", 422),
        ):
            async with session.get(base + path) as answer:
                assert answer.status == status
        async with transaction(pool) as conn:
            await conn.execute("update evidence set packed = null, compressed = false, purged_at = now()")
        async with session.get(f"{base}{url}/new") as answer:
            assert answer.status == 410

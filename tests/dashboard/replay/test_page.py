"""The page that goes back to a moment, over a small story in a real database."""

from datetime import timedelta

from dashboard.asgi.settings import DashboardSettings
from dashboard.replay.page import WRITE_A_TIME
from storage.health.status_at import status_at
from storage.model.core.availability import Status
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import page_of

SETTINGS = DashboardSettings("t", "s", synthetic=True, sweep_every=timedelta(minutes=30))


async def shown(pool: Pool, story: Story, query: dict[str, str]) -> str:
    async with transaction(pool) as conn:
        return said(await page_of(conn, "/replay", story.now, SETTINGS, "light", query))


async def test_a_moment_tells_what_was_so_and_by_what_was_known(pool: Pool, story: Story) -> None:
    at = story.at(0.6)
    async with transaction(pool) as conn:
        was = await status_at(conn, at, None, SETTINGS.sweep_every)
        known = await status_at(conn, at, story.start, SETTINGS.sweep_every)
    blocked = was.standing(Status.WITHHELD, Status.SUSPENDED)
    page = await shown(pool, story, {"at": at.isoformat()})
    before = await shown(pool, story, {"at": at.isoformat(), "as_known_at": story.start.isoformat()})

    assert blocked is not None
    assert f"Blocked then {blocked}" in page
    assert "as known now" in page
    assert "As known then" in page
    assert known.standing(Status.WITHHELD, Status.SUSPENDED) is None
    assert "Blocked then not known" in before


async def test_before_anything_was_read_nothing_is_zero(pool: Pool, story: Story) -> None:
    page = await shown(pool, story, {"at": "2001-01-01"})
    assert "No account was watched at this moment" in page
    assert "Blocked then" not in page


async def test_a_wrong_time_gets_a_sentence(pool: Pool, story: Story) -> None:
    assert WRITE_A_TIME in await shown(pool, story, {"at": "soon"})

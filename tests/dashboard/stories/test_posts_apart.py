"""A story counts its accounts and its posts apart, and no number has both in it."""

from storage.model.stories.stories import View
from storage.postgres.pool import Pool, transaction
from tests.dashboard.stories.test_standalone_html import NOW, small
from tests.storage.health.test_status_at import played as played_desk
from tests.support.clients.page_text import said
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import SETTINGS, page_of


async def _turn(pool: Pool, *native_ids: str) -> None:
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            "select account_id from account where native_id = any($1::text[])", list(native_ids)
        )
        assert len(rows) == len(native_ids)
        await turn_into_posts(conn, [r["account_id"] for r in rows])


async def test_the_list_of_stories_shows_posts_beside_accounts(pool: Pool) -> None:
    await played_desk(pool)
    await _turn(pool, "1")
    await small(pool, View.AS_IT_WAS)
    async with transaction(pool) as conn:
        page = said(await page_of(conn, "/stories", NOW, SETTINGS, "light"))
    assert "and 1 post" in page

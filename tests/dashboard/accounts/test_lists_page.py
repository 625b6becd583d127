"""The page of lists: what it says of each."""

from storage.accounts.watch_lists import all_lists
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import said
from tests.support.seeds.changes import Story
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import SETTINGS, page_of


async def test_the_posts_on_a_list_are_not_called_accounts(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        before = said(await page_of(conn, "/accounts/lists", story.now, SETTINGS, "light"))
        await turn_into_posts(conn, story.accounts[0][-2:])
        (first, *_) = await all_lists(conn)
        after = said(await page_of(conn, "/accounts/lists", story.now, SETTINGS, "light"))
    assert "Accounts and posts" not in before
    assert first.posts == 2
    assert "Accounts and posts" in after
    assert f"{first.accounts - 2} accounts and 2 posts" in after

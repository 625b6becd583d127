"""A story counts its accounts and its posts apart, and no number has both in it."""

import json
import re
from typing import Any

from dashboard.stories.story_json import story_json
from storage.model.stories.stories import View
from storage.postgres.pool import Pool, transaction
from tests.dashboard.stories.test_standalone_html import NOW, html, read, small
from tests.storage.health.test_status_at import played as played_desk
from tests.support.clients.page_text import said
from tests.support.clients.report_text import Page
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import SETTINGS, page_of


async def _turn(pool: Pool, *native_ids: str) -> None:
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            "select account_id from account where native_id = any($1::text[])", list(native_ids)
        )
        assert len(rows) == len(native_ids)
        await turn_into_posts(conn, [r["account_id"] for r in rows])


async def _data(pool: Pool) -> Any:
    found = await read(pool, await small(pool, View.AS_IT_WAS), NOW)
    return json.loads(json.dumps(story_json(found)))


async def test_each_number_of_a_moment_counts_accounts_or_posts(pool: Pool) -> None:
    await played_desk(pool)
    before = await _data(pool)
    await _turn(pool, "1")
    after = await _data(pool)

    assert (before["accounts"], before["posts"]) == (2, 0)
    assert (after["accounts"], after["posts"]) == (1, 1)
    for was, now in zip(before["captions"], after["captions"], strict=True):
        assert was["posts"] is None
        posts = now["posts"]
        assert (now["accounts"], posts["posts"]) == (1, 1)
        for name in ("blocked", "withheld", "suspended", "restored"):
            assert now[name]["accounts"] + posts[name]["posts"] == was[name]["accounts"]
        for name in ("not_checked", "nothing_confirmed", "provisional", "not_on_file_yet"):
            assert now[name] + posts[name] == was[name]
    assert after["captions"][1]["posts"]["withheld_in"] == {"IN": {"posts": 1, "last_known_only": 0}}
    assert after["captions"][1]["withheld_in"] == {}
    changed = [change for caption in after["captions"] for change in caption["changes"]]
    assert changed
    assert all(change["post"] for change in changed)
    assert [one["post"] for one in after["members"] if one["native_id"] == "post:1"] == [True]


async def test_the_file_names_the_kind_of_each_number(pool: Pool) -> None:
    await played_desk(pool)
    await _turn(pool, "1")
    text = html(await read(pool, await small(pool, View.AS_IT_WAS), NOW))
    page = Page(text)

    assert "1 account and 1 post: all accounts and posts that were watched in this time" in page.words
    assert page.tables["countries-2"].rows == [["India, posts", "1", "0"]]
    assert [row[0] for row in page.tables["changes"].rows] == [
        "Withheld in India (IN), posts",
        "Available again (before: withheld in India (IN)), posts",
    ]
    assert "Blocked, posts" in page.words
    assert "of 1 account; not read in" in page.words
    assert "of 1 post; not read in" in page.words
    assert "An account or a post counts as not checked" in page.words
    assert "Post on X, id post:1" in page.words
    assert "A lane for each of 1 account and 1 post" in text
    assert "2 accounts" not in text
    assert "posts withheld while their account was not" not in page.words


async def test_a_story_of_posts_alone_does_not_count_accounts(pool: Pool) -> None:
    await played_desk(pool)
    await _turn(pool, "1", "2")
    page = Page(html(await read(pool, await small(pool, View.AS_IT_WAS), NOW)))

    assert "2 posts: all posts that were watched in this time" in page.words
    assert re.findall(r"\d accounts?", page.words) == []
    assert "of 2 posts; not read in" in page.words
    assert [row[0] for row in page.tables["states-4"].rows] == ["Available, posts", "Suspended, posts"]


async def test_the_list_of_stories_shows_posts_beside_accounts(pool: Pool) -> None:
    await played_desk(pool)
    await _turn(pool, "1")
    await small(pool, View.AS_IT_WAS)
    async with transaction(pool) as conn:
        page = said(await page_of(conn, "/stories", NOW, SETTINGS, "light"))
    assert "and 1 post" in page

"""Pasting posts: the preview says post, and a post that is watched is counted and shown as one."""

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import UnresolvedHandle, UnresolvedReason
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from collectors.youtube.declaration import YOUTUBE
from dashboard.accounts.add_page import add_page, watched_words
from dashboard.names.table import read_check
from jobs.collect.name_lookup import why
from storage.accounts.name_checks import answer, lines_of, name_check, open_check, take_waiting, watch_lines
from storage.model.core.accounts import Platform
from storage.model.tables.name_check import check_lines, without_repeats
from storage.model.tables.name_matching import ResolvedName
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_text import said
from tests.support.samples.readings import minutes
from tests.support.seeds.posts import seed_posts
from tests.support.servers.dashboard import SETTINGS, page_of


async def checked(conn: Conn, text: str) -> int:
    return await open_check(conn, check_lines(text, "a list", X), "a list", X, None, "Asha", minutes(1))


async def test_a_preview_without_posts_speaks_of_accounts_alone(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await seed_posts(conn)
        page = add_page(await read_check(conn, await checked(conn, "@Alice")), [], [])
    assert "Watch the chosen accounts" in said(page)
    assert "accounts and posts" not in said(page)
    assert "among them" not in said(page)
    assert "'headerName': 'Account'" in str(page)


async def test_a_pasted_post_is_watched_and_has_a_page(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await seed_posts(conn)
        check_id = await checked(conn, "https://x.com/alice/status/900 https://x.com/al\n@new\n")
        names = await take_waiting(conn, X, minutes(2), 9)
        answers = {
            ("alice/900", False): ResolvedName("post:900", "alice/900"),
            ("new", False): ResolvedName("500", "new"),
        }
        await answer(conn, names, answers, minutes(2))
        check = await name_check(conn, check_id)
        assert check is not None
        results = await watch_lines(conn, check, [1, 2, 3], ("Desk",), (), "Asha", minutes(3))
        lines = without_repeats(await lines_of(conn, check_id))
        number = await conn.fetchval(
            "select account_id from account where native_id = 'post:900' and watched"
        )
        page = said(await page_of(conn, f"/account/{number}", minutes(4), SETTINGS, "light"))
    assert watched_words(list(zip(lines, results, strict=True))) == (
        "Watched: 2 accounts and 1 post. Accounts that this changed: 2. Posts that this changed: 1."
    )
    assert watched_words(list(zip(lines, results, strict=True))[1:2]) == (
        "Watched: 1 account. Accounts that this changed: 1."
    )
    assert "Post @alice/900" in page
    assert "No status is confirmed yet." in page
    assert "awaiting a reading with the post's data" in page


@pytest.mark.parametrize(
    ("platform", "asked", "reason", "words"),
    [
        pytest.param(
            X,
            "alice/5",
            UnresolvedReason.NOT_FOUND,
            "X knows no post @alice/5: it was deleted, its author's account is gone, or it never existed.",
            id="X does not know it",
        ),
        pytest.param(
            BLUESKY,
            "carol.example/3l6oveex3ii2l",
            UnresolvedReason.DEACTIVATED,
            "@carol.example/3l6oveex3ii2l cannot be looked up while its author's account is deactivated: add "
            "its id, as bluesky:id:ID or as account_id of a table.",
            id="its author deactivated their account",
        ),
        pytest.param(
            MASTODON,
            "ann@one.example/109",
            UnresolvedReason.SUSPENDED,
            "@ann@one.example/109 cannot be looked up while its author's account is suspended: add its id, "
            "as mastodon:id:ID or as account_id of a table.",
            id="its author is suspended",
        ),
        pytest.param(
            YOUTUBE,
            "nobody_here",
            UnresolvedReason.NOT_FOUND,
            "YouTube knows no account @nobody_here (renamed, deleted, terminated or never existed).",
            id="a handle as long as the id of a video is that of an account",
        ),
    ],
)
def test_why_a_post_was_not_found(
    platform: Platform, asked: str, reason: UnresolvedReason, words: str
) -> None:
    assert why(platform, UnresolvedHandle(asked, reason, "")) == words

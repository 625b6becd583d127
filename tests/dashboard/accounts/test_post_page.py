"""The page of a post says post, leads to its author, and shows the author's status beside its own."""

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, record_renames
from storage.accounts.posts import MOST_POSTS
from storage.accounts.side_facts import observe
from storage.changes.evidence_collection import PackSubject, PackSubjectKind, select_changes
from storage.model.core.accounts import HandleChange
from storage.model.core.side_facts import FactSighting
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_text import said
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.posts import Posts, seed_posts
from tests.support.servers.dashboard import SETTINGS, page_of

NOW = minutes(170)


@pytest.fixture
async def posts(pool: Pool) -> Posts:
    async with transaction(pool) as conn:
        return await seed_posts(conn)


async def page(conn: Conn, posts: Posts, which: str) -> tuple[str, str]:
    """The words of a page, and its components, whose text holds the addresses of links."""
    drawn = await page_of(conn, f"/account/{posts.numbers[which]}", NOW, SETTINGS, "light")
    return " ".join(said(drawn).split()), str(drawn)


async def test_the_page_of_a_post_says_post_and_leads_to_it_on_its_platform(pool: Pool, posts: Posts) -> None:
    async with transaction(pool) as conn:
        words, made = await page(conn, posts, "post:101")
    assert "Post @alice/101" in words
    assert "Post on X, id post:101" in words
    assert "Open the post on X" in words
    assert "https://x.com/i/status/101" in made
    assert "what this post belongs to" in words
    assert "Withheld in India (IN). Changed" in words
    assert "account" not in words.lower().replace("accounts / @", "")


async def test_the_page_of_an_account_says_account(pool: Pool, posts: Posts) -> None:
    async with transaction(pool) as conn:
        words, _ = await page(conn, posts, "400")
    assert "post" not in words.lower()
    assert "what this account belongs to" in words
    assert "Open on X" in words


@pytest.mark.parametrize(
    ("which", "line", "leads_to"),
    [
        pytest.param("post:101", "By @Alice Post on", "100", id="a stored account, whatever its capitals"),
        pytest.param("post:201", "By @stranger , not watched", None, id="no such account is stored"),
        pytest.param("post:301", None, None, id="an address of X that names no author"),
        pytest.param("3l6oveex3ii2l", "By @carol.example", "z72", id="by its DID, not by its handle"),
    ],
)
async def test_a_post_leads_to_the_stored_account_of_its_author(
    pool: Pool, posts: Posts, which: str, line: str | None, leads_to: str | None
) -> None:
    async with transaction(pool) as conn:
        words, made = await page(conn, posts, which)
    if line is None:
        assert "By @" not in words
    else:
        assert line in words
    if leads_to is not None:
        number = next(n for key, n in posts.numbers.items() if leads_to in key)
        assert f"/account/{number}'" in made


async def test_of_several_accounts_that_had_the_handle_none_is_taken_for_the_author(
    pool: Pool, posts: Posts
) -> None:
    async with transaction(pool) as conn:
        alice, al = posts.numbers["100"], posts.numbers["400"]
        await record_renames(conn, [HandleChange(al, "alice", "al", T0, minutes(5))], minutes(5))
        words, made = await page(conn, posts, "post:101")
        of_author, _ = await page(conn, posts, "100")
        of_other, _ = await page(conn, posts, "400")
    assert "By @alice ; a stored account had this handle before" in words
    assert f"/account/{alice}'" not in made
    assert "Its posts" not in of_author
    assert "Its posts" not in of_other


async def test_the_author_has_a_card_of_its_posts_with_their_statuses(pool: Pool, posts: Posts) -> None:
    async with transaction(pool) as conn:
        words, made = await page(conn, posts, "100")
        of_bluesky, _ = await page(conn, posts, "did:plc:z72i7hdynmk6r22z27h6tvur")
        of_other, _ = await page(conn, posts, "400")
    assert "Its posts 3 stored posts, each with its last confirmed status" in words
    assert "@alice/101 Withheld in India (IN) 1 Feb 2021" in words
    assert "@alice/102 Withheld in India (IN) with its author's account 1 Feb 2021" in words
    assert "@alice/103 Not found: X does not say whether the post was removed" in words
    assert f"/account/{posts.numbers['post:102']}'" in made
    assert "@stranger/201" not in words
    assert "Its posts 1 stored post, each" in of_bluesky
    assert "No status is confirmed yet" in of_bluesky
    assert "Its posts" not in of_other


async def test_a_change_to_not_found_is_called_as_its_status_is(pool: Pool, posts: Posts) -> None:
    async with transaction(pool) as conn:
        words, _ = await page(conn, posts, "post:103")
    assert "Not found no. " in words
    assert "Gone" not in words


async def test_the_card_has_at_most_25_posts_and_their_number(pool: Pool, posts: Posts) -> None:
    async with transaction(pool) as conn:
        more = [NewAccount(X, f"post:{n}", f"alice/{n}") for n in range(500, 500 + MOST_POSTS)]
        await add_accounts(conn, more, T0)
        words, _ = await page(conn, posts, "100")
    assert "Its posts 28 stored posts" in words
    assert words.count("@alice/") == MOST_POSTS
    assert "3 more posts are not shown. Search for @Alice/." in words


async def test_beside_a_status_of_the_author_stands_what_readings_of_the_author_showed(
    pool: Pool, posts: Posts
) -> None:
    async with transaction(pool) as conn:
        of_author, _ = await page(conn, posts, "post:102")
        alone, _ = await page(conn, posts, "post:101")
    assert "Withheld in India (IN) with its author's account. Changed" in of_author
    then = "Its author's account then, by its own readings: withheld in India (IN), which began 1 Feb 2021"
    assert then in of_author
    assert "Its author's account" not in alone


async def test_a_status_is_called_the_authors_no_longer_than_that_was_seen(pool: Pool, posts: Posts) -> None:
    post = posts.numbers["post:102"]
    async with transaction(pool) as conn:
        before, _ = await page(conn, posts, "post:102")
        look = FactSighting(post, frozenset(), minutes(135), minutes(165))
        await observe(conn, "", [look])
        after, _ = await page(conn, posts, "post:102")
        of_author, _ = await page(conn, posts, "100")
    assert "Its status is that of its author's account" in before
    assert "Withheld in India (IN). Changed" in after
    assert "@alice/102 Withheld in India (IN) 1 Feb 2021" in of_author


async def test_another_handle_of_a_post_is_a_rename_of_its_author(pool: Pool, posts: Posts) -> None:
    post = posts.numbers["post:101"]
    async with transaction(pool) as conn:
        change = HandleChange(post, "alice/101", "bob/101", minutes(140), minutes(155))
        await record_renames(conn, [change], minutes(155))
        words, _ = await page(conn, posts, "post:101")
    assert "Its author was renamed: @alice/101 is now @bob/101, 1 Feb 2021, between" in words
    assert "It is the same post." in words
    assert "Renames of its author" in words


async def test_the_answer_behind_a_change_of_a_post_is_about_a_post(pool: Pool, posts: Posts) -> None:
    post = posts.numbers["post:102"]
    async with transaction(pool) as conn:
        change = await conn.fetchval("select max(change_id) from change where account_id = $1", post)
        drawn = await page_of(conn, f"/account/{post}/evidence/{change}/new", NOW, SETTINGS, "light")
        packed = await select_changes(conn, PackSubject(PackSubjectKind.ACCOUNT, post))
    assert "only what concerns this post is stored" in said(drawn)
    assert "Withheld in India (IN) with its author's account" in said(drawn)
    assert packed is not None
    assert packed.name == "the post @alice/102 (X, id post:102)"

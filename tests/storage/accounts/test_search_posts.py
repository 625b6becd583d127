"""The search finds a post by its id, its author and the address of its page, and calls it a post."""

import pytest

from collectors.mastodon.declaration import MASTODON
from dashboard.server.search import found_json
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.search import search
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import T0
from tests.support.seeds.posts import DID, seed_posts

ANN = "https://one.example/@ann/109"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("post:101", ["post @alice/101"], id="by its id here"),
        pytest.param("201", ["post @stranger/201"], id="by its id on the platform"),
        pytest.param(
            "alice",
            ["account @Alice", "post @alice/101", "post @alice/102", "post @alice/103"],
            id="by its author, after the account of the author",
        ),
        pytest.param("https://x.com/alice/status/101", ["post @alice/101"], id="by the address of its page"),
        pytest.param(
            "https://x.com/alice/status/101?s=20", ["post @alice/101"], id="by the address with what follows"
        ),
        pytest.param("https://x.com/i/status/101", ["post @alice/101"], id="by an address without author"),
        pytest.param("https://x.com/i/status/1", [], id="no post whose id ends so"),
        pytest.param("twitter.com/Bob/status/103", ["post @alice/103"], id="its author had another handle"),
        pytest.param("https://x.com/al", ["account @al"], id="an account by the address of its profile"),
        pytest.param(
            f"https://bsky.app/profile/{DID}/post/3l6oveex3ii2l",
            ["post @old.example/3l6oveex3ii2l"],
            id="on Bluesky by the DID of its author",
        ),
        pytest.param(ANN, ["post @ann@one.example/109"], id="on Mastodon by its page"),
        pytest.param("https://two.example/@ann/109", [], id="another server has another post of this id"),
        pytest.param("https://example.org/a/b", [], id="the address of no post"),
    ],
)
async def test_a_post_is_found_and_called_a_post(pool: Pool, text: str, found: list[str]) -> None:
    async with transaction(pool) as conn:
        await seed_posts(conn)
        await add_accounts(conn, [NewAccount(MASTODON, ANN, "ann@one.example/109")], T0)
        answers = [found_json(one) for one in await search(conn, text, 8)]
    assert [f"{one['kind']} {one['name']}" for one in answers] == found


async def test_many_posts_of_an_author_leave_room_for_accounts(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await seed_posts(conn)
        answers = [found_json(one) for one in await search(conn, "al", 2)]
    assert [one["name"] for one in answers] == ["@al", "@Alice", "@alice/101", "@alice/102"]

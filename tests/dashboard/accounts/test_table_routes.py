"""The data of the page of accounts, and what is done there with many of them, over real sockets."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
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
from storage.model.core.people import Role
from storage.model.tables.name_check import check_lines, without_repeats
from storage.model.tables.name_matching import ResolvedName
from storage.postgres.audit_log import acts
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import Story
from tests.support.seeds.posts import seed_posts
from tests.support.servers.dashboard import SETTINGS, page_of, served


async def got(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json()


async def test_everybody_is_there_with_state_lists_and_reading(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base:
        _, body = await got(f"{base}/api/accounts")
        _, choices = await got(f"{base}/api/accounts/choices")
    for table in ("accounts", "spells", "provisional"):
        assert len({len(column) for column in body[table].values()}) == 1
    assert (choices["total"], body["shown"], len(body["accounts"]["id"])) == (32, 32, 32)
    assert body["ids"] == body["accounts"]["id"]
    assert sorted(body["provisional"]["account"]) == sorted(story.provisional)
    never = body["accounts"]["group"][body["accounts"]["id"].index(story.never_read)]
    assert body["groups"][never] == [None, []]
    assert {o["title"] for o in choices["orders"]} == {"Order 1", "Order 2"}
    assert "withheld in India (IN)" in body["words"]


async def test_somebody_else_cannot_be_asked_for(pool: Pool, dsn: str, now: datetime) -> None:
    async with served(pool, dsn, now) as base:
        status, body = await got(f"{base}/api/accounts?whom=me")
    assert (status, body["error"]) == (422, "The parameter whom must be one of watched, file, all.")


async def test_all_that_a_filter_shows_is_selected_by_number(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base:
        _, shown = await got(f"{base}/api/accounts?status=withheld")
        _, selected = await got(f"{base}/api/accounts/ids?status=withheld")
        async with transaction(pool) as conn:
            await conn.execute(
                """
                insert into account (platform, native_id, handle, added_at, watched)
                select 'x', 'many' || n, 'many' || n, now(), false from generate_series(1, 10001) as n
                """
            )
        status, refused = await got(f"{base}/api/accounts/ids?whom=file&q=many")
    assert sorted(selected["ids"]) == sorted(shown["ids"])
    assert 0 < len(shown["ids"]) < 32
    assert (status, refused["error"]) == (
        422,
        "10,001 accounts and posts are shown. At most 10,000 can be selected at once. "
        "Use the filters to show fewer.",
    )


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        pytest.param("status=held", 422, "The parameter status must be one of blocked,", id="no status"),
        pytest.param("kind=videos", 422, "The parameter kind must be one of accounts,", id="no kind"),
        pytest.param("sort=id", 422, "The parameter sort must hold columns of handle,", id="no column"),
        pytest.param("sort=handle:up", 422, "The parameter sort must hold columns of", id="no direction"),
        pytest.param("list=1,2", 422, "The parameter list must be a number.", id="two lists"),
        pytest.param(f"order={'9' * 19}", 422, "The parameter order must be a number.", id="too large"),
        pytest.param("q=a%00", 422, "A filter holds a character", id="a character of no text"),
        pytest.param("figure=board/all", 422, "A figure needs its moment:", id="a figure without a moment"),
        pytest.param("figure=x&at=2100-01-01T00:00Z", 422, "in the future", id="a moment to come"),
        pytest.param("figure=x&at=2021-01-01T00:00", 422, "has no zone", id="a moment without a zone"),
        pytest.param("figure=x&at=2021-01-01T00:00Z", 404, "There is no such figure.", id="no figure"),
    ],
)
async def test_a_listing_that_cannot_be_is_refused_in_one_sentence(
    pool: Pool, dsn: str, story: Story, query: str, status: int, why: str
) -> None:
    async with served(pool, dsn, story.now) as base:
        for route in ("accounts", "accounts/ids"):
            answered, said = await got(f"{base}/api/{route}?{query}")
            assert answered == status
            assert why in said["error"]


class Sender:
    """Sends as the dashboard's own page does."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base

    async def __call__(self, path: str, body: Any) -> tuple[int, Any]:
        async with self._session.post(self._base + path, json=body, headers={"Origin": self._base}) as answer:
            return answer.status, await answer.json()


async def audited(pool: Pool) -> list[tuple[str, str, str]]:
    async with transaction(pool) as conn:
        return [(a.actor, a.action, a.subject) for a in await acts(conn, 100)]


async def test_accounts_are_moved_between_lists_and_the_undo_moves_them_back(
    pool: Pool, dsn: str, story: Story
) -> None:
    first, _ = story.accounts
    home, away = map(str, story.lists[:2])
    on_list = "select count(*) from watch_list_member where list_id = $1 and account_id = any($2::bigint[])"
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        send = Sender(session, base)
        async with transaction(pool) as conn:
            ids = [i for i in first if await conn.fetchval(on_list, story.lists[1], [i]) == 0][:2]
        body = {"do": "move", "value": away, "from": home, "accounts": ids}
        status, moved = await send("/api/accounts/edit", body)
        assert (status, moved["sentence"]) == (200, "2 changed.")
        assert moved["toast"]["undo"]["body"] == {**body, "value": home, "from": away}
        async with transaction(pool) as conn:
            assert await conn.fetchval(on_list, story.lists[0], ids) == 0
            assert await conn.fetchval(on_list, story.lists[1], ids) == 2
        _, back = await send("/api/accounts/edit", moved["toast"]["undo"]["body"])
        assert back["sentence"] == "2 changed."
        async with transaction(pool) as conn:
            assert await conn.fetchval(on_list, story.lists[0], ids) == 2
            assert await conn.fetchval(on_list, story.lists[1], ids) == 0
        for wrong, expected in (
            ({"from": ""}, (422, "Choose the list that the accounts leave.")),
            ({"from": away}, (409, "Choose two different lists.")),
            ({"from": "999"}, (422, "This list does not exist.")),
        ):
            status, said = await send("/api/accounts/edit", {**body, **wrong})
            assert (status, said["error"]) == expected


EDIT = {"do": "tag", "value": "press", "accounts": [1]}


@pytest.mark.parametrize(
    ("path", "body", "status", "why"),
    [
        pytest.param("edit", {**EDIT, "do": "delete"}, 422, "must be tag", id="a deed that is none"),
        pytest.param("edit", {**EDIT, "value": "a b"}, 422, "holds a space", id="no tag"),
        pytest.param("edit", {**EDIT, "value": ""}, 422, "a tag or list", id="an empty tag"),
        pytest.param("edit", {**EDIT, "accounts": []}, 422, "at least one account", id="nobody"),
        pytest.param(
            "edit", {**EDIT, "accounts": ["1"]}, 422, "list of account numbers", id="text for a number"
        ),
        pytest.param("edit", {**EDIT, "accounts": [True]}, 422, "list of account numbers", id="no number"),
        pytest.param("edit", {**EDIT, "accounts": [2**63]}, 422, "list of account numbers", id="too large"),
        pytest.param("edit", {**EDIT, "accounts": [1] * 10_001}, 422, "The most is 10,000", id="too many"),
        pytest.param(
            "edit", {**EDIT, "do": "put"}, 422, "list does not exist", id="a list that is not there"
        ),
        pytest.param("edit", {**EDIT, "value": "a\0"}, 422, "a JSON object of", id="a character of no text"),
        pytest.param("edit", [1], 422, "a JSON object", id="no object"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_one_sentence_and_nothing_is_stored(
    pool: Pool, dsn: str, story: Story, path: str, body: Any, status: int, why: str
) -> None:
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        answer, said = await Sender(session, base)(f"/api/accounts/{path}", body)
    assert answer == status
    assert why in said["error"]
    assert await audited(pool) == []


async def test_who_may_only_look_changes_nothing(pool: Pool, dsn: str, story: Story) -> None:
    settings = replace(SETTINGS, role=Role.VIEWER)
    async with (
        served(pool, dsn, story.now, settings) as base,
        aiohttp.ClientSession() as session,
    ):
        status, said = await Sender(session, base)("/api/accounts/edit", EDIT)
    assert (status, said["error"]) == (
        403,
        "This needs the role analyst or a higher one; your role is viewer.",
    )
    assert await audited(pool) == []


async def test_many_accounts_stop_being_watched_and_are_watched_again_and_keep_their_lists(
    pool: Pool, dsn: str, story: Story
) -> None:
    one, two = story.accounts[0][:2]
    ids = [one, two, 999]
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        send = Sender(session, base)
        stopped = await send("/api/accounts/edit", {"do": "stop", "value": "", "accounts": ids})
        _, body = await got(f"{base}/api/accounts?whom=file")
        again = await send("/api/accounts/edit", {"do": "watch", "value": "", "accounts": [one]})
        same = await send("/api/accounts/edit", {"do": "watch", "value": "", "accounts": [one]})
    assert stopped[1]["sentence"] == "2 changed, 1 refused."
    assert {one, two} <= set(body["accounts"]["id"])
    assert again[1]["sentence"] == "1 changed."
    assert same[1]["sentence"] == "0 changed, 1 unchanged."
    async with transaction(pool) as conn:
        lists = await conn.fetchval("select count(*) from watch_list_member where account_id = $1", two)
        watched = await conn.fetch(
            "select account_id from account where watched and account_id = any($1)", ids
        )
    assert lists > 0
    assert [r["account_id"] for r in watched] == [one]
    assert await audited(pool) == [
        ("dashboard", "accounts watched again", "accounts"),
        ("dashboard", "watching stopped", "accounts"),
    ]


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

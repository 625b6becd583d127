"""The Sizing page: what it is filled in with, what it asks, and that it says what the command says."""

from datetime import datetime, timedelta

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.server.routing import asked as fields_in
from dashboard.sizing.page import asked_by, filled, plan_page
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.health.sizing_report import WatchSize, watch_sizes
from storage.model.core.availability import Status
from storage.model.sizing.question import PlannerKind, SizingQuestion, SizingRefused
from storage.model.sizing.sizing import size
from storage.model.sizing.words import headline, tables
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.posts import turn_into_posts

QUARTER = timedelta(minutes=15)
X_NOW = WatchSize(X, 1_435, 1, (1_178, 257))
MASTODON_NOW = WatchSize(MASTODON, 40, 12, ())
WATCHED = (X_NOW, MASTODON_NOW)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(
            "",
            SizingQuestion(X, 1_435, every=QUARTER, lists=(1_178, 257)),
            id="without a question: the largest part of the present watch",
        ),
        pytest.param(
            "?platform=mastodon",
            SizingQuestion(MASTODON, 40, every=QUARTER, servers=12),
            id="another part of it",
        ),
        pytest.param(
            "?platform=x&money=14&every=&budget=",
            SizingQuestion(X, 1_435, money=14.0, lists=(1_178, 257)),
            id="the present watch for less money",
        ),
        pytest.param(
            "?money=14&planner=adaptive",
            SizingQuestion(X, 1_435, money=14.0, planner=PlannerKind.ADAPTIVE, lists=(1_178, 257)),
            id="the present watch under a ceiling",
        ),
        pytest.param(
            "?money=14",
            SizingQuestion(X, 1_435, money=14.0, lists=(1_178, 257)),
            id="by a short link",
        ),
        pytest.param(
            "?platform=x&accounts=20%2C000&every=1d&budget=&money=&lists=257&servers=&planner=adaptive",
            SizingQuestion(X, 20_000, every=timedelta(days=1), planner=PlannerKind.ADAPTIVE, lists=(257,)),
            id="as the form sends it",
        ),
        pytest.param(
            "?accounts=5",
            SizingQuestion(X, 5, every=QUARTER),
            id="another number of accounts has other lists",
        ),
    ],
)
def test_what_the_address_leaves_open_is_as_it_is_now(query: str, expected: SizingQuestion) -> None:
    assert asked_by(filled(fields_in(query), WATCHED, QUARTER)) == expected


WITH_POSTS = (WatchSize(X, 10, 1, (), 3),)


@pytest.mark.parametrize(
    ("query", "posts"),
    [
        pytest.param("", 3, id="the posts that are watched now"),
        pytest.param("?posts=7", 7, id="another number of posts"),
        pytest.param("?accounts=10", 0, id="another watch, of which no posts are given"),
        pytest.param("?accounts=10&posts=5", 5, id="another watch with posts"),
    ],
)
def test_posts_are_filled_in_and_asked_for_apart(query: str, posts: int) -> None:
    asked = asked_by(filled(fields_in(query), WITH_POSTS, QUARTER))
    assert (asked.accounts, asked.posts) == (10, posts)
    assert "X, 10 accounts and 3 posts now" in str(plan_page({}, WITH_POSTS, QUARTER, []))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?accounts=many", "accounts"),
        ("?accounts=1e3", "accounts"),
        ("?accounts=٣", "accounts"),
        ("?platform=friendster&accounts=5", "platform"),
        ("?planner=clever", "platform"),
        ("?every=soon", "every"),
        ("?every=15m&budget=500", "every"),
        ("?budget=much", "budget"),
        ("?lists=257,1178", "list"),
        ("?lists=257+x", "list"),
        ("?servers=2", "servers"),
    ],
)
def test_what_cannot_be_reckoned_is_refused_for_its_field(query: str, field: str) -> None:
    with pytest.raises(SizingRefused) as refused:
        asked_by(filled(fields_in(query), WATCHED, QUARTER))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({}, SizingQuestion(X, 1_435, every=QUARTER, lists=(1_178, 257))),
        (
            {"money": "14", "planner": "adaptive"},
            SizingQuestion(X, 1_435, money=14, planner=PlannerKind.ADAPTIVE, lists=(1_178, 257)),
        ),
    ],
)
def test_the_page_says_what_the_command_says(query: dict[str, str], asked: SizingQuestion) -> None:
    page = str(plan_page(query, WATCHED, QUARTER, []))
    found = size(asked)
    assert headline(found) in page
    for table in tables(found):
        assert all(row.name in page and row.value in page and row.note in page for row in table.rows)


def test_a_refusal_stands_in_the_place_of_the_figures() -> None:
    page = str(plan_page({"accounts": "many"}, WATCHED, QUARTER, []))
    assert "'many' is not a whole number." in page
    assert "Requests per day" not in page


def test_where_nobody_is_watched_it_waits_for_a_question() -> None:
    assert "No accounts are watched yet" in str(plan_page({}, (), QUARTER, []))
    assert "Requests per day" in str(plan_page({"accounts": "5", "every": "1h"}, (), QUARTER, []))


async def test_what_is_watched_is_counted_without_control_accounts_and_those_taken_off(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        assert await watch_sizes(conn, 6) == []
        on = [("L",), ("L", "M"), ("L", "M"), ("N",), ()]
        some = [NewAccount(X, str(n), f"h{n}", lists) for n, lists in enumerate(on)]
        homes = ["a.example", "a.example", "b.example"]
        some += [
            NewAccount(MASTODON, f"https://{home}/users/u{n}", f"u{n}@{home}", ())
            for n, home in enumerate(homes)
        ]
        await add_accounts(conn, some, now)
        await set_canaries(conn, X, [("900", "control", Status.AVAILABLE)], now)
        await conn.execute("update account set watched = false where native_id = '4'")
        assert await watch_sizes(conn, 6) == [
            WatchSize(X, 4, 1, (3, 2)),
            WatchSize(MASTODON, 3, 2, ()),
        ]
        assert (await watch_sizes(conn, 1))[0].lists == (3,)


async def test_watched_posts_are_counted_apart_from_accounts_and_in_no_list(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, str(n), f"h{n}", ("L",)) for n in range(4)], now)
        post = await conn.fetchval("select account_id from account where native_id = '3'")
        await turn_into_posts(conn, [post])
        assert await watch_sizes(conn, 6) == [WatchSize(X, 3, 1, (3,), 1)]

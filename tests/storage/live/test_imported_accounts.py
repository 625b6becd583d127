"""Accounts on file that nobody reads: the live page does not speak of them, their own pages do."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.x.declaration import X
from dashboard.accounts.account_chart import (
    countries_apart,
)
from dashboard.live.context_json import context_json
from dashboard.wire.compact_json import snapshot_json
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.live.account_detail import AccountHistory, account_detail
from storage.live.account_listings import (
    ListingColumn,
    ListingFilter,
    ListingSort,
    count_accounts,
    list_accounts,
)
from storage.live.accounts_table import AccountScope, accounts_shot
from storage.live.board_accounts import accounts_watched
from storage.live.first_readings import first_readings
from storage.live.kpis import kpis
from storage.live.lists_and_executives import lists
from storage.live.snapshot import accounts, last_event_id, snapshot
from storage.live.updates import news_since
from storage.model.core.accounts import TargetKind
from storage.model.core.availability import Status
from storage.postgres.pool import Conn, Pool, transaction
from storage.replay.film import film_accounts
from tests.dashboard.countries.test_country_page import everybody, import_crawl, shown
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import DAY, Story
from tests.support.seeds.posts import seed_posts, turn_into_posts
from tests.support.servers.dashboard import SETTINGS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def live(conn: Conn, story: Story, since: datetime | None) -> Any:
    shot = await snapshot(conn, since, story.now, SETTINGS.gap_after)
    counts = await kpis(conn, story.now, story.sweep)
    start = since or story.start
    body = snapshot_json(shot, counts, story.now, start, story.sweep, SETTINGS.gap_after)
    body |= context_json(shot.lists, shot.orders, shot.events, shot.executives)
    return {key: value for key, value in body.items() if key != "id"}


async def test_changes_of_accounts_that_are_not_watched_are_no_news(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
        await import_crawl(conn, story.now)
        news = await news_since(conn, before, 1000)

    assert news is not None
    assert "account" in news.topics
    assert (news.changes, news.spells) == ((), ())


async def test_an_account_that_is_no_longer_watched_leaves_every_figure(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        await conn.execute(
            "update account set watched = false where account_id <> all($1::bigint[])", story.accounts[1]
        )
        counts = await kpis(conn, story.now, story.sweep)
        body = await live(conn, story, None)

    assert counts.watched == len(story.accounts[1])
    assert counts.last_restored_at is None
    assert counts.restored == 0
    assert set(body["spells"]["account"]) <= set(story.accounts[1])
    assert set(body["changes"]["account"]) <= set(story.accounts[1])
    assert [x["name"] for x in body["lists"]] == ["Order 2 list"]


async def imported(pool: Pool, handle: str, country: str) -> AccountHistory:
    async with transaction(pool) as conn:
        await import_crawl(conn, NOW)
        one = (await everybody(conn, country))[handle]
        account = await account_detail(conn, one.account_id, NOW, SETTINGS.gap_after)
    assert account is not None
    return account


@pytest.mark.parametrize(
    ("handle", "country", "sentences"),
    [
        pytest.param(
            "grows",
            "DE",
            [
                "not watched, stored since 24 Nov 2026, from import:crawl",
                "Withheld in Germany (DE), France (FR), last read 11 Jan 2018",
                "between 2 Oct 2017, 00:00 and 16 Oct 2017, 23:59 UTC",
                "8 years ago",
                "not checked since 11 Jan 2018",
                "no upper bound, because it was blocked at the first reading",
            ],
            id="read at the end",
        ),
        pytest.param(
            "gone",
            "DE",
            ["on or before 3 Oct 2017", "last attempt 11 Jan 2018, no conclusive answer"],
            id="the end told nothing",
        ),
    ],
)
async def test_the_page_of_an_imported_account_dates_what_it_says(
    pool: Pool, handle: str, country: str, sentences: list[str]
) -> None:
    account = await imported(pool, handle, country)
    async with transaction(pool) as conn:
        page = await shown(conn, f"/account/{account.account_id}", NOW)

    for sentence in sentences:
        assert sentence in page
    assert "watched since" not in page


async def test_an_account_withheld_in_one_country_only_needs_no_row_for_it(pool: Pool) -> None:
    gone = await imported(pool, "gone", "DE")

    assert countries_apart(gone.spells) == ()


ALL = ListingFilter(AccountScope.ALL)
BY_HANDLE = ListingSort(ListingColumn.HANDLE)


async def listed(conn: Conn, wanted: ListingFilter, *sorts: ListingSort) -> list[str]:
    """The handles of a listing."""
    ids = await list_accounts(conn, wanted, sorts, T0 + DAY, T0)
    shot = await accounts_shot(conn, ids.tolist(), T0, T0 + DAY, DAY)
    return [account.handle for account in shot.accounts]


async def add(conn: Conn, *handles: str) -> None:
    await add_accounts(conn, [NewAccount(X, f"{1_000 + n}", h) for n, h in enumerate(handles)], T0)


async def test_posts_stand_behind_their_author(pool: Pool) -> None:
    async with transaction(pool) as conn:
        posts = [NewAccount(X, "post:7", "alice/7"), NewAccount(X, "post:10", "alice/10")]
        await add_accounts(conn, [*posts, NewAccount(X, "2", "alice_b"), NewAccount(X, "1", "alice")], T0)
        handles = await listed(conn, ALL, BY_HANDLE)
        only = await listed(conn, ListingFilter(AccountScope.ALL, kind=TargetKind.POSTS), BY_HANDLE)
    assert handles == ["alice", "alice/7", "alice/10", "alice_b"]
    assert only == ["alice/7", "alice/10"]


async def test_control_accounts_are_listed_nowhere(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add(conn, "ada")
        await set_canaries(conn, X, [("900", "control", Status.AVAILABLE)], T0)
        assert await listed(conn, ALL) == ["ada"]
        assert (await count_accounts(conn, AccountScope.ALL, T0, T0)).total == 1


async def test_every_read_model_of_live_and_of_the_film_knows_which_are_posts(
    pool: Pool, story: Story
) -> None:
    posts = frozenset(story.accounts[0][::2])
    async with transaction(pool) as conn:
        await turn_into_posts(conn, posts)
        everyone = [a.account_id for a in await accounts(conn)]
        shot = await accounts_shot(conn, everyone, story.start, story.now, 2 * story.sweep)
        found = {
            "live": await accounts(conn),
            "behind a figure": await accounts_watched(conn, story.now, controls=False),
            "the table": shot.accounts,
            "the film": await film_accounts(conn, None),
        }
        sizes = [(one.size, one.posts) for one in await lists(conn)]
    for name, rows in found.items():
        assert {row.account_id for row in rows if row.is_post} == posts, name
    assert sizes == [(len(story.accounts[0]), len(posts)), (len(story.accounts[1]), 0)]


async def test_a_first_run_says_how_many_of_what_is_watched_are_posts(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await seed_posts(conn)
        found = await first_readings(conn, minutes(600))
    assert (found.watched, found.watched_posts) == (9, 6)

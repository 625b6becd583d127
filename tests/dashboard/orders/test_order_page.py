"""The pages of orders and their API: one set of figures everywhere, and nothing that was not seen."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from dash import html

from collectors.x.declaration import X
from dashboard.orders.cards import names_card
from dashboard.orders.charts import multiples_figure
from dashboard.orders.facts import OrderFigures, OrderRecord, figures_of, read_order, read_orders
from dashboard.orders.order_json import order_json
from dashboard.orders.order_page import LANES, lane_pages, order_page
from dashboard.orders.report_html import report_html
from dashboard.orders.restoration import restoration_json
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.watch_lists import take_accounts_off
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import State
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NameOutcome,
    NewName,
    OrderCheck,
    OrderName,
)
from storage.orders.compliance_report import cohort, coverage_of
from storage.orders.name_edits import add_names
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_text import said
from tests.support.clients.report_text import Page
from tests.support.samples.orders import CLAIMED, IMPRINT, MEMBERS, ORDER, POSTS, figures, grounds
from tests.support.samples.readings import T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import Story
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import SETTINGS, page_of, served

GAP = SETTINGS.gap_after


async def order_id(conn: Conn, reference: str) -> int:
    return await conn.fetchval("select order_id from legal_order where reference = $1", reference)


async def test_page_and_api_say_the_same(pool: Pool, dsn: str, story: Story, now: datetime) -> None:
    async with transaction(pool) as conn:
        number = await order_id(conn, "SYN/1")
        page = said(await page_of(conn, f"/orders/{number}", now, SETTINGS, "light"))
        everything = said(await page_of(conn, "/orders", now, SETTINGS, "light"))
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        one = await (await session.get(f"{base}/api/orders/{number}")).json()
        all_of_them = await (await session.get(f"{base}/api/orders")).json()
    funnel = one["funnel"]
    assert f"{funnel['ever_blocked']} of the {funnel['on_its_list']} accounts on its list" in page
    assert f"{funnel['restored']} are back" in page
    assert "Order 1" in everything
    assert [o["funnel"] for o in all_of_them["orders"] if o["order"]["order_id"] == number] == [funnel]
    assert len(one["accounts"]) == funnel["on_its_list"]
    assert sum(bool(a["blocked"]) for a in one["accounts"]) == funnel["ever_blocked"]


async def test_as_known_at_a_time_no_edit_of_the_list_or_the_watch_changes_anything(
    pool: Pool, story: Story, now: datetime
) -> None:
    then = story.at(0.3)
    async with transaction(pool) as conn:
        number = await order_id(conn, "SYN/1")
        before = await read_order(conn, number, then, GAP, then)
        name = await conn.fetchval("select name from watch_list where list_id = $1", story.lists[0])
        left, stopped = story.accounts[0][:2]
        await take_accounts_off(conn, name, [left], "Asha", now)
        native_id = await conn.fetchval("select native_id from account where account_id = $1", stopped)
        await stop_watching(conn, X, native_id, now, is_id=True)
        await add_accounts(conn, [NewAccount(X, "77", "h77", (name,))], now)
        after = await read_order(conn, number, then, GAP, then)
        today = await read_order(conn, number, now, GAP)
    assert before is not None
    assert today is not None
    assert after == before
    assert (today.funnel.resolved, today.funnel.watched) == (
        before.funnel.resolved,
        before.funnel.watched - 1,
    )


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/orders/999", "There is no such page"),
        ("/orders/1/99", "There is no such page"),
        ("/orders/1/0", "There is no such page"),
        ("/orders/x", "There is no such page"),
    ],
)
async def test_an_address_of_nothing_says_so(
    pool: Pool, story: Story, now: datetime, path: str, words: str
) -> None:
    async with transaction(pool) as conn:
        assert words in said(await page_of(conn, path, now, SETTINGS, "light"))


async def test_without_an_order_the_page_says_how_to_enter_one(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        page = said(await page_of(conn, "/orders", now, SETTINGS, "light"))
    assert "No orders" in page
    assert "blockline orders import" in page


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("at=2021-01-20T00:00:00", 422, "this time has no zone"),
        ("at=2999-01-20T00:00:00Z", 422, "is in the future"),
        ("as_known_at=2999-01-20T00:00:00Z", 422, "is in the future"),
    ],
)
async def test_a_time_that_means_nothing_is_refused(
    pool: Pool, dsn: str, story: Story, now: datetime, query: str, status: int, words: str
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        for path in ("/api/orders", "/api/orders/1"):
            async with session.get(f"{base}{path}?{query}") as answer:
                assert answer.status == status
                assert words in (await answer.json())["error"]
        async with session.get(f"{base}/api/orders/999") as answer:
            assert answer.status == 404


async def test_an_order_says_how_many_of_its_names_nobody_can_look_at(
    pool: Pool, story: Story, now: datetime
) -> None:
    unread = NewName("https://vk.com/a", None, None, None, NameOutcome.NOT_OBSERVABLE, None, "", "pasted")
    async with transaction(pool) as conn:
        number = await order_id(conn, "SYN/1")
        await add_names(conn, number, [unread], now)
        page = said(await page_of(conn, f"/orders/{number}", now, SETTINGS, "light"))
    assert "Not observable: 1 of its names is an address of a site that Blockline does not read." in page


async def test_an_order_whose_list_is_empty_says_that_nothing_can_be_said(
    pool: Pool, story: Story, now: datetime
) -> None:
    async with transaction(pool) as conn:
        await conn.execute("delete from watch_list_member where list_id = $1", story.lists[0])
        number = await order_id(conn, "SYN/1")
        page = said(await page_of(conn, f"/orders/{number}", now, SETTINGS, "dark"))
        assert "How far the order was followed is therefore not known." in page
        found = await read_orders(conn, now, GAP)
    drawn: Any = multiples_figure([o for o in found if o.watched], "dark")
    assert drawn.data


def name(
    n: int, handle: str, outcome: NameOutcome = NameOutcome.NOT_TRIED, post: str | None = None
) -> OrderName:
    called = handle if post is None else f"{handle}/{post}"
    return OrderName(n, called, None, called, post, outcome, None, "", "list", T0, None)


def check(n: int, place: str, answer: str, state: State | None, *, of_post: bool = False) -> OrderCheck:
    return OrderCheck(n, "crawl", place, of_post, answer, state, None, None, T0)


def test_the_names_of_an_order_add_up_and_each_that_was_found_leads_to_its_account() -> None:
    found = [
        replace(name(n, "ada", NameOutcome.RESOLVED, post), account_id=AccountId(n), note=note)
        for n, post, note in ((1, None, ""), (2, "7", ""), (3, None, "It is put together."))
    ]
    others = [name(4, "bo", NameOutcome.UNRESOLVABLE), name(5, "cy", NameOutcome.AMBIGUOUS), name(6, "di")]
    (card,) = names_card([*found, *others])
    text = said(card)
    assert "6 as written in the order: 3 found, 3 not matched (" in text
    assert "(1 ambiguous, 1 not found, 1 not looked up); posts among them: 1" in text
    assert "It is put together." in text
    links = [part.href for part in card._traverse() if isinstance(part, html.A)]  # pyright: ignore
    assert links == ["/account/1", "/account/2", "/account/3"]


async def test_what_others_saw_is_said_as_theirs_and_dates_nothing(
    pool: Pool, story: Story, now: datetime
) -> None:
    async with transaction(pool) as conn:
        found = await read_order(conn, await order_id(conn, "SYN/1"), now, GAP)
        assert found is not None
        coverage = await coverage_of(conn, [found.order], now, GAP, None)
        whole = await cohort(conn, found.order, now, coverage)
    papers = OrderRecord((name(1, "ada"),), (check(1, "IN", "account_withheld_IN", WITHHELD_IN),))
    with_it = figures_of(whole, papers, now, GAP)
    assert with_it.funnel == replace(found.funnel, names_entered=1)
    told: Any = order_json(with_it)["seen_by_others"]
    assert told["accounts_by_kind"] == {"withheld": 1}
    assert told["looks"][0]["at_from"] is None


async def test_lanes_come_in_pages(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        await seed(conn, now, sizes=(LANES + 5, 12))
        number = await order_id(conn, "SYN/1")
        found = await read_order(conn, number, now, GAP)
        assert found is not None
        assert lane_pages(found) == 2
        pages = [said(await page_of(conn, f"/orders/{number}/{n}", now, SETTINGS, "light")) for n in (1, 2)]
    handles = [f"@{m.handle}" for m in found.cohort.members]
    tables = [page.partition("Show as a table")[2].split() for page in pages]
    assert all(sum(h in table for table in tables) == 1 for h in handles)


def named(number: int, handle: str, account_id: int | None) -> OrderName:
    outcome = NameOutcome.NOT_TRIED if account_id is None else NameOutcome.RESOLVED
    post = handle.rpartition("/")[2] if "/" in handle else None
    resolved_at = None if account_id is None else minutes(102)
    return OrderName(
        number,
        f"https://x.com/{handle}",
        Platform("x"),
        handle,
        post,
        outcome,
        None if account_id is None else AccountId(account_id),
        "",
        "a paper",
        minutes(101),
        resolved_at,
    )


NAMES = OrderRecord(
    (
        named(1, "account_2", 2),
        named(2, "account_2/5", 21),
        named(3, "account_2/4", 22),
        named(4, "stranger/9", 23),
        named(5, "stranger/10", None),
    )
)
BOTH = figures(members=(*MEMBERS, *POSTS), papers=NAMES)
ACCOUNTS = figures(papers=OrderRecord(NAMES.names[:1]))
NOTHING_BUT_POSTS = figures(
    order=replace(ORDER, named_count=0),
    members=POSTS,
    papers=OrderRecord(NAMES.names[1:]),
)


def report_of(found: OrderFigures) -> Page:
    return Page(report_html(found, grounds(found.members), IMPRINT))


def test_answers_about_posts_state_the_status_of_no_account() -> None:
    check = OrderCheck(
        order_name_id=2,
        source="a study",
        place="IN",
        of_post=True,
        answer="unavailable",
        state=None,
        at_from=None,
        at_to=None,
        known_at=minutes(101),
    )
    found = figures(members=(*MEMBERS, *POSTS), papers=replace(NAMES, checks=(check,)))
    told = report_of(found).words
    assert "Others made these checks" in told
    assert "Of the accounts named" not in told


def test_posts_change_no_time_to_restoration_of_the_accounts() -> None:
    told: Any = restoration_json(BOTH)
    posts = told.pop("posts")
    alone: Any = restoration_json(ACCOUNTS)
    assert alone.pop("posts") is None
    assert told == alone
    assert (posts["spells"], posts["posts"]) == (1, 1)
    assert "accounts" not in posts


@pytest.mark.parametrize(("found", "kinds"), [(BOTH, "accounts"), (NOTHING_BUT_POSTS, "posts")])
def test_a_claim_that_does_not_say_what_it_counts_is_said_to_be_compared_with_one_kind(
    found: OrderFigures, kinds: str
) -> None:
    compared = f"Compared with {kinds}: its source does not say whether it counts accounts, posts or both."
    assert compared in said(order_page(found, [], 1, "light", []))
    assert compared in report_of(found).words
    (claim,) = claims_of(found)
    assert (claim["targets"], claim["compared_with"]) == (None, kinds)


def claims_of(found: OrderFigures) -> list[Any]:
    told: Any = order_json(found)
    return told["claims"]


def test_a_claim_about_posts_is_compared_with_posts() -> None:
    said_so = replace(CLAIMED, claim=Claim(1, None, ClaimedWhat.BLOCKED, targets=ClaimedTargets.POSTS))
    found = figures(members=(*MEMBERS, *POSTS), papers=NAMES, events=(said_so,))
    page = said(order_page(found, [], 1, "light", []))
    assert "1 post blocked" in page
    assert "How many posts the order names is not known." in page
    assert "Compared with" not in page
    (claim,) = claims_of(found)
    assert (claim["targets"], claim["compared_with"]) == ("posts", "posts")
    assert (claim["observed_low"], claim["observed_high"], claim["not_observed"]) == (1, 1, None)

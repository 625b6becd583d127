"""The pages of orders and their API: one set of figures everywhere, and nothing that was not seen."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from dash import html

from collectors.x.declaration import X
from dashboard.orders import report_rows
from dashboard.orders.cards import names_card
from dashboard.orders.charts import curve_figure, lanes_figure, marks_of, multiples_figure
from dashboard.orders.facts import OrderRecord, figures_of, read_order, read_orders
from dashboard.orders.order_json import order_json
from dashboard.orders.order_page import LANES, lane_pages
from dashboard.ui import words
from dashboard.ui.chart_style import graph
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.watch_lists import take_accounts_off
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State
from storage.model.core.orders import (
    Claim,
    ClaimedWhat,
    NameOutcome,
    NewName,
    NewOrderEvent,
    OrderCheck,
    OrderEventKind,
    OrderName,
)
from storage.model.orders.claims import Verdict
from storage.model.orders.cohort import Kind
from storage.model.orders.outside_findings import NamedCounts, count_names, outside
from storage.orders.compliance_report import cohort, coverage_of
from storage.orders.name_edits import add_names
from storage.orders.orders import add_order_event
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.browser import CHROMIUM, opened
from tests.support.clients.page_text import said
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN
from tests.support.seeds.changes import WITHHELD, Story, happen
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import SETTINGS, page_of, served, until

GAP = SETTINGS.gap_after
needs_a_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")


async def order_id(conn: Conn, reference: str) -> int:
    return await conn.fetchval("select order_id from legal_order where reference = $1", reference)


async def by_hand(conn: Conn, list_id: int, since: datetime) -> dict[str, int]:
    """The counts of the funnel by a query that shares nothing with the code that is tested."""
    row = await conn.fetchrow(
        """
        with mine as (
            select s.account_id, upper_inf(s.valid) as open,
                s.status = 'suspended' or 'IN' = any(s.withheld_in) or 'XX' = any(s.withheld_in) as blocked,
                s.status in ('available', 'protected') as back, upper(s.valid) as until
            from spell s join watch_list_member m using (account_id)
            where m.list_id = $1 and upper_inf(s.recorded)
        ),
        ever as (select distinct account_id from mine where blocked and (until is null or until > $2))
        select (select count(*) from ever)::int as ever_blocked,
            (select count(*) from mine join ever using (account_id) where open and blocked)::int
                as blocked_now,
            (select count(*) from mine join ever using (account_id) where open and back)::int as restored
        """,
        list_id,
        since,
    )
    assert row is not None
    return dict(row)


@pytest.mark.parametrize(("reference", "n"), [("SYN/1", 0), ("SYN/2", 1)])
async def test_the_funnel_is_what_a_query_by_hand_counts(
    pool: Pool, story: Story, now: datetime, reference: str, n: int
) -> None:
    async with transaction(pool) as conn:
        found = await read_order(conn, await order_id(conn, reference), now, GAP)
        assert found is not None
        order = found.order
        counted = await by_hand(conn, story.lists[n], order.issued_from or order.issued_at)
    f = found.funnel
    assert {"ever_blocked": f.ever_blocked, "blocked_now": f.blocked_now, "restored": f.restored} == counted
    assert counted["ever_blocked"] > 0
    assert sum(s.accounts for s in found.shares) == f.resolved == len(story.accounts[n])
    last = found.steps[-1]
    assert last.blocked == f.blocked_now == sum(s.accounts for s in found.shares if s.kind.is_block)


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


async def test_as_known_at_a_time_later_knowledge_changes_nothing(
    pool: Pool, story: Story, now: datetime
) -> None:
    then = story.at(0.3)
    async with transaction(pool) as conn:
        number = await order_id(conn, "SYN/1")
        before = await read_order(conn, number, then, GAP, then)
        free = next(a for a in story.accounts[0] if a not in story.wave and a != story.never_read)
        await happen(conn, story, free, WITHHELD, story.at(0.29))
        await conn.execute(
            "update spell set recorded = tstzrange($1, null) where account_id = $2 and status = 'withheld'",
            now,
            free,
        )
        await conn.execute(
            "update spell set recorded = tstzrange(lower(recorded), $1) where account_id = $2 "
            "and status = 'available' and upper_inf(recorded) and not upper_inf(valid)",
            now,
            free,
        )
        after = await read_order(conn, number, then, GAP, then)
        with_it = await read_order(conn, number, now, GAP)
    assert before is not None
    assert after is not None
    assert with_it is not None
    assert before.funnel == after.funnel
    assert with_it.funnel.ever_blocked == before.funnel.ever_blocked + 1


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


async def test_a_claim_stands_beside_what_was_seen_at_its_moment(
    pool: Pool, story: Story, now: datetime
) -> None:
    at = story.at(0.25)
    async with transaction(pool) as conn:
        number = await order_id(conn, "SYN/1")
        claim = Claim(len(story.wave), None, ClaimedWhat.WITHHELD)
        said_so = NewOrderEvent(
            "SYN/1", OrderEventKind.CLAIM, at, None, None, "All of them", "press", at, claim
        )
        await add_order_event(conn, said_so)
        found = await read_order(conn, number, now, GAP)
        page = said(await page_of(conn, f"/orders/{number}", now, SETTINGS, "light"))
    assert found is not None
    (checked,) = found.claims
    named_elsewhere = found.order.named_count - len(story.accounts[0])
    assert (checked.low, checked.high, checked.unobserved) == (
        len(story.wave),
        len(story.wave),
        named_elsewhere,
    )
    assert checked.verdict is Verdict.UNDECIDED
    assert "The readings can neither confirm nor refute it." in page
    assert f"Not observed at that moment: {named_elsewhere} accounts." in page


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


DATE_FORMATS = {"%H:%M\n%-d %b", "%-d %b\n%Y", "%b %Y"}
"""Of all figures: the day before the month."""


async def test_the_figures_hold_every_account_and_no_block_before_it_was_seen(
    pool: Pool, story: Story, now: datetime
) -> None:
    async with transaction(pool) as conn:
        found = await read_order(conn, await order_id(conn, "SYN/1"), now, GAP)
    assert found is not None
    lanes: Any = lanes_figure(found, found.cohort.members, "light")
    assert len({row for trace in lanes.data for row in trace.y}) == len(
        [m for m in found.cohort.members if m.stays]
    )
    starts = [base for t in lanes.data if t.name == "Withheld" for base in t.base]
    seen = [
        s.since
        for m in found.cohort.members
        for s in m.stays
        if s.kind is Kind.WITHHELD and s.since >= found.steps[0].at
    ]
    assert min(starts) == min(seen)
    curve: Any = curve_figure(found, "dark")
    for figure in (lanes, curve):
        assert figure.layout.xaxis.type == "date"
        assert figure.layout.xaxis.hoverformat == "%-d %b %Y, %H:%M UTC"
        assert {stop.value for stop in figure.layout.xaxis.tickformatstops} == DATE_FORMATS
        assert "The times in this figure are in UTC." in said(graph(figure, "x", "A figure"))
    line = next(t for t in curve.data if t.name == "Blocked, as read")
    assert max(y for y in line.y if y is not None) == pytest.approx(100 * len(story.wave) / found.watched)
    assert [m.label for m in marks_of(found)] == ["Issued", "Deadline"]


def name(
    n: int, handle: str, outcome: NameOutcome = NameOutcome.NOT_TRIED, post: str | None = None
) -> OrderName:
    called = handle if post is None else f"{handle}/{post}"
    return OrderName(n, called, None, called, post, outcome, None, "", "list", T0, None)


def check(n: int, place: str, answer: str, state: State | None, *, of_post: bool = False) -> OrderCheck:
    return OrderCheck(n, "crawl", place, of_post, answer, state, None, None, T0)


def test_accounts_and_posts_are_counted_apart_and_each_once() -> None:
    found = count_names([name(1, "Ada"), name(2, "ada"), name(3, "ada", post="7"), name(4, "bo", post="8")])
    assert found.accounts == NamedCounts(1, resolved=0, ambiguous=0, unresolvable=0, not_tried=1)
    assert found.posts == NamedCounts(2, resolved=0, ambiguous=0, unresolvable=0, not_tried=2)


def test_addresses_of_sites_that_are_not_read_are_a_figure_of_their_own() -> None:
    unread = replace(name(1, "x"), platform=None, handle=None, outcome=NameOutcome.NOT_OBSERVABLE)
    found = count_names([unread, name(2, "ada")])
    assert (found.accounts.named, found.accounts.unresolvable, found.not_observable) == (1, 0, 1)
    assert report_rows.names(found) == "Names of 1 account are recorded: 1 not looked up."


def test_a_name_that_a_line_end_cuts_is_an_account_that_the_order_names() -> None:
    cut = replace(name(1, "x"), handle=None, outcome=NameOutcome.AMBIGUOUS)
    elsewhere = replace(name(2, "y"), handle=None, outcome=NameOutcome.UNRESOLVABLE)
    found = count_names([cut, elsewhere, name(3, "ada")])
    accounts = found.accounts
    assert (accounts.named, accounts.ambiguous, accounts.unresolvable) == (2, 1, 0)


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


def test_two_looks_that_disagree_are_both_kept_and_the_account_is_said_to_be_counted_twice() -> None:
    names = [name(1, "ada"), name(2, "bo"), name(3, "cy")]
    checks = [
        check(1, "", "deactivated_or_not_found", NOT_FOUND),
        check(1, "IN", "account_withheld_IN", WITHHELD_IN),
        check(2, "", "available", AVAILABLE),
        check(2, "IN", "no_data", None),
        check(3, "", "suspended", SUSPENDED),
        check(3, "IN", "tweet_withheld_IN", WITHHELD_IN, of_post=True),
    ]
    found = outside("IN", names, checks)
    assert found.by_kind == (
        (Kind.WITHHELD, 1),
        (Kind.SUSPENDED, 1),
        (Kind.NOT_FOUND, 1),
        (Kind.AVAILABLE, 1),
    )
    assert found.disagreeing == 1
    assert [(p.place, p.of_post, sum(a.names for a in p.answers)) for p in found.probes] == [
        ("", False, 3),
        ("IN", False, 2),
        ("IN", True, 1),
    ]


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


@pytest.mark.parametrize(
    ("n", "whole", "shown"),
    [(0, 10, "0 %"), (10, 10, "100 %"), (1, 3_000, "0.1 %"), (2_999, 3_000, "99.9 %"), (126, 257, "49 %")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(n: int, whole: int, shown: str) -> None:
    assert words.share(n, whole) == shown


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


@pytest.mark.slow
@needs_a_browser
async def test_the_pages_paint_without_a_fault_and_without_scrolling_sideways(
    pool: Pool, dsn: str, story: Story, now: datetime
) -> None:
    async with served(pool, dsn, now) as base, opened(base) as browser:
        for width in (390, 1440):
            await browser.page.set_viewport_size({"width": width, "height": 900})
            for path in ("/orders", "/orders/1"):
                await browser.page.goto(base + path)
                await browser.becomes("document.querySelectorAll('#page .main-svg').length > 0")
                await until(lambda: _fits_in(browser.page))
                assert browser.errors == []


async def _fits_in(page: Any) -> bool:
    return await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""The pages of orders and their API: one set of figures everywhere, and nothing that was not seen."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from dashboard.orders.charts import curve_figure, lanes_figure, multiples_figure
from dashboard.orders.facts import OrderFigures, OrderRecord, read_orders
from dashboard.orders.order_json import order_json
from dashboard.orders.order_page import order_page
from dashboard.orders.orders_page import orders_page
from dashboard.orders.report_html import report_html
from dashboard.orders.report_svg import curve_svg, described
from dashboard.orders.words import sentences
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
from storage.orders.name_edits import add_names
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.clients.report_text import Page
from tests.support.samples.orders import CLAIMED, IMPRINT, MEMBERS, ORDER, POSTS, figures, grounds, member
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import SETTINGS, page_of, served

GAP = SETTINGS.gap_after


async def order_id(conn: Conn, reference: str) -> int:
    return await conn.fetchval("select order_id from legal_order where reference = $1", reference)


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


def check(n: int, place: str, answer: str, state: State | None, *, of_post: bool = False) -> OrderCheck:
    return OrderCheck(n, "crawl", place, of_post, answer, state, None, None, T0)


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


NEVER = figures(members=[member(1)], events=())
LATER = figures(members=[member(1), MEMBERS[1]], events=())
LINES = ("Withheld in IN", "Suspended everywhere", "Blocked, as read")
COUNTS = ("ever_blocked", "blocked_before_the_order", "blocked_now", "restored", "gone_since")


def test_the_sentences_say_that_nothing_was_read() -> None:
    first, deadline, *_ = sentences(NEVER)
    assert first.startswith("No account on its list has been read yet.")
    assert "not known, because no account on its list had been read" in deadline
    assert "0 %" not in " ".join(sentences(NEVER))


def test_an_account_that_was_never_read_is_said_beside_those_that_were() -> None:
    told = "Never read: 1 account on its list. Whether any of them was blocked is not known."
    assert told in sentences(LATER)


@pytest.mark.parametrize("shown", [order_page(NEVER, [], 1, "light", []), orders_page([NEVER], "light", [])])
def test_no_page_shows_a_zero_of_accounts_that_were_never_read(shown: Any) -> None:
    page = said(shown)
    assert "–" in page
    assert "0 %" not in page.replace("100 %", "")


def test_the_report_has_dashes_and_no_curve() -> None:
    told = Page(report_html(NEVER, grounds(NEVER.cohort.members), IMPRINT))
    funnel = {row[0]: row[1] for row in told.tables["funnel"].rows}
    assert [funnel[name] for name in ("Ever blocked", "Blocked now", "Restored")] == ["–", "–", "–"]
    assert "Never seen blocked" not in funnel
    assert described(NEVER) == "There is no curve, because no account on the order's list has been read."
    assert "<path" not in curve_svg(NEVER)
    assert "<path" in curve_svg(LATER)


def test_the_api_answers_null() -> None:
    told: Any = order_json(NEVER)
    assert [told["funnel"][name] for name in COUNTS] == [None] * len(COUNTS)
    assert told["funnel"]["read"] == 0
    assert {step["blocked"] for step in told["curve"]} == {None}


def test_a_line_begins_with_the_first_reading() -> None:
    never: Any = curve_figure(NEVER, "light")
    assert {y for trace in never.data if trace.name in LINES for y in trace.y} == {None}
    first = replace(ORDER, issued_at=minutes(-200))
    later: Any = curve_figure(figures(first, [MEMBERS[1]], events=()), "light")
    blocked = next(trace for trace in later.data if trace.name == "Blocked, as read")
    unknown = [at for at, y in zip(blocked.x, blocked.y, strict=True) if y is None]
    assert unknown
    assert max(unknown) < minutes(0)
    beside: Any = multiples_figure([NEVER], "dark")
    assert {y for trace in beside.data for y in trace.y} == {None}


def test_the_lane_of_an_account_that_was_never_read_has_its_handle() -> None:
    lanes: Any = lanes_figure(NEVER, NEVER.cohort.members, "light")
    assert lanes.layout.yaxis.type == "category"
    assert list(lanes.layout.yaxis.categoryarray) == ["account_1"]

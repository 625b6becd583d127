"""A number on a page leads to the accounts that it counts, and there are as many of them as it says."""

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
import pytest
from dash import html

from dashboard.orders.charts import curve_figure, multiples_figure
from dashboard.orders.facts import read_order
from dashboard.ui.figures import FIGURE_CLASS
from storage.live.kpis import kpis
from storage.model.core.orders import Claim, ClaimedWhat, NewOrderEvent, OrderEventKind
from storage.orders.orders import add_order_event
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.seeds.changes import HOUR, Story
from tests.support.seeds.every_page import PAGES, Everything
from tests.support.seeds.live_page import seed
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import SETTINGS, page_of, served, served_apart

NOW = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)
NUMBER = re.compile(r"[\d,]+")
STATED = {
    "Named": "the order states it",
    "Claimed": "a source states it",
    "Names recorded": "the names are listed below, with the reason of each that is not matched",
}
"""Numbers of the pages of orders that count no accounts here, with the reason."""


def components(of: Any) -> Iterator[Any]:
    """A component and all within it, from the top."""
    if isinstance(of, list | tuple):
        for one in of:  # pyright: ignore[reportUnknownVariableType]
            yield from components(one)
    elif of is not None and not isinstance(of, str | int | float):
        yield of
        yield from components(getattr(of, "children", None))


def within(component: Any) -> list[Any]:
    return list(component.children)


def figures_on(page: Any) -> Iterator[tuple[int, str]]:
    """The numbers that lead somewhere, and where to."""
    for one in components(page):
        if isinstance(one, html.A) and getattr(one, "className", "") == FIGURE_CLASS:
            yield int(said(one).replace(",", "")), str(getattr(one, "href", ""))


def not_linked(page: Any) -> Iterator[str]:
    """Rows of tables with a number that leads nowhere, by what stands in front or in the cell's label."""
    for row in components(page):
        if not isinstance(row, html.Tr):
            continue
        cells = within(row)
        for cell in cells:
            is_number = "n" in str(getattr(cell, "className", "")).split()
            if not is_number or not NUMBER.match(said(cell)) or "%" in said(cell):
                continue
            if not list(figures_on(cell)):
                yield getattr(cell, "data-label", None) or said(cells[0])


def traces(figure: Any) -> list[dict[str, Any]]:
    """Of a Plotly figure."""
    return figure.to_plotly_json()["data"]


async def get(url: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def behind(base: str, address: str) -> Mapping[str, Any]:
    asked = parse_qs(urlsplit(address).query)
    return await get(f"{base}/api/figures/{asked['figure'][0]}?at={asked['at'][0]}")


async def claim(pool: Pool, story: Story) -> None:
    """Somebody says how many were withheld: at a moment at which it is not known of all."""
    async with transaction(pool) as conn:
        reference = await conn.fetchval("select reference from legal_order order by order_id limit 1")
        at = story.at(0.25)
        said_of = Claim(20, None, ClaimedWhat.ACTED_ON, at_least=False)
        await add_order_event(
            conn, NewOrderEvent(reference, OrderEventKind.CLAIM, at, None, None, "20", "press", at, said_of)
        )


async def test_every_number_of_the_orders_has_its_accounts(pool: Pool, dsn: str, story: Story) -> None:
    await claim(pool, story)
    async with transaction(pool) as conn:
        ids = [r["order_id"] for r in await conn.fetch("select order_id from legal_order order by 1")]
        pages = [
            await page_of(conn, path, story.now, SETTINGS, "light")
            for path in ("/orders", *(f"/orders/{n}" for n in ids))
        ]
    found = [figure for page in pages for figure in figures_on(page)]
    async with served(pool, dsn, story.now) as base:
        for number, address in found:
            told = await behind(base, address)
            assert len(set(told["accounts"])) == number, address
            assert told["words"].startswith(f"{number:,} account"), address
    assert {a.split("/")[3].split("&")[0] for _, a in found if "order/" in a} == {
        *("part", "kind", "claim", "cause")
    }
    assert max(number for number, _ in found) > 10
    assert {name for page in pages for name in not_linked(page)} - STATED.keys() == set()


async def test_every_point_of_the_curves_has_its_accounts(pool: Pool, dsn: str, story: Story) -> None:
    async with transaction(pool) as conn:
        ids = [r["order_id"] for r in await conn.fetch("select order_id from legal_order order by 1")]
        orders = [await read_order(conn, n, story.now, SETTINGS.gap_after) for n in ids]
    found = [order for order in orders if order is not None]
    drawn = [t for order in found for t in traces(curve_figure(order, "light")) if "meta" in t]
    counted = 0
    async with served(pool, dsn, story.now) as base:
        for trace in drawn:
            for at, number in list(zip(trace["x"], trace["customdata"], strict=True))[-12:]:
                name = f"{trace['meta']['figure']}/{at.isoformat().replace('+00:00', 'Z')}"
                told = await get(f"{base}/api/figures/{name}?at={trace['meta']['at']}")
                assert len(told["accounts"]) == number, name
                counted += number
    assert counted > 100
    assert {trace["meta"]["figure"].split("/")[3] for trace in drawn} == {"blocked", "withheld", "suspended"}
    lines = [t["meta"] for t in traces(multiples_figure(found, "light")) if "meta" in t]
    assert [(one["figure"], one["since"]) for one in lines] == [
        (f"order/{o.order.order_id}/line/blocked", o.order.issued_at.isoformat().replace("+00:00", "Z"))
        for o in found
    ]


async def test_the_numbers_of_the_live_page_are_those_of_the_accounts_behind_them(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        top = await kpis(conn, story.now, SETTINGS.sweep_every)
        seen = await conn.fetchval(
            "select max(first_seen_new) from standing_change where kind = 'restoration'"
        )
        first = await conn.fetchval("select min(change_id) from change where kind = 'restoration'")
        moment = seen + 6 * HOUR  # all that was first seen by then is decided
        then = await kpis(conn, moment, SETTINGS.sweep_every)
    at = moment.isoformat().replace("+00:00", "Z")
    async with served(pool, dsn, story.now) as base:
        table = await get(f"{base}/api/accounts")
        for kind, number in (("block", then.new_blocks), ("restoration", then.restored)):
            told = await get(f"{base}/api/figures/changes/{kind}?at={at}")
            assert told["words"].split()[0] == f"{number:,}"
            assert 0 < len(told["accounts"]) <= number
        group = await get(f"{base}/api/figures/changes/of/{first}-{first + 2}?at={at}")
        assert group["words"] == "3 accounts of one group of changes"
    spells, accounts, late = table["spells"], table["accounts"], 0
    for group in accounts["group"]:
        last, _ = table["groups"][group]
        late += last is None or table["now"] - last > table["late_after"]
    assert sum(s in "WS" for s in spells["s"]) == top.withheld + top.suspended > 0
    assert len(table["provisional"]["account"]) == top.provisional > 0
    assert late == top.unread > 0


async def test_a_figure_of_posts_only_or_of_accounts_only_leaves_out_the_others(
    pool: Pool, dsn: str, story: Story
) -> None:
    posts, everyone = story.accounts[0][::3], story.accounts[0]
    async with transaction(pool) as conn:
        await turn_into_posts(conn, posts)
    at = story.now.isoformat().replace("+00:00", "Z")
    async with served(pool, dsn, story.now) as base:
        address = f"{base}/api/figures/board/{story.lists[0]}"
        told = {
            kind: await get(f"{address}{kind}/watched/{at}?at={at}") for kind in ("", "*posts", "*accounts")
        }
        named = await get(f"{address}*posts~seed/watched/{at}?at={at}")
        changed = await get(f"{base}/api/figures/board/changed@{at}*posts/watched/{at}?at={at}")
    found = {kind: set(one["accounts"]) for kind, one in told.items()}
    assert found == {"": set(everyone), "*posts": set(posts), "*accounts": set(everyone) - set(posts)}
    assert told["*posts"]["words"].startswith(f"{len(posts)} posts of the list Order 1 list, watched at ")
    assert told["*accounts"]["words"].startswith(f"{len(everyone) - len(posts)} accounts of the list ")
    assert set(named["accounts"]) <= set(posts)
    assert changed["words"].startswith("0 posts with changes, watched at ")


@pytest.fixture(scope="module")
def shared(fresh_database: Callable[[], AbstractContextManager[str]]) -> Generator[tuple[str, Story]]:
    """The address of a dashboard with the story, for the rows that only ask."""

    async def prepare(pool: Pool) -> Story:
        async with transaction(pool) as conn:
            return await seed(conn, NOW)

    with fresh_database() as dsn, served_apart(dsn, NOW, prepare) as served_story:
        yield served_story


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("order/99/part/read", "an order that is not there"),
        ("order/1/part/nobody", "a part that is not there"),
        ("order/1/kind/nobody", "a kind that is not there"),
        ("order/1/line/blocked/noon", "no time"),
        ("order/1/line/nobody/2021-02-01T00:00:00Z", "a line that is not there"),
        ("order/1/claim/77/sure", "a claim that is not there"),
        ("order/one/part/read", "no number"),
        ("order", "no name"),
        ("blocks/block/2021-01-01T00:00:00Z/2021-01-01T00:00:00Z", "no time between"),
        ("blocks/nobody/2021-01-01T00:00:00Z/2021-02-01T00:00:00Z", "a kind that is not there"),
        ("changes/baseline", "a kind that is not counted"),
        ("changes/of/999999", "a change that is not there"),
        ("changes/of/1-99999999", "more changes than a group has"),
        ("changes/of/1,two", "no numbers"),
        ("board/99/late/2021-01-20T12:00:00Z", "a list that is not there"),
        ("board/some/late/2021-01-20T12:00:00Z", "a part of the board that is not there"),
        ("board/all*videos/late/2021-01-20T12:00:00Z", "neither accounts nor posts"),
        ("board/all/status/Z/2021-01-20T12:00:00Z", "a status that is not there"),
        ("board/all/status/W/2021-01-20T12:00:00", "a time without its zone"),
        ("board/all/status/W/2998-01-20T12:00:00Z", "a time after what is known"),
        (
            "board/all/changes/baseline/2021-01-20T12:00:00Z/2021-01-21T12:00:00Z",
            "changes that no bar counts",
        ),
        ("board/changed@soon/late/2021-01-20T12:00:00Z", "no time"),
        ("nobody", "nobody's figure"),
    ],
)
async def test_what_is_no_figure_is_not_found(shared: tuple[str, Story], name: str, why: str) -> None:
    base, story = shared
    at = story.now.isoformat().replace("+00:00", "Z")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/api/figures/{name}?at={at}") as answer:
            assert (answer.status, (await answer.json())["error"]) == (404, "There is no such figure."), why
        async with session.get(f"{base}/api/figures/{name}?at=2999-01-01T00:00:00Z") as answer:
            assert answer.status == 422


PAGES_NUMBER = re.compile(r"\d[\d,]*")
OF_ACCOUNTS = re.compile(r"\d[\d,]* (?:\w+ ){0,2}accounts?\b")
ONLY_A_NUMBER = re.compile(r"\s*\d[\d,]*\s*")
SENTENCE = "a sentence"
IN_THE_TABLE = "the table of the page has the number with its accounts"
PAGES_STATED = "an order or a source states it, of accounts that need not be stored"
WRITTEN = "a document of that time, which names its accounts"
ESTIMATE = "an estimate: no stored account is counted"
AGES = "ages of readings: Accounts has those that are late under “Late only”"
PAID = "accounts that were read and paid for, by the reason to read them"
LABELED = "a labeler states it: the page Labels lists each, stored or not"
NO_ACCOUNTS = "counts something other than accounts"
REASONS: Mapping[str, Mapping[str, str]] = {
    "orders": {"Named": PAGES_STATED},
    "order": {"Named": PAGES_STATED, SENTENCE: IN_THE_TABLE},
    "restoration": {
        "Blocks counted": NO_ACCOUNTS,
        "Still blocked": "counts blocks; the table of the order has the accounts",
        SENTENCE: "the table of the order has the accounts",
    },
    "executives": {"Last N days": NO_ACCOUNTS},
    "executive": {SENTENCE: "the table of engagements names each account"},
    "country": {SENTENCE: LABELED},
    "labels": {SENTENCE: LABELED},
    "published": dict.fromkeys(("Accounts specified", "Accounts withheld", "Demands", "N-HN"), PAGES_STATED),
    "help on settings": dict.fromkeys(("port", "smtp_port"), NO_ACCOUNTS),
    "stories": {"Accounts": WRITTEN, "Captions": NO_ACCOUNTS},
    "story": dict.fromkeys(
        (
            "Accounts",
            "Back",
            "Blocked",
            "Not checked",
            "Not read recently",
            "Nothing confirmed",
            "Provisional",
            SENTENCE,
        ),
        WRITTEN,
    ),
    "mail": {SENTENCE: WRITTEN},
    "alerts": {"Alert": "the alert names its accounts", "Groups": NO_ACCOUNTS},
    "incident": {"Accounts": "the page names them", "Changes": "the page names their accounts"},
    "causes": {"No.": NO_ACCOUNTS},
    "health": {
        **dict.fromkeys(("Within N sweep", "Over N sweep", "Over N sweeps", "Not due yet", SENTENCE), AGES),
        **dict.fromkeys(("Accounts", "Sentinels paid", "Not paid", "Watched"), PAID),
        **dict.fromkeys(
            (
                "Browsers",
                "Failed permanently",
                "In progress",
                "Not read",
                "Number",
                "Parked",
                "Requests",
                "Requests, last hour",
                "Sent",
                "Undecided alerts",
                "Waiting",
            ),
            NO_ACCOUNTS,
        ),
    },
    "sizing": dict.fromkeys(("Note", "Value", SENTENCE), ESTIMATE),
    "account": {"Gaps": NO_ACCOUNTS},
}
"""By page, then by the column or name beside the number."""
SAME_PAGE = {
    "order without a deadline": "order",
    "executive of 30 days": "executive",
    "story as known then": "story",
    "dead mail": "mail",
    "sizing of another watch": "sizing",
}


def texts(of: Any, within: tuple[Any, ...] = ()) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The texts of a page, each with the components around it."""
    if isinstance(of, list | tuple):
        for one in of:  # pyright: ignore[reportUnknownVariableType]
            yield from texts(one, within)
    elif isinstance(of, str | int | float):
        yield str(of), within
    elif of is not None:
        yield from texts(getattr(of, "children", None), (*within, of))


def leads(within: tuple[Any, ...]) -> bool:
    return any(isinstance(one, html.A) and getattr(one, "href", "") for one in within)


def beside(within: tuple[Any, ...]) -> str | None:
    """The column of a cell, or the name in front of a fact; None for other text."""
    for n, one in reversed(list(enumerate(within))):
        if isinstance(one, html.Td):
            row: Any = next(o for o in reversed(within[:n]) if isinstance(o, html.Tr))
            return str(getattr(one, "data-label", None) or said(row.children[0]))
        if isinstance(one, html.Dd):
            return said(within[n - 1].children[0])
    return None


def not_led(page: Any) -> Iterator[str]:
    """The numbers that lead nowhere: by what stands beside them, with N for each number in it."""
    for text, within in texts(page):
        if leads(within):
            continue
        name = beside(within)
        if name is not None and (ONLY_A_NUMBER.fullmatch(text) or OF_ACCOUNTS.search(text)):
            yield PAGES_NUMBER.sub("N", name)
        elif OF_ACCOUNTS.search(text):
            yield SENTENCE


async def test_each_number_of_accounts_leads_to_them_or_has_a_reason(
    pool: Pool, now: datetime, everything: Everything
) -> None:
    found: dict[str, set[str]] = {}
    for name in PAGES:
        address = urlsplit(everything.path(name))
        async with transaction(pool) as conn:
            page = await page_of(conn, address.path, now, SETTINGS, "light", dict(parse_qsl(address.query)))
        key = "account" if "account" in name.split() else SAME_PAGE.get(name, name)
        if numbers := set(not_led(page)):
            found.setdefault(key, set()).update(numbers)
    assert {page: sorted(names) for page, names in found.items()} == {
        page: sorted(names) for page, names in REASONS.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", ["", "?at=2021-02-01T06:00", "?at=2021-01-25T00:30&as_known_at=2021-01-25T00:30"]
)
async def test_each_number_of_a_past_moment_has_as_many_accounts_as_it_says(
    pool: Pool, dsn: str, now: datetime, everything: Everything, query: str
) -> None:
    async with transaction(pool) as conn:
        page = await page_of(conn, "/replay", now, SETTINGS, "light", dict(parse_qsl(query[1:])))
    links = [
        (said(one), str(getattr(one, "href", "")))
        for one in components(page)
        if isinstance(one, html.A) and "figure=" in str(getattr(one, "href", ""))
    ]
    assert len(links) >= 10
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        for number, address in links:
            asked = parse_qs(urlsplit(address).query)
            async with session.get(f"{base}/api/figures/{asked['figure'][0]}?at={asked['at'][0]}") as answer:
                told = await answer.json()
            assert told.get("words", "").startswith(f"{number} "), (number, address, told)

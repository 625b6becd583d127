"""On each page a number of accounts leads to them, or stands here with the reason why it does not."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
import pytest
from dash import html

from storage.postgres.pool import Pool, transaction
from tests.dashboard.server.test_figures import components
from tests.support.clients.page_text import said
from tests.support.seeds.every_page import PAGES, Everything
from tests.support.servers.dashboard import SETTINGS, page_of, served

NUMBER = re.compile(r"\d[\d,]*")
OF_ACCOUNTS = re.compile(r"\d[\d,]* (?:\w+ ){0,2}accounts?\b")
ONLY_A_NUMBER = re.compile(r"\s*\d[\d,]*\s*")
SENTENCE = "a sentence"
IN_THE_TABLE = "the table of the page has the number with its accounts"
STATED = "an order or a source states it, of accounts that need not be stored"
WRITTEN = "a document of that time, which names its accounts"
ESTIMATE = "an estimate: no stored account is counted"
AGES = "ages of readings: Accounts has those that are late under “Late only”"
PAID = "accounts that were read and paid for, by the reason to read them"
LABELED = "a labeler states it: the page Labels lists each, stored or not"
NO_ACCOUNTS = "counts something other than accounts"
REASONS: Mapping[str, Mapping[str, str]] = {
    "orders": {"Named": STATED},
    "order": {"Named": STATED, SENTENCE: IN_THE_TABLE},
    "restoration": {
        "Blocks counted": NO_ACCOUNTS,
        "Still blocked": "counts blocks; the table of the order has the accounts",
        SENTENCE: "the table of the order has the accounts",
    },
    "executives": {"Last N days": NO_ACCOUNTS},
    "executive": {SENTENCE: "the table of engagements names each account"},
    "country": {SENTENCE: LABELED},
    "labels": {SENTENCE: LABELED},
    "published": dict.fromkeys(("Accounts specified", "Accounts withheld", "Demands", "N-HN"), STATED),
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
            yield NUMBER.sub("N", name)
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

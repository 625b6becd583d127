"""Countries: which accounts stand how in a country, and that a page never calls an old reading "now"."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.countries.countries_page import countries_page
from dashboard.countries.country_page import PAGE, country_page
from jobs.imports.withheld_crawl import read_crawl
from storage.countries.countries import CountryCount
from storage.countries.country_report import CountryAccount, country_accounts
from storage.imports.imports import import_history
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_text import said
from tests.support.screenshots import RECORD, invented_record
from tests.support.servers.dashboard import SETTINGS, page_of

CRAWL = Path(__file__).parent.parent.parent / "fixtures" / "withheld_crawl.csv"


async def import_crawl(conn: Conn, now: datetime) -> None:
    await import_history(conn, read_crawl(CRAWL.read_bytes(), "crawl.csv").history, now)


@pytest.fixture
async def crawled(pool: Pool, now: datetime) -> Pool:
    async with transaction(pool) as conn:
        await import_crawl(conn, now)
    return pool


async def everybody(conn: Conn, country: str) -> dict[str, CountryAccount]:
    return {a.handle: a for a in await country_accounts(conn, country, None, 10_000, 0)}


async def shown(conn: Conn, path: str, now: datetime) -> str:
    return said(await page_of(conn, path, now, SETTINGS, "light"))


async def test_a_crawl_of_2018_never_reads_as_now(crawled: Pool) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    async with transaction(crawled) as conn:
        table = await shown(conn, "/countries", now)
        germany = await shown(conn, "/countries/DE", now)
        gone = await shown(conn, "/countries/DE/last-known", now)

    for page in (table, germany, gone):
        assert re.search(r"\bnow\b", page, re.IGNORECASE) is None
    assert "11 Jan 2018 , 8 years ago" in table
    assert "as of the last reading, 11 Jan 2018" in germany
    assert "@gone" in gone
    assert "3 Oct 2017 , 9 years ago" in gone
    assert "@grows" not in gone


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("/countries/DE/all", True, id="all of a country"),
        pytest.param("/countries/DE/no-longer", True, id="a standing that nobody has"),
        pytest.param("/countries/DE/all/2", False, id="a page beyond the last"),
        pytest.param("/countries/DE/all/0", False, id="a page before the first"),
        pytest.param("/countries/DE/all/two", False, id="a page that is no number"),
        pytest.param("/countries/DE/blocked", False, id="a standing that does not exist"),
        pytest.param("/countries/SE", False, id="a country where nothing was withheld"),
        pytest.param("/countries/de", False, id="a code in small letters"),
        pytest.param("/countries/DE/all/1/1", False, id="an address that is too long"),
    ],
)
async def test_addresses_of_countries_lead_somewhere_or_say_that_they_do_not(
    crawled: Pool, now: datetime, path: str, found: bool
) -> None:
    async with transaction(crawled) as conn:
        page = await shown(conn, path, now)

    assert ("Germany" in page) is found
    assert ("There is no such page" in page) is not found


async def test_a_long_country_is_paged(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        await import_history(conn, invented_record(), now)
        second = await shown(conn, "/countries/TR/all/2", now)

    assert f"{PAGE + 1} to {RECORD['TR']} of {RECORD['TR']}" in second
    assert second.count("@invented_") == RECORD["TR"] - PAGE


def test_a_country_that_was_never_read_has_no_date(now: datetime) -> None:
    page = said(countries_page([CountryCount("IN", 1, 0, 0, 1, None, None)], (), (), now, []))

    assert "never read" in page


@pytest.mark.parametrize(
    ("ever", "posts", "words"),
    [(3, 1, "2 accounts and 1 post"), (2, 2, "2 posts"), (1, 0, "1 account")],
    ids=["accounts and posts", "posts alone", "an account"],
)
def test_posts_are_counted_beside_accounts(now: datetime, ever: int, posts: int, words: str) -> None:
    count = CountryCount("IN", ever, ever, 0, 0, None, None, posts)
    page = " ".join(said(country_page(count, (), None, 1, now, [])).split())

    assert f"{words} ever withheld here" in page
    assert ("among them" in said(countries_page([count], (), (), now, []))) is bool(posts)

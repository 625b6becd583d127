"""Countries: which accounts stand how in a country, and that a page never calls an old reading "now"."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.countries.countries_page import countries_page
from dashboard.countries.country_page import PAGE, country_page
from dashboard.ui import words
from jobs.imports.withheld_crawl import read_crawl
from storage.countries.countries import CountryCount, by_country
from storage.countries.country_report import CountryAccount, CountryStatus, country_accounts
from storage.imports.imports import import_history
from storage.model.core.availability import State, Status
from storage.model.text.countries import country_name
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_text import said
from tests.support.screenshots import RECORD, invented_record
from tests.support.seeds.changes import SUSPENDED, WITHHELD, happen
from tests.support.seeds.live_page import seed
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


async def test_the_accounts_of_a_country_are_those_that_its_row_counts(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        await import_crawl(conn, now)
        await import_history(conn, invented_record(), now)
        counts = await by_country(conn)
        assert {c.country for c in counts} >= RECORD.keys()
        for count in counts:
            of = {s: len(await country_accounts(conn, count.country, s, 10_000, 0)) for s in CountryStatus}
            assert of == {
                CountryStatus.WITHHELD: count.withheld_at_last_reading,
                CountryStatus.LAST_KNOWN: count.last_known_only,
                CountryStatus.NO_LONGER: count.no_longer,
            }, count.country


async def test_an_accounts_standing_in_one_country_is_not_that_in_another(crawled: Pool) -> None:
    async with transaction(crawled) as conn:
        germany, russia = await everybody(conn, "DE"), await everybody(conn, "RU")

    assert germany["shrinks"].standing is CountryStatus.WITHHELD
    assert russia["shrinks"].standing is CountryStatus.NO_LONGER
    assert russia["shrinks"].state == State(Status.WITHHELD, ("DE",))
    assert germany["gone"].standing is CountryStatus.LAST_KNOWN


@pytest.mark.parametrize(
    ("country", "handle", "since"),
    [
        pytest.param("DE", "grows", "on or before 2 Oct 2017", id="it was so at the first look"),
        pytest.param(
            "FR", "grows", "between 2 Oct 2017 and 16 Oct 2017", id="a country that was added later"
        ),
        pytest.param("RU", "shrinks", "between 5 Oct 2017 and 11 Jan 2018", id="no longer, since it left"),
        pytest.param("DE", "shrinks", "on or before 5 Oct 2017", id="another country leaving moves nothing"),
    ],
)
async def test_since_is_the_interval_of_that_country(
    crawled: Pool, country: str, handle: str, since: str
) -> None:
    async with transaction(crawled) as conn:
        one = (await everybody(conn, country))[handle]

    assert words.since(one.since_after, one.since) == since
    assert words.source(one.source) == "import:crawl"


async def test_a_monitored_account_that_is_suspended_is_no_longer_withheld_and_says_so(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        story = await seed(conn, now)
        quiet = story.accounts[1][-2]
        await happen(conn, story, quiet, WITHHELD, story.now - timedelta(days=2))
        await happen(conn, story, quiet, SUSPENDED, story.now - timedelta(days=1))
        accounts = await country_accounts(conn, "IN", None, 10_000, 0)

    one = next(a for a in accounts if a.account_id == quiet)
    assert (one.standing, one.state) == (CountryStatus.NO_LONGER, SUSPENDED)
    assert one.since_after is not None
    assert one.since - one.since_after == story.sweep
    assert words.source(one.source) == "platform monitor"


async def test_pages_of_a_long_list_hold_every_account_once(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        await import_history(conn, invented_record(), now)
        pages = [await country_accounts(conn, "TR", None, 50, offset) for offset in range(0, 200, 50)]

    found = [a.account_id for page in pages for a in page]
    assert [len(page) for page in pages] == [50, 50, 50, RECORD["TR"] - 150]
    assert len(set(found)) == RECORD["TR"]


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


async def test_without_any_withheld_account_the_page_says_how_one_appears(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        page = await shown(conn, "/countries", now)

    assert "No account is known to be withheld in a country" in page
    assert "blockline accounts import" in page


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


@pytest.mark.parametrize(
    ("code", "name"),
    [("DE", "Germany"), ("TR", "Turkey"), ("XX", "Everywhere"), ("QQ", "QQ")],
    ids=["one", "another", "X's code for all countries", "a code that nobody has"],
)
def test_countries_have_names(code: str, name: str) -> None:
    assert country_name(code) == name


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(timedelta(minutes=15), "15 min ago", id="minutes"),
        pytest.param(timedelta(days=1), "1 day ago", id="one day"),
        pytest.param(timedelta(days=45), "45 days ago", id="less than two months are days"),
        pytest.param(timedelta(days=200), "6 months ago", id="months"),
        pytest.param(timedelta(days=366), "1 year ago", id="one year"),
        pytest.param(timedelta(days=3239), "8 years ago", id="years"),
    ],
)
def test_an_age_is_said_roughly(now: datetime, age: timedelta, expected: str) -> None:
    assert words.ago(now - age, now) == expected

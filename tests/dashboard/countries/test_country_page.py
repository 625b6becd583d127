"""Countries: which accounts stand how in a country, and that a page never calls an old reading "now"."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from dashboard.auth.access import acting_as
from dashboard.countries.countries_page import countries_page
from dashboard.countries.country_page import country_page
from dashboard.ui.pages import NOTHING
from jobs.imports.withheld_crawl import read_crawl
from storage.accounts.accounts import NewAccount, add_accounts
from storage.countries.countries import CountryCount
from storage.countries.country_report import CountryAccount, country_accounts
from storage.countries.label_census import LabelFilter, LabelPosition, labeled_subjects
from storage.countries.label_record import (
    KEPT_REFUSED,
    end_labelers,
    note_gap,
    note_heard,
    note_listed,
    note_lost,
    note_unlisted,
)
from storage.countries.measured_networks import record_days, record_failure
from storage.imports.imports import import_history
from storage.model.core.coverage import BatchOutcome
from storage.model.core.labels import LabelGap, LabelRefusal, RefusedLabel, SignedLabel
from storage.model.core.people import Actor, Role
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.samples.label_signing import FORGED, LABELER, POST, SUBJECT, stated, store
from tests.support.samples.readings import T0
from tests.support.seeds.changes import batch, enlist, read, roster_of
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


DAY = timedelta(days=1)
TODAY = T0.date()
ASKED = TODAY - 30 * DAY, TODAY + DAY
HOUR = timedelta(hours=1)
NOW = T0 + 2 * HOUR


def x(ago: int, anomaly: int, ok: int, confirmed: int = 0, failure: int = 0) -> MeasuredDay:
    return MeasuredDay("x.com", TODAY - ago * DAY, confirmed, anomaly, failure, ok)


async def page(pool: Pool, path: str = "/countries/TR/network") -> str:
    async with transaction(pool) as conn:
        words = " ".join(said(await page_of(conn, path, NOW, SETTINGS, "light")).split())
        return words.replace(" :", ":")


async def test_without_any_answer_nothing_is_known(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await record_failure(conn, "TR", ASKED, "HTTP 502", NOW - HOUR)
    assert "Not known: OONI was asked 1 h ago and gave no answer (HTTP 502)." in await page(pool)


async def test_a_failed_read_is_told_beside_what_was_read_before(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await record_days(conn, "TR", ASKED, [x(1, 5, 5)], NOW - 9 * HOUR)
        await record_failure(conn, "TR", ASKED, "HTTP 502", NOW - HOUR)
    assert "Last read 9 h ago; the try 1 h ago failed (HTTP 502)." in await page(pool)


async def test_requests_of_a_day_from_vantage_points_of_the_country_are_counted(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, X, ["1"])
        for vantage in ("tr", "tr-2", "try", "de", ""):
            roster = await roster_of(conn, accounts, vantage=vantage)
            lost = batch(roster, NOW - HOUR, BatchOutcome.MISSED)
            refused = batch(roster, NOW - 2 * HOUR, BatchOutcome.MISSED)
            await read(conn, batch(roster, NOW - DAY))
            await read(conn, batch(roster, NOW - 3 * HOUR))
            await read(conn, replace(refused, missed_reason="rate_limited"))
            await read(conn, lost)
        away = await roster_of(conn, accounts, vantage="tr-3")
        await read(conn, batch(away, NOW, BatchOutcome.MISSED))
    shown = await page(pool)
    for name in ("tr", "tr-2"):
        counted = f"X from {name}: answered 1 of 3 requests; 1 got no connection or no answer in time."
        assert f"{counted} The last answer came 3 h ago." in shown
    assert "X from tr-3: answered 0 of 1 request; 1 got no connection" in shown
    assert "from try" not in shown
    assert "from de" not in shown
    assert "vantage" not in await page(pool, "/countries/FR/network")


OTHER = "did:plc:another2222222222222222"


async def labels_page(
    pool: Pool, path: str = "/countries/TR/labels", query: Mapping[str, str] = NOTHING
) -> str:
    async with transaction(pool) as conn:
        return " ".join(said(await page_of(conn, path, T0, SETTINGS, "light", query)).split())


async def listed(pool: Pool, *labels: SignedLabel) -> None:
    """Store labels, and that the whole list was read."""
    await store(pool, *labels, at=T0 - HOUR)
    async with transaction(pool) as conn:
        await note_listed(conn, LABELER, T0 - HOUR)


async def test_without_any_label_a_list_that_was_read_whole_says_that_nothing_is_withheld(pool: Pool) -> None:
    await listed(pool)
    assert "the labeler withholds no account and no post in Turkey." in await labels_page(pool)


async def test_what_may_be_missing_is_told(pool: Pool) -> None:
    await listed(pool, stated())
    async with transaction(pool) as conn:
        await note_heard(conn, LABELER, T0 - HOUR)
        await note_lost(conn, LABELER, "it closed the connection", T0 - HOUR)
        await note_gap(conn, LABELER, LabelGap.OUTDATED_CURSOR, T0 - HOUR / 2)
        await note_unlisted(conn, LABELER, "HTTP 403", T0)
    await store(pool, refused=(FORGED,))
    shown = await labels_page(pool)
    for sentence in (
        "1 account in Turkey. Labels may be missing.",
        "It has not been connected since 31 Jan 2021, 23:00 UTC (“it closed the connection”).",
        "Labels may be missing: its stream no longer had all that followed the last received message "
        "(31 Jan 2021, 23:30 UTC), and its list was not read whole since.",
        "(“HTTP 403”)",
        "1 label is kept apart and not counted: it is not known to have signed them.",
    ):
        assert sentence in shown


async def test_labels_that_are_no_longer_collected_are_shown_with_their_end(pool: Pool) -> None:
    await listed(pool, stated())
    async with transaction(pool) as conn:
        await end_labelers(conn, BLUESKY, [], T0 - HOUR / 2)
    assert "Since 31 Jan 2021, 23:30 UTC its labels are not collected." in await labels_page(pool)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, {SUBJECT, OTHER, POST}, id="all"),
        pytest.param({"kind": "posts"}, {POST}, id="posts"),
        pytest.param({"kind": "accounts", "show": "unwatched"}, {OTHER}, id="accounts not watched"),
        pytest.param({"show": "watched"}, {SUBJECT}, id="watched"),
        pytest.param({"show": "lifted"}, {POST}, id="lifted"),
        pytest.param({"show": "relabeled"}, set[str](), id="labeled again"),
        pytest.param({"show": "withheld"}, {SUBJECT, OTHER}, id="withheld"),
        pytest.param({"show": "else", "after": "x~y"}, {SUBJECT, OTHER, POST}, id="unknown choices"),
    ],
)
async def test_the_address_chooses_what_is_shown(
    pool: Pool, query: Mapping[str, str], expected: set[str]
) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "somebody.test")], T0)
    await listed(pool, stated(), stated(OTHER), stated(POST, negated=True))
    shown = await labels_page(pool, query=query)
    names = {SUBJECT: "@somebody.test", OTHER: f"Account {OTHER}", POST: f"Post {POST}"}
    assert {one for one, name in names.items() if name in shown} == expected


async def test_an_older_page_begins_after_the_newer_one(pool: Pool) -> None:
    await listed(pool, *(stated(f"{POST}{n:02}", T0 - n * HOUR) for n in range(60)))
    first = await labels_page(pool)
    assert f"{POST}49" in first
    assert f"{POST}50" not in first
    assert "Older than these 50" in first
    async with transaction(pool) as conn:
        last = (await labeled_subjects(conn, LabelFilter("TR"), None, 50, T0))[-1]
        assert await labeled_subjects(
            conn, LabelFilter("TR"), LabelPosition(last.stated_at, last.label_id), 50, T0
        )
    second = await labels_page(pool, query={"after": f"{last.stated_at.isoformat()}~{last.label_id}"})
    assert f"{POST}49" not in second
    assert f"{POST}50" in second
    assert "Older than" not in second


async def test_the_page_of_a_country_is_there_for_its_labels_alone(pool: Pool) -> None:
    assert "Labels in" not in await labels_page(pool, "/countries/TR")
    await listed(pool, stated())
    shown = await labels_page(pool, "/countries/TR")
    assert "the labeler withholds 1 account" in shown
    assert "No stored account or post was seen withheld here." in shown
    assert "ever withheld here" not in shown
    assert "No longer 0" in await labels_page(pool, "/countries/TR/labels")


async def test_refused_labels_that_are_no_longer_kept_are_counted(pool: Pool) -> None:
    forged = [RefusedLabel(LABELER, LabelRefusal.FORGED, b"%d" % n) for n in range(KEPT_REFUSED + 2)]
    await store(pool, refused=tuple(forged))
    shown = await labels_page(pool)
    assert "1,000 labels are kept apart and not counted" in shown
    assert "2 more were received and are no longer kept." in shown


@pytest.mark.parametrize(
    ("labels", "offered"),
    [
        pytest.param((stated(), stated(POST)), True, id="one is not watched"),
        pytest.param((stated(),), False, id="all are watched"),
    ],
)
async def test_nothing_is_offered_to_choose_where_all_is_watched(
    pool: Pool, labels: tuple[SignedLabel, ...], *, offered: bool
) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "somebody.test")], T0)
    await listed(pool, *labels)
    with acting_as(Actor("Asha", Role.ANALYST)):
        shown = await labels_page(pool)
    assert ("Watch the chosen ones" in shown) is offered

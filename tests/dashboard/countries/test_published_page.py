"""Claimed against observed over a real database: the read model, the page, the API and the command.

The real figures are used where they are at hand: in `TEST_SHARED_DATA`, else in `shared/data` beside the
checkout.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collectors.x.declaration import X
from dashboard.countries.published_chart import claimed_figure
from dashboard.countries.published_json import claimed_json
from jobs.imports.published_records import import_record
from storage.countries.label_census import label_half_years
from storage.countries.published_report import claimed
from storage.countries.transparency_figures import add_reports
from storage.model.core.accounts import Account
from storage.model.core.coverage import BatchOutcome
from storage.model.core.orders import NewOrder
from storage.model.orders.published_vs_observed import Claimed, HalfYearTally, ObservedPosts
from storage.orders.orders import add_order
from storage.postgres.pool import Conn, Pool, transaction
from tests.storage.model.orders.test_published_vs_observed import report
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.clients.page_walker import said
from tests.support.samples.label_signing import POST, stated, store
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN
from tests.support.seeds.changes import batch, become, enlist, read, roster_of
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import SETTINGS, page_of, served

NOW = datetime(2021, 7, 11, 12, tzinfo=UTC)
JUNE = datetime(2021, 6, 29, 9, tzinfo=UTC)
JULY = datetime(2021, 7, 1, 0, 4, tzinfo=UTC)
DAY = timedelta(days=1)
FIGURES = (
    report("desk", "2021-H1", total_demands=40, accounts_specified=1_000, accounts_withheld=1),
    report("press", "2021-H1", total_demands=41, accounts_specified=1_000),
    report("desk", "2018-H1", country="(world)", iso2=None, total_demands=6_651),
    report("desk", "2018-H1", country="Sweden", iso2=None, total_demands=0, accounts_withheld=0),
)


async def watch(conn: Conn) -> list[Account]:
    """Four accounts. Two are named by an order of India: withheld in June, and across the half-years."""
    accounts = await enlist(conn, X, ["1", "2", "3", "4"])
    await enlist(conn, X, ["1", "2"], ("Farmers",))
    order = NewOrder(
        "R-1", "Order", "Ministry", "IN", "Section 69A", JUNE - DAY, None, None, None, 257, "Farmers", JUNE
    )
    assert await add_order(conn, order, JUNE)
    roster = await roster_of(conn, accounts)
    for account in accounts:
        await become(conn, roster, account, None, AVAILABLE, JUNE + accounts.index(account) * DAY / 1_440)
    await become(conn, roster, accounts[0], AVAILABLE, WITHHELD_IN, JUNE + DAY / 2)
    await become(conn, roster, accounts[1], AVAILABLE, WITHHELD_IN, JULY)
    await become(conn, roster, accounts[2], AVAILABLE, SUSPENDED, JULY + DAY)
    await become(conn, roster, accounts[0], WITHHELD_IN, AVAILABLE, JULY + 3 * DAY)
    await read(conn, batch(roster, JULY + 5 * DAY, BatchOutcome.MISSED))
    return accounts


async def figures(conn: Conn) -> None:
    await add_reports(conn, FIGURES, NOW)


@pytest.fixture
async def desk(pool: Pool) -> Pool:
    async with transaction(pool) as conn:
        await watch(conn)
        await figures(conn)
    return pool


async def test_posts_are_in_no_figure_of_accounts_and_beside_those_of_posts(desk: Pool) -> None:
    async with transaction(desk) as conn:
        await add_reports(conn, [report("posts", "2021-H1", tweets_withheld=0)], NOW)
        one = await conn.fetchval("select account_id from account where native_id = '1'")
        await turn_into_posts(conn, [one])
        second, first = await claimed(conn, "IN", NOW)
        page = said(await page_of(conn, "/countries/IN/published", NOW, SETTINGS, "light"))

    assert first.own is not None
    assert (first.own.watched, first.own.named, first.own.withheld) == (3, 1, HalfYearTally(0, 1, 0, 0))
    assert first.posts == ObservedPosts(1, HalfYearTally(1, 1, 1, 0), HalfYearTally(0, 0, 0, 0))
    assert second.posts == ObservedPosts(1, HalfYearTally(0, 0, 0, 0), HalfYearTally(1, 1, 1, 0))
    assert "Blockline, posts" in page
    assert "More posts were seen to become withheld than the 0 reported." in page
    assert "Watched: 3 accounts, 1 named by orders of India" in page
    assert "Watched: 1 post. They are in no figure of accounts." in page
    told: Any = claimed_json("IN", [first], [], NOW)
    assert told["half_years"][0]["observed_posts"]["became_withheld"]["at_least"] == 1


async def test_what_others_recorded_is_told_apart_and_is_no_coverage_of_ours(pool: Pool) -> None:
    history = (
        "platform,account_id,handle,at,status,withheld_in\n"
        "x,7,seven,2021-02-01T00:00:00Z,available,\n"
        "x,7,seven,2021-03-01T00:00:00Z,withheld,IN\n"
    )
    await import_record(
        pool, history.encode(), "study.csv", NOW, lambda _: None, source=None, list_name=None, partial=False
    )
    async with transaction(pool) as conn:
        (first,) = await claimed(conn, "IN", NOW)

    assert first.own is None
    assert first.recorded is not None
    assert (first.recorded.sources, first.recorded.withheld) == (("import:study",), HalfYearTally(1, 1, 1, 0))


async def test_a_country_without_figures_says_how_they_come_in(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, X, ["1"])
        roster = await roster_of(conn, accounts)
        await become(conn, roster, accounts[0], None, WITHHELD_IN, JUNE)
        page = said(await page_of(conn, "/countries/IN/published", NOW, SETTINGS, "light"))

    assert "0 to 1 became withheld" in page
    assert "1 was already withheld at the first reading" in page
    assert "blockline import figures.csv" in page


def traces(found: Sequence[Claimed]) -> list[dict[str, Any]]:
    figure: Any = claimed_figure(found, "light")
    return figure.to_dict()["data"]


async def test_the_figure_keeps_sources_apart_and_leaves_a_gap_where_none_reports(desk: Pool) -> None:
    async with transaction(desk) as conn:
        await add_reports(conn, [report("desk", "2020-H1", total_demands=2_772)], NOW)
        found = await claimed(conn, "IN", NOW)
    drawn = traces(found)

    lines = {t["name"]: t for t in drawn if t.get("showlegend")}
    assert list(lines["desk"]["x"]) == ["2020-H1", "2020-H2", "2021-H1", "2021-H2"]
    assert list(lines["desk"]["customdata"]) == [2_772, None, 40, None]
    assert list(lines["press"]["customdata"]) == [None, None, 41, None]
    (seen,) = [t for t in drawn if t["name"].startswith("Blockline")]
    assert list(seen["customdata"]) == ["0 to 1", "1 to 2"]
    assert (list(seen["y"]), list(seen["error_y"]["arrayminus"])) == ([1, 2], [1, 1])


async def test_the_api_gives_the_same_with_null_for_what_is_not_known(desk: Pool, dsn: str) -> None:
    async with served(desk, dsn, NOW) as address, aiohttp.ClientSession() as session:
        async with session.get(f"{address}/api/countries/IN/published") as answer:
            found = await answer.json()
        async with session.get(f"{address}/api/countries/QQ/published") as answer:
            refused = answer.status, await answer.json()

    first = found["half_years"][1]
    assert (first["period"], first["disagreements"]) == ("2021-H1", {"demands": [40, 41]})
    assert first["published"][1]["accounts_withheld"] is None
    assert first["observed"]["became_withheld"] == {
        "at_least": 1,
        "at_most": 2,
        "first_seen": 1,
        "at_first_look": 0,
    }
    assert first["recorded_by_others"] is None
    assert refused == (
        404,
        {"error": "No data for this country. Use a two-letter code such as IN."},
    )


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    return blockline(capsys)


def test_the_command_takes_a_code_and_says_what_is_not_observed(run: Blockline) -> None:
    Path("figures.csv").write_text(
        "period,iso2,total_demands,accounts_specified,source,source_url\n2020-H1,IN,2772,13200,desk,desk:page\n"
    )
    assert run("import", "figures.csv").said == ["figures.csv: 1 line of figures: 1 line new."]
    shown = run("published", "in")
    assert (shown.code, shown.err) == (0, "")
    assert "13,200" in shown.out
    assert "Not observed, because Blockline read no accounts: 2020-H1, X." in shown.said
    (half,) = run("published", "IN", "--json").json["half_years"]
    assert (half["period"], half["observed"], half["published"][0]["accounts_withheld"]) == (
        "2020-H1",
        None,
        None,
    )
    refused = run("published", "QQ")
    assert (refused.code, refused.complaints) == (
        1,
        ["There is no published or observed data for QQ. Figures are stored for: IN."],
    )


async def test_labels_stand_beside_published_figures_by_half_year(desk: Pool) -> None:
    await store(desk, stated(made_at=T0), stated(POST, made_at=T0, negated=True))
    async with transaction(desk) as conn:
        (labels,) = await label_half_years(conn, "TR", NOW)
        page = said(await page_of(conn, "/countries/TR/published", NOW, SETTINGS, "light"))
        other = said(await page_of(conn, "/countries/IN/published", NOW, SETTINGS, "light"))

    assert "Labels in Turkey" in page
    assert "2021-H1" in page
    assert "A labeler may drop a label that it withdrew" in page
    assert "Labels in" not in other
    told: Any = claimed_json("TR", [], [labels], NOW)
    assert told["labels"] == [
        {
            "period": "2021-H1",
            "accounts_added": 1,
            "accounts_lifted": 0,
            "posts_added": 0,
            "posts_lifted": 1,
        }
    ]

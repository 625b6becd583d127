# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false
"""Accounts on file that nobody reads: the live page does not speak of them, their own pages do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.x.declaration import X
from dashboard.accounts.account_chart import (
    TimelineOverlay,
    account_figure,
    countries_apart,
    known_until,
)
from dashboard.accounts.account_page import blocked_for
from dashboard.live.context_json import context_json
from dashboard.wire.compact_json import snapshot_json
from storage.live.account_detail import AccountHistory, account_detail
from storage.live.kpis import kpis
from storage.live.snapshot import last_event_id, snapshot
from storage.live.updates import news_since
from storage.postgres.pool import Conn, Pool, transaction
from tests.dashboard.countries.test_country_page import everybody, import_crawl, shown
from tests.support.clients.page_text import spans
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import SETTINGS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
END = datetime(2018, 1, 11, 23, 59, 59, tzinfo=UTC)


async def live(conn: Conn, story: Story, since: datetime | None) -> Any:
    shot = await snapshot(conn, since, story.now, SETTINGS.gap_after)
    counts = await kpis(conn, story.now, story.sweep)
    start = since or story.start
    body = snapshot_json(shot, counts, story.now, start, story.sweep, SETTINGS.gap_after)
    body |= context_json(shot.lists, shot.orders, shot.events, shot.executives)
    return {key: value for key, value in body.items() if key != "id"}


@pytest.mark.parametrize("whole", [True, False], ids=["of all time", "of ten days"])
async def test_an_import_changes_nothing_on_the_live_page(pool: Pool, story: Story, whole: bool) -> None:
    since = None if whole else story.start
    async with transaction(pool) as conn:
        before = await live(conn, story, since)
        await import_crawl(conn, story.now)
        after = await live(conn, story, since)

    assert after == before
    assert [x["name"] for x in after["lists"]] == ["Order 1 list", "Order 2 list"]


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


async def test_an_imported_account_was_last_read_and_looked_at_when_the_record_says(pool: Pool) -> None:
    grows = await imported(pool, "grows", "DE")

    assert (grows.watched, grows.sources) == (False, ("import:crawl",))
    assert grows.seen.last == END
    assert grows.last_look is not None
    assert (grows.last_look.at, grows.last_look.told) == (END, True)
    assert [g.until for g in grows.seen.gaps] == [datetime(2017, 10, 16, 23, 59, 59, tzinfo=UTC), END]


async def test_a_last_look_that_told_nothing_is_no_reading(pool: Pool) -> None:
    gone = await imported(pool, "gone", "DE")

    assert gone.seen.last == datetime(2017, 10, 3, 23, 59, 59, tzinfo=UTC)
    assert gone.last_look is not None
    assert (gone.last_look.at, gone.last_look.told) == (END, False)


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


async def test_single_looks_prove_no_length_of_a_block(pool: Pool) -> None:
    grows = await imported(pool, "grows", "DE")

    assert blocked_for(grows, END) == (timedelta(), None)


async def test_each_country_has_its_row_and_every_look_is_drawn_where_it_was(pool: Pool) -> None:
    grows = await imported(pool, "grows", "DE")

    assert countries_apart(grows.spells) == ("DE", "FR")
    timeline = account_figure(
        X,
        grows.spells,
        grows.changes,
        grows.seen,
        TimelineOverlay((), ()),
        NOW,
        known_until(grows.seen, NOW, SETTINGS.gap_after),
        "light",
    )

    bars = {trace.name: trace for trace in timeline.figure.data}
    withheld = bars["Withheld"]
    middles: dict[str, list[datetime]] = {"Status": [], "DE": [], "FR": []}
    for row, (start, end) in zip(withheld.y, spans(withheld), strict=True):
        middles[row].append(start + (end - start) / 2)
    looks = [datetime(2017, 10, day, 23, 59, 59, tzinfo=UTC) for day in (2, 16)] + [END]
    assert middles == {"Status": looks, "DE": looks, "FR": looks[1:]}
    assert list(bars["Change window"].y) == ["Status", "FR"]
    assert timeline.figure.layout.xaxis.range[1] < datetime(2018, 3, 1, tzinfo=UTC)
    assert "not checked since 11 Jan 2018" in {a.text for a in timeline.figure.layout.annotations}


async def test_an_account_withheld_in_one_country_only_needs_no_row_for_it(pool: Pool) -> None:
    gone = await imported(pool, "gone", "DE")

    assert countries_apart(gone.spells) == ()

"""Accounts on file that nobody reads, posts and lists: Live counts only what is watched."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.live.context_json import context_json
from dashboard.wire.compact_json import snapshot_json
from storage.live.account_detail import AccountHistory, account_detail
from storage.live.kpis import kpis
from storage.live.snapshot import snapshot
from storage.postgres.pool import Conn, Pool, transaction
from tests.dashboard.countries.test_country_page import everybody, import_crawl, shown
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import SETTINGS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def live(conn: Conn, story: Story, since: datetime | None) -> Any:
    shot = await snapshot(conn, since, story.now, SETTINGS.gap_after)
    counts = await kpis(conn, story.now, story.sweep)
    start = since or story.start
    body = snapshot_json(shot, counts, story.now, start, story.sweep, SETTINGS.gap_after)
    body |= context_json(shot.lists, shot.orders, shot.events, shot.executives)
    return {key: value for key, value in body.items() if key != "id"}


async def imported(pool: Pool, handle: str, country: str) -> AccountHistory:
    async with transaction(pool) as conn:
        await import_crawl(conn, NOW)
        one = (await everybody(conn, country))[handle]
        account = await account_detail(conn, one.account_id, NOW, SETTINGS.gap_after)
    assert account is not None
    return account


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

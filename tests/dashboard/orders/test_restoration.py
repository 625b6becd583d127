# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""The time to restoration of an order: the same on its page, in its JSON and in its report."""

from datetime import datetime
from typing import Any

import aiohttp
import pytest
from lifelines import KaplanMeierFitter

from dashboard.orders.report import read_report
from dashboard.orders.report_html import Imprint
from dashboard.orders.restoration import restoration_of, rows
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import said
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import SETTINGS, page_of, served


async def order_id(pool: Pool, reference: str) -> int:
    return await pool.fetchval("select order_id from legal_order where reference = $1", reference)


async def test_the_figures_are_those_of_lifelines_on_the_exported_intervals(
    pool: Pool, dsn: str, story: Story, now: datetime
) -> None:
    number = await order_id(pool, "SYN/1")
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        async with session.get(f"{base}/api/orders/{number}/restoration") as answer:
            told: Any = await answer.json()
        async with session.get(f"{base}/api/orders/999/restoration") as answer:
            assert answer.status == 404
    ends = [(low, float("inf") if high is None else high) for low, high in told["intervals_s"]]
    assert len(ends) == told["spells"] > 0
    by_hand: Any = KaplanMeierFitter().fit_interval_censoring(*zip(*ends, strict=True))
    curve: Any = by_hand.survival_function_
    for share in told["shares"]:
        if share["missing"] is None:
            row: Any = curve[curve.index >= share["after_s"]].iloc[0]
            assert (share["at_least"], share["at_most"]) == pytest.approx(
                (float(row.min()), float(row.max())), abs=1e-6
            )
    low, high = told["median_s"]
    assert low <= 5.5 * 3600
    assert high is None or high >= 5.5 * 3600


async def test_page_and_report_hold_the_same_sentences_and_rows(
    pool: Pool, story: Story, now: datetime
) -> None:
    number = await order_id(pool, "SYN/1")
    imprint = Imprint(now, "Blockline", synthetic=True, sweep_every=SETTINGS.sweep_every, dashboard_url=None)
    async with transaction(pool) as conn:
        page = said(await page_of(conn, f"/orders/{number}/restoration", now, SETTINGS, "light"))
        nothing = said(await page_of(conn, "/orders/999/restoration", now, SETTINGS, "light"))
        report = await read_report(conn, number, now, None, imprint)
    assert report is not None
    told = restoration_of(report.found)
    html = report.html()
    assert "Time to restoration" in html
    assert told.sentences
    for sentence in told.sentences:
        assert sentence in page
    for after, bounds, limits in rows(told):
        assert f"{after} {bounds} {limits}" in page
    assert "There is no such page" in nothing


async def test_without_a_block_there_is_no_figure_and_a_sentence_says_so(
    pool: Pool, story: Story, now: datetime
) -> None:
    number = await order_id(pool, "SYN/1")
    async with transaction(pool) as conn:
        page = said(await page_of(conn, f"/orders/{number}/restoration", story.at(0.2), SETTINGS, "dark"))
    assert "No block of an account was seen to begin, so there are no figures." in page

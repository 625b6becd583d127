"""The demands of February 2021, rehearsed: what a query over the table counts is what is told everywhere.

Needs the published table, which is not part of the project: `TEST_SHARED_DATA` names its folder, else
`shared/data` beside the project is looked into.
"""

import csv
import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collectors.simulator.history_files import load_history
from dashboard.orders.order_json import summary_json
from dashboard.orders.report import read_report
from dashboard.orders.report_html import Imprint
from jobs.orders.legal_demands import read_legal_demands
from jobs.rehearsal.demands_history import history_of, in_time, until
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import RehearsalOrders, RehearsalReport, rehearse
from jobs.rehearsal.simulators import played
from storage.postgres.pool import open_pool, transaction
from tests.support.clients.page_walker import said
from tests.support.servers.dashboard import SETTINGS, page_of, served

NAME = "india_legal_demands.csv"
START = datetime(2021, 2, 1, tzinfo=UTC)
EVERY = timedelta(hours=2)
END = datetime(2021, 2, 6, 12, tzinfo=UTC)
TABLE = b"""\
notice_date,notice_id,notice_reports_restoration,handle,target,post_id,account_status_2021mid,seen_from_us,seen_from_india,followers,statuses
2021-02-02,n1,0,ada,account,,available,visible,account_withheld_IN,1,1
2021-02-02,n1,0,bo,tweet,71,deactivated_or_not_found,no_data,no_data,1,1
2021-02-02,n1,0,bo,tweet,72,available,visible,tweet_withheld_IN,1,1
2021-02-02,n1,0,di,tweet,73,suspended,account_suspended,no_data,1,1
2021-02-02,n1,0,ed,tweet,74,available,visible,account_withheld_IN,1,1
2021-02-02,n1,0,ed,tweet,75,available,visible,visible,1,1
2021-02-03,n2,0,Ada,account,,suspended,no_data,no_data,1,1
2021-02-03,n2,0,71,account,,available,visible,no_data,1,1
2021-09-09,n3,0,late,account,,suspended,no_data,no_data,1,1
"""


def test_a_table_of_demands_becomes_a_history_with_what_others_found_at_an_assumed_time() -> None:
    orders = [o for t in read_legal_demands(TABLE, NAME, END, by_day=True).rows for o in t.orders]
    demands = in_time(orders, START, END)
    assert [o.order.reference for o in demands] == ["IN-2021-02-02", "IN-2021-02-03"]
    assert history_of(demands)[1:] == [
        "x,1,ada,2021-02-01T00:00:00Z,available,,IN-2021-02-02;IN-2021-02-03,",
        "x,1,ada,2021-02-03T05:59:59Z,withheld,IN,IN-2021-02-02;IN-2021-02-03,",
        "x,post:71,bo/71,2021-02-01T00:00:00Z,available,,IN-2021-02-02,",
        "x,post:71,bo/71,2021-02-03T05:59:59Z,not_found,,IN-2021-02-02,",
        "x,post:72,bo/72,2021-02-01T00:00:00Z,available,,IN-2021-02-02,",
        "x,post:72,bo/72,2021-02-03T05:59:59Z,withheld,IN,IN-2021-02-02,",
        "x,post:73,di/73,2021-02-01T00:00:00Z,available,,IN-2021-02-02,",
        "x,post:73,di/73,2021-02-03T05:59:59Z,not_found,,IN-2021-02-02,with_author",
        "x,post:74,ed/74,2021-02-01T00:00:00Z,available,,IN-2021-02-02,",
        "x,post:74,ed/74,2021-02-03T05:59:59Z,withheld,IN,IN-2021-02-02,with_author",
        "x,post:75,ed/75,2021-02-01T00:00:00Z,available,,IN-2021-02-02,",
        "x,7,71,2021-02-01T00:00:00Z,available,,IN-2021-02-03,",
    ]
    assert until(demands) == datetime(2021, 2, 5, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Played:
    report: RehearsalReport
    rows: list[dict[str, str]]
    """Those of the table that have a date and a notice."""


async def play(dsn: str, folder: Path) -> Played:
    beside = Path(__file__).parents[4] / "shared" / "data"
    path = Path(os.environ.get("TEST_SHARED_DATA") or beside) / NAME
    if not path.exists():
        pytest.skip(f"the published table is not at {path}; name its folder in TEST_SHARED_DATA")
    content = path.read_bytes()
    orders = [o for t in read_legal_demands(content, NAME, END, by_day=True).rows for o in t.orders]
    history = folder / "history.csv"
    history.write_text("\n".join(history_of(in_time(orders, START, END))) + "\n", encoding="utf-8")
    plan = SimulationPlan(START, END, EVERY)
    report = await rehearse(
        history,
        None,
        played(load_history(history), None),
        plan,
        "none",
        dsn,
        lambda _: None,
        RehearsalOrders(NAME, content),
    )
    lines = csv.DictReader(content.decode().splitlines())
    return Played(report, [r for r in lines if r["notice_date"] and r["notice_id"]])


def handles(rows: list[dict[str, str]]) -> set[str]:
    return {r["handle"].lower() for r in rows}


def posts_in(rows: list[dict[str, str]]) -> set[str]:
    return {r["post_id"].split("?")[0].split("/")[0] for r in rows if r["target"] == "tweet"}


def withheld_posts(rows: list[dict[str, str]]) -> set[str]:
    """Posts withheld in India, also because their author is, of authors who are not gone themselves."""
    return posts_in(
        [
            r
            for r in rows
            if r["seen_from_india"] in {"tweet_withheld_IN", "account_withheld_IN"}
            and r["account_status_2021mid"] != "suspended"
            and r["seen_from_us"] != "account_suspended"
        ]
    )


@pytest.mark.slow
async def test_what_a_query_over_the_table_counts_is_what_page_api_and_rehearsal_tell(
    dsn: str, tmp_path: Path
) -> None:
    done = await play(dsn, tmp_path)
    assert done.report.is_right
    told: dict[str, Any] = {o.order.reference: summary_json(o) for o in done.report.orders}
    async with open_pool(dsn, max_size=4) as pool:
        async with transaction(pool) as conn:
            numbers = {
                r["reference"]: r["order_id"]
                for r in await conn.fetch("select reference, order_id from legal_order")
            }
            pages = {
                reference: said(await page_of(conn, f"/orders/{numbers[reference]}", END, SETTINGS, "light"))
                for reference in told
            }
            imprint = Imprint(END, "Blockline", synthetic=False, sweep_every=EVERY, dashboard_url=None)
            reports = {
                reference: report.html()
                for reference in ("IN-2021-02-02", "IN-2021-02-04")
                if (report := await read_report(conn, numbers[reference], END, None, imprint)) is not None
            }
        async with served(pool, dsn, END) as base, aiohttp.ClientSession() as session:
            api: dict[str, Any] = {}
            for reference in told:
                async with session.get(f"{base}/api/orders/{numbers[reference]}") as answer:
                    api[reference] = await answer.json()
    apart = {"at", "sentences", "posts"}
    for day, accounts, posts in (("2021-02-02", 59, 43), ("2021-02-04", 283, 0)):
        reference = f"IN-{day}"
        rows = [r for r in done.rows if r["notice_date"] == day]
        of_accounts = [r for r in rows if r["target"] == "account"]
        of_posts = [r for r in rows if r["target"] == "tweet"]
        assert (len(handles(of_accounts)), len(posts_in(of_posts))) == (accounts, posts)
        one = told[reference]
        assert one["funnel"]["named"] == one["funnel"]["on_its_list"] == accounts
        assert (one["posts"] or {"funnel": {"on_its_list": 0}})["funnel"]["on_its_list"] == posts
        seen = one["seen_by_others"]["looks"]
        of_the_status = next(p["answers"] for p in seen if p["from"] is None)
        names = {(r["handle"], r["post_id"], r["account_status_2021mid"]) for r in rows}
        assert of_the_status == dict(Counter(answer for *_, answer in names))
        # What our own readings found in the rehearsal: withheld there, what was found so.
        withheld = handles([r for r in of_accounts if r["seen_from_india"] == "account_withheld_IN"])
        india = {r["handle"].lower() for r in done.rows if r["seen_from_india"] == "account_withheld_IN"}
        assert withheld <= india
        assert dict(one["withheld_in"]) == ({"IN": len(withheld)} if withheld else {})
        if one["posts"] is not None:
            assert dict(one["posts"]["withheld_in"]) == {"IN": len(withheld_posts(of_posts))}
            assert one["posts"].items() <= api[reference]["posts"].items()
        assert {k: v for k, v in api[reference].items() if k in one and k not in apart} == {
            k: v for k, v in one.items() if k not in apart
        }
        for sentence in one["sentences"]:
            assert sentence in pages[reference]
            assert sentence in reports[reference]
    assert "23 withheld in India" in pages["IN-2021-02-02"]
    assert "23 withheld in India" in reports["IN-2021-02-02"]
    assert "2 of the 43 posts on its list" in pages["IN-2021-02-02"]

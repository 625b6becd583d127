"""A published table of legal demands: its orders, its names, and what others saw of them."""

import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.orders.formats import ImportedOrder, Orders
from jobs.orders.import_orders import import_order_file
from jobs.orders.legal_demands import read_legal_demands
from jobs.orders.lumen import read_lumen
from storage.model.core.orders import OrderCheck, OrderName
from storage.model.tables.csv_rows import Parsed
from storage.orders.names import checks_of, names_of
from storage.orders.orders import order_called
from storage.postgres.pool import Conn, Pool, transaction

TABLE = (Path(__file__).parent.parent.parent / "fixtures" / "legal_demands.csv").read_bytes()
HEADER = TABLE.splitlines()[0].decode()
_DATA = os.environ.get("TEST_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data"
PUBLISHED = Path(_DATA) / "india_legal_demands.csv"
NOW = datetime(2031, 4, 1, tzinfo=UTC)


def read(content: bytes = TABLE, *, by_day: bool = False) -> Parsed[Orders]:
    return read_legal_demands(content, "t.csv", NOW, by_day=by_day)


def brought(parsed: Parsed[Orders]) -> dict[str, ImportedOrder]:
    return {one.order.reference: one for one in parsed.rows[0].orders}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            ",n,0,a,account,,unknown,,,,",
            "notice_date or notice_id is empty; both are needed to assign the line",
        ),
        ("2031-03-01,,0,a,account,,unknown,,,,", "notice_date or notice_id is empty"),
        ("2031-03-01,n,0,,account,,unknown,,,,", "handle is empty."),
        ("2031-03-01,n,0,a b,account,,unknown,,,,", "'a b' is not a handle of X."),
        ("2031-03-01,n,0,a,list,,unknown,,,,", "target 'list' must be account or tweet."),
        ("2031-03-01,n,yes,a,account,,unknown,,,,", "notice_reports_restoration must be 0 or 1."),
        ("2031-03-01,n,0,a,tweet,?s=20,unknown,,,,", "post_id '?s=20' is not the id of a post."),
        (
            "1 March,n,0,a,account,,unknown,,,,",
            "notice_date '1 March' is not a valid day; write it like 2021-01-31.",
        ),
        (
            "2031-03-02,kept,0,a,account,,unknown,,,,",
            "the date of notice kept differs from its date on line 2; use one date.",
        ),
    ],
)
def test_a_line_is_refused_with_its_reason(line: str, why: str) -> None:
    parsed = read(f"{HEADER}\n2031-03-01,kept,0,a,account,,unknown,,,,\n{line}\n".encode())
    (problem,) = parsed.problems
    assert str(problem).startswith(f"t.csv, line 3: {why}")
    assert list(brought(parsed)) == ["kept"]


async def stored(conn: Conn, reference: str) -> tuple[list[OrderName], list[OrderCheck]]:
    one = await order_called(conn, reference)
    return await names_of(conn, one.order_id), await checks_of(conn, one.order_id)


async def take_in(pool: Pool, content: bytes, *, partial: bool = True, by_day: bool = True) -> bool:
    report = await import_order_file(
        pool, content, "t.csv", NOW, "tests", partial=partial, by_day=by_day, country=None
    )
    return report.stored


async def test_nothing_is_stored_when_a_line_is_refused_unless_partial(pool: Pool) -> None:
    assert not await take_in(pool, TABLE, partial=False)
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from legal_order") == 0


async def test_a_second_import_stores_nothing_and_a_handle_on_file_is_that_account(pool: Pool) -> None:
    await take_in(pool, TABLE)
    async with transaction(pool) as conn:
        before = await conn.fetch("select * from order_name order by 1")
        await conn.execute(
            "insert into account (platform, native_id, handle, watched, added_at) "
            "values ('x', '7', 'Second', false, $1)",
            NOW,
        )
    await take_in(pool, TABLE)
    async with transaction(pool) as conn:
        after = await conn.fetch("select * from order_name order by 1")
        names, _ = await stored(conn, "IN-2031-03-01")
        on_list = await conn.fetch(
            "select native_id, watched from watch_list_member join account using (account_id)"
        )
    assert len(after) == len(before)
    assert [n.said for n in names if n.account_id is not None] == ["second"]
    assert [tuple(r) for r in on_list] == [("7", False)]


@pytest.fixture(scope="module")
def published() -> list[dict[str, str]]:
    if not PUBLISHED.exists():
        pytest.skip(f"the published table is not at {PUBLISHED}: its counts cannot be compared")
    with PUBLISHED.open(newline="") as file:
        return list(csv.DictReader(file))


def notice(**fields: object) -> dict[str, object]:
    """A government's request as the archive gives it to those with a token."""
    whole: dict[str, object] = {
        "id": 5,
        "title": "Request about posts",
        "date_sent": "2031-03-01T00:00:00.000Z",
        "date_received": "2031-03-04T00:00:00.000Z",
        "sender_name": "Department",
        "principal_name": None,
        "recipient_name": "A platform",
        "jurisdictions": ["IN"],
        "topics": ["Government Requests"],
        "works": [
            {
                "description": "d",
                "infringing_urls": [
                    {"url": "https://x.com/one", "url_original": "https://twitter.com/one"},
                    {"url": "https://twitter.com/two/status/7?s=20"},
                ],
                "copyrighted_urls": [{"url": "https://owner.example/"}],
            },
            {
                "urls_in_request": [
                    {"url": "https://twitter.com/ONE/status/8"},
                    {"url": "https://video.example/9"},
                ]
            },
        ],
    }
    return whole | fields


def lumen_read(document: object, country: str | None = None) -> tuple[list[ImportedOrder], list[str]]:
    parsed = read_lumen(json.dumps(document).encode(), "n.json", NOW, country)
    orders = [one for some in parsed.rows for one in some.orders]
    return orders, [str(problem) for problem in parsed.problems]


def test_a_notice_that_only_counts_its_addresses_is_refused_with_the_counts() -> None:
    counted = [{"infringing_urls": [{"domain": "x.com", "count": 12}, {"domain": "x.com", "count": 1}]}]
    _, (problem,) = lumen_read(notice(works=counted))
    assert "the notice contains only the number of addresses per site (x.com: 13)" in problem


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"id": None}, "notice ?: the id is empty."),
        (
            {"date_sent": None, "date_received": None},
            "notice 5: date_sent and date_received are both missing.",
        ),
        ({"date_sent": "soon"}, "notice 5: date_sent 'soon' is an impossible time."),
        ({"works": "none"}, "notice 5: the notice contains no address"),
        ({"works": [{"infringing_urls": [1, None, {"url": 5}]}]}, "notice 5: the notice contains no address"),
    ],
)
def test_a_notice_that_makes_no_sense_is_a_problem(fields: dict[str, object], why: str) -> None:
    _, problems = lumen_read([notice(**fields)])
    assert problems[0].startswith(f"n.json: {why}")

"""A published table of legal demands: its orders, its names, and what others saw of them."""

import asyncio
import csv
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.orders.formats import ImportedOrder, Orders
from jobs.orders.import_orders import import_order_file
from jobs.orders.legal_demands import read_legal_demands, state_of
from storage.model.core.availability import State, Status
from storage.model.core.orders import NameOutcome, OrderCheck, OrderName
from storage.model.orders.outside_checks import account_in, accounts_seen
from storage.model.orders.outside_findings import count_names
from storage.model.tables.csv_rows import Parsed
from storage.orders.names import checks_of, names_of
from storage.orders.orders import order_called
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN

TABLE = (Path(__file__).parent.parent.parent / "fixtures" / "legal_demands.csv").read_bytes()
HEADER = TABLE.splitlines()[0].decode()
_DATA = os.environ.get("TEST_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data"
PUBLISHED = Path(_DATA) / "india_legal_demands.csv"
NOW = datetime(2031, 4, 1, tzinfo=UTC)


def read(content: bytes = TABLE, *, by_day: bool = False) -> Parsed[Orders]:
    return read_legal_demands(content, "t.csv", NOW, by_day=by_day)


def brought(parsed: Parsed[Orders]) -> dict[str, ImportedOrder]:
    return {one.order.reference: one for one in parsed.rows[0].orders}


def answers(order: ImportedOrder) -> dict[tuple[str, str, bool], tuple[str, State | None]]:
    return {
        (said, c.place, c.of_post): (c.answer, c.state) for said, some in order.checks.items() for c in some
    }


def test_each_notice_is_an_order_of_its_day_with_each_handle_and_each_post_as_a_name() -> None:
    orders = brought(read())
    assert list(orders) == ["notice_a", "notice_b", "notice_c"]
    order = orders["notice_a"].order
    assert (order.country, order.named_count, order.list_name) == ("IN", 2, "notice_a")
    day = datetime(2031, 3, 1, tzinfo=UTC)
    assert (order.issued_at, order.issued_from) == (day, day)
    assert order.issued_to == day + timedelta(days=1, seconds=-1)
    assert [(n.words, n.handle, n.post_id) for n in orders["notice_a"].names] == [
        ("first", "first", None),
        ("second", "second", None),
        ("first/status/100?s=20", "first/100", "100"),
        ("third/status/101/video/1", "third/101", "101"),
    ]


def test_what_was_seen_of_an_account_hangs_on_its_handle_and_of_a_post_on_the_post() -> None:
    assert answers(brought(read())["notice_a"]) == {
        ("first", "", False): ("available", AVAILABLE),
        ("first", "US", False): ("no_data", None),
        ("first", "IN", False): ("account_withheld_IN", WITHHELD_IN),
        ("first/status/100?s=20", "", False): ("available", AVAILABLE),
        ("first/status/100?s=20", "US", True): ("visible", AVAILABLE),
        ("first/status/100?s=20", "IN", True): ("tweet_withheld_IN", WITHHELD_IN),
        ("second", "", False): ("deactivated_or_not_found", NOT_FOUND),
        ("second", "US", False): ("no_data", None),
        ("second", "IN", False): ("account_withheld_IN", WITHHELD_IN),
        ("third/status/101/video/1", "", False): ("suspended", SUSPENDED),
        ("third/status/101/video/1", "US", False): ("account_suspended", SUSPENDED),
        ("third/status/101/video/1", "IN", True): ("tweet_not_found", NOT_FOUND),
    }


def test_two_answers_for_one_place_that_disagree_are_both_kept_and_tell_no_state() -> None:
    lines = [
        HEADER,
        "2031-03-01,n,0,a,account,,available,no_data,visible,,",
        "2031-03-01,n,0,a,account,,suspended,no_data,no_data,,",
    ]
    seen = answers(brought(read("\n".join(lines).encode()))["n"])
    assert seen["a", "", False] == ("available; suspended", None)
    assert seen["a", "IN", False] == ("visible", AVAILABLE)


def test_by_day_the_notices_of_a_day_are_one_order() -> None:
    orders = brought(read(by_day=True))
    assert list(orders) == ["IN-2031-03-01", "IN-2031-03-02"]
    assert orders["IN-2031-03-01"].order.title == "2 legal demands of 2031-03-01"
    assert orders["IN-2031-03-01"].order.named_count == 2
    assert answers(orders["IN-2031-03-01"])["first", "IN", False] == ("account_withheld_IN; visible", None)


def test_a_notice_that_reports_a_restoration_says_so() -> None:
    order = brought(read())["notice_c"]
    assert order.order.title == "Legal demand notice_c of 2031-03-02; it reports a restoration"
    assert order.summary.endswith("notice_c reports that something was restored, not what or when")


def test_what_is_cut_off_named_again_or_in_several_notices_is_said() -> None:
    (orders,) = read().rows
    assert [(r.line, r.what, r.did) for r in orders.remarks] == [
        (4, "post 100 of @first", "is stored without '?s=20' after its id"),
        (6, "post 101 of @third", "is stored without '/video/1' after its id"),
        (7, "@First", "repeats line 3 and counts once"),
    ]
    assert orders.totals == (
        "1 handle is in more than one notice. "
        "The table does not say when others checked the names, so it dates no change."
    )


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


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("account_withheld_TR", State(Status.WITHHELD, ("TR",))),
        ("protected", State(Status.PROTECTED)),
        ("no_data", None),
        ("unknown", None),
        ("", None),
        ("a word that nobody foresaw", None),
    ],
)
def test_an_answer_tells_a_state_of_ours_or_none(answer: str, state: State | None) -> None:
    assert state_of(answer) == state


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


async def test_what_is_stored_is_counted_by_account_and_place(pool: Pool) -> None:
    await take_in(pool, TABLE, by_day=False)
    async with transaction(pool) as conn:
        names, checks = await stored(conn, "notice_a")
    assert {n.outcome for n in names} == {NameOutcome.NOT_TRIED}
    counted = count_names(names)
    assert (counted.accounts.named, counted.posts.named, len(set(map(account_in, names)))) == (2, 2, 3)
    assert accounts_seen(names, checks) == {
        ("", AVAILABLE): 1,
        ("", NOT_FOUND): 1,
        ("", SUSPENDED): 1,
        ("IN", WITHHELD_IN): 2,
        ("US", SUSPENDED): 1,
        ("US", None): 2,
    }


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


Count = Callable[[dict[str, str]], bool]


def counted(rows: list[dict[str, str]], test: Count) -> set[str]:
    return {row["handle"] for row in rows if test(row)}


@pytest.fixture(scope="module")
def published() -> list[dict[str, str]]:
    if not PUBLISHED.exists():
        pytest.skip(f"the published table is not at {PUBLISHED}: its counts cannot be compared")
    with PUBLISHED.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_published_table_is_stored_as_a_count_by_hand_finds_it(
    dsn: str, published: list[dict[str, str]]
) -> None:
    async def both() -> list[tuple[list[OrderName], list[OrderCheck]]]:
        async with open_pool(dsn, max_size=1) as pool:
            assert await take_in(pool, PUBLISHED.read_bytes())
            async with transaction(pool) as conn:
                return [await stored(conn, f"IN-2021-02-0{day}") for day in (2, 4)]

    second, fourth = asyncio.run(both())
    rows = [row for row in published if row["notice_date"] == "2021-02-02"]
    withheld = counted(rows, lambda row: row["seen_from_india"] == "account_withheld_IN")
    gone = counted(rows, lambda row: row["account_status_2021mid"] == "deactivated_or_not_found")
    suspended = counted(rows, lambda row: row["account_status_2021mid"] == "suspended")
    assert (len(rows), len({row["handle"] for row in rows})) == (103, 62)
    assert (len(withheld), len(gone), len(suspended), len(withheld & gone)) == (23, 25, 1, 9)
    seen = accounts_seen(*second)
    targets = {
        kind: {(row["handle"], row["post_id"].split("?")[0]) for row in rows if row["target"] == kind}
        for kind in ("account", "tweet")
    }
    named = count_names(second[0])
    assert (named.accounts.named, named.posts.named) == (len(targets["account"]), len(targets["tweet"]))
    assert (named.accounts.named, named.posts.named) == (59, 43)
    assert (seen["IN", WITHHELD_IN], seen["", NOT_FOUND], seen["", SUSPENDED]) == (23, 25, 1)
    assert {one and one[1] for one in map(account_in, second[0])} == {row["handle"].lower() for row in rows}

    statuses = Counter(
        row["account_status_2021mid"] for row in published if row["notice_date"] == "2021-02-04"
    )
    assert statuses == {"available": 241, "deactivated_or_not_found": 37, "suspended": 4, "unknown": 1}
    seen = accounts_seen(*fourth)
    assert (count_names(fourth[0]).accounts.named, count_names(fourth[0]).posts.named) == (283, 0)
    assert [seen["", state] for state in (AVAILABLE, NOT_FOUND, SUSPENDED, None)] == [241, 37, 4, 1]

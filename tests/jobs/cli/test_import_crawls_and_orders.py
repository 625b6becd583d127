"""Importing published crawls and legal orders, through the real entry and on a real database."""

from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline

ORDERS = "reference,title,issuer,country,legal_basis,issued_at,deadline_at,named_count,list\n"
ORDER = "R-1,Order,Ministry,IN,Section 69A,2021-01-31T12:00:00+05:30,,257,Farmers\n"
CRAWL = (Path(__file__).parent.parent.parent / "fixtures" / "withheld_crawl.csv").read_text()
CRAWL_LIST = "Withheld 2017-18 crawl"


def file(content: str, name: str) -> str:
    """Written where the command runs."""
    Path(name).write_text(content)
    return name


def references(run: Blockline) -> list[str]:
    return [order["reference"] for order in run("orders", "list", "--json").json["orders"]]


def test_a_crawl_is_told_by_its_header_and_kept_without_watching_anybody(run: Blockline) -> None:
    crawl = file(CRAWL, "crawl.csv")
    first = run("accounts", "import", crawl)
    assert (first.code, first.err) == (0, "")
    assert first.said == [
        f"9 lines about 7 accounts: 7 accounts and 10 changes are new, on the list '{CRAWL_LIST}'. "
        "They are stored as that record; no account is watched because of it."
    ]
    again = run("accounts", "import", crawl)
    assert again.said == ["9 lines about 7 accounts: imported before, so nothing is new."]
    assert run("accounts", "list", "--json").json == {"accounts": []}
    assert run("lists", "--json").json["lists"] == [
        {"name": CRAWL_LIST, "accounts": 7, "posts": 0, "watched": 0, "order": None, "evidence_days": None}
    ]


def test_an_imported_record_is_dated_and_never_told_as_blocked_now(run: Blockline) -> None:
    run("accounts", "import", file(CRAWL, "crawl.csv"))
    stand = run("status", "--json").json
    assert sum(country["pairs_ever"] for country in stand["countries"]) == 9
    assert stand["countries"][0] == {
        "country": "DE",
        "pairs_ever": 3,
        "withheld_at_last_reading": 2,
        "no_longer": 0,
        "last_known_only": 1,
        "oldest_reading_at": "2017-10-03T23:59:59+00:00",
        "newest_reading_at": "2018-01-11T23:59:59+00:00",
    }
    assert stand["blocked_now"]["accounts"] is None
    assert stand["coverage"]["last_answer_at"] is None
    assert "2018-01-11" in run("status").out


def test_an_order_is_stored_once_with_its_list(run: Blockline) -> None:
    watch = file("platform,handle,account_id,list\nx,alpha,1001,Farmers\n", "watch.csv")
    run("accounts", "import", watch)
    orders = file(ORDERS + ORDER, "orders.csv")
    assert run("orders", "import", orders).said == [
        "orders.csv, line 2: R-1 is stored, with the list Farmers.",
        "1 order of orders.csv stored; 1 line added or changed data.",
    ]
    assert run("orders", "import", orders).said[0] == "orders.csv, line 2: R-1 was already stored."
    (order,) = run("orders", "list", "--json").json["orders"]
    assert (order["reference"], order["issued_at"]) == ("R-1", "2021-01-31T06:30:00+00:00")
    assert (order["named_count"], order["list"], order["watched"]) == (257, "Farmers", 1)
    assert run("lists", "--json").json["lists"][0]["order"] == "R-1"
    assert "R-1" in run("orders", "list").out


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (ORDER.replace("257", "258"), "order R-1 is already stored with other data, and is not overwritten."),
        (ORDER.replace("R-1", "R-2"), "list 'Farmers' already belongs to order R-1."),
        (ORDER.replace("01-31", "02-31"), "issued_at '2021-02-31T12:00:00+05:30' is an impossible time."),
        (
            ORDER.replace("+05:30", ""),
            "issued_at '2021-01-31T12:00:00' has no time zone; write it like 2021-01-31T06:30:00Z.",
        ),
    ],
    ids=["other data", "list of another order", "impossible time", "no zone"],
)
def test_an_order_that_contradicts_what_is_stored_or_itself_is_refused(
    run: Blockline, line: str, sentence: str
) -> None:
    run("orders", "import", file(ORDERS + ORDER, "orders.csv"))
    new = ORDER.replace("R-1", "R-9").replace("Farmers", "Others")
    more = file(ORDERS + line + new, "more.csv")
    refused = run("orders", "import", more)
    assert (refused.code, refused.complaints[0]) == (1, f"more.csv, line 2: {sentence}")
    assert references(run) == ["R-1"]
    assert run("orders", "import", more, "--partial").code == 1
    assert references(run) == ["R-1", "R-9"]

"""Orders that come with their names, through the real entry: a table of legal demands, a notice of Lumen."""

import json
from pathlib import Path

import pytest

from tests.jobs.orders.test_legal_demands import TABLE
from tests.jobs.orders.test_lumen import notice
from tests.support.clients.command_line import Blockline

ORDERS = "reference,title,issuer,country,legal_basis,issued_at,deadline_at,named_count,list\n"


@pytest.fixture
def run(run: Blockline) -> Blockline:
    Path("t.csv").write_bytes(TABLE)
    return run


def test_a_table_is_refused_as_a_whole_for_a_line_without_its_notice(run: Blockline) -> None:
    ran = run("orders", "import", "t.csv")
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints == [
        "t.csv, line 2: notice_date or notice_id is empty; both are needed to assign the line to an order.",
        "1 line was refused, so nothing was stored. Correct the file, or store the rest with --partial.",
    ]
    assert run("orders", "list", "--json").json == {"orders": []}


def test_with_partial_each_order_and_each_odd_line_is_told(run: Blockline) -> None:
    ran = run("orders", "import", "t.csv", "--partial")
    assert ran.code == 1
    assert ran.said == [
        "t.csv, line 3: notice_a is stored: 2 handles and 2 posts on 5 lines.",
        "t.csv, line 4: post 100 of @first is stored without '?s=20' after its id.",
        "t.csv, line 6: post 101 of @third is stored without '/video/1' after its id.",
        "t.csv, line 7: @First repeats line 3 and counts once.",
        "t.csv, line 8: notice_b is stored: 1 handle and 0 posts on 1 line.",
        "t.csv, line 9: notice_c is stored: 1 handle and 1 post on 2 lines; notice_c reports that something "
        "was restored, not what or when.",
        "3 orders in t.csv, 3 with new data. 1 handle is in more than one notice. The table does not say "
        "when others checked the names, so it dates no change.",
    ]
    again = run("orders", "import", "t.csv", "--partial", "--json").json
    assert (again["kind"], again["orders"], again["changed"]) == ("legal_demands", 3, 0)


def test_nobody_is_watched_for_it_and_what_others_saw_is_listed_by_place(run: Blockline) -> None:
    run("orders", "import", "t.csv", "--partial", "--by-day")
    assert run("accounts", "list", "--json").json == {"accounts": []}
    told = run("orders", "names", "IN-2031-03-01").said
    assert told[-4:] == [
        "4 names of 2 accounts and 2 posts: 4 not tried.",
        "Accounts as others saw them: 1 available, 1 not found, 1 suspended.",
        "Accounts as others saw them from India: 1 without a clear status, 1 withheld in IN.",
        "Accounts as others saw them from United States: 2 without a clear status, 1 suspended.",
    ]
    seen = run("orders", "names", "IN-2031-03-01", "--json").json["seen"]
    assert {"place": "IN", "status": "withheld", "withheld_in": ["IN"], "accounts": 1} in seen


def test_looking_up_again_asks_for_the_names_that_were_published(run: Blockline) -> None:
    run("orders", "import", "t.csv", "--partial")
    watch = "platform,handle,account_id\nx,second,22\n"
    Path("watch.csv").write_text(watch)
    run("accounts", "import", "watch.csv")
    told = run("orders", "names", "notice_a", "--again", "--json").json
    assert (told["resolved"], told["not_tried"], told["changed"]) == (1, 3, 4)
    assert [line["did"] for line in told["lines"]][
        1
    ] == "is @second (22), on the list of the order and watched"


def test_a_notice_is_stored_once_and_those_that_cannot_be_are_refused_by_their_number(run: Blockline) -> None:
    Path("n.json").write_text(json.dumps({"notices": [notice(), notice(id=6, date_sent="soon")]}))
    ran = run("orders", "import", "n.json")
    assert ran.complaints[0] == "n.json: notice 6: date_sent 'soon' is an impossible time."
    ran = run("orders", "import", "n.json", "--partial")
    assert ran.said == [
        "n.json: Lumen 5 is stored: 4 names of 1 account and 2 posts; its date is when it was sent.",
        "1 order in n.json, 1 with new data.",
    ]
    assert run("orders", "import", "n.json", "--partial").said[-1] == (
        "1 order in n.json, none with new data."
    )
    names = run("orders", "names", "Lumen 5", "--json").json["names"]
    assert [(n["outcome"], n["source"]) for n in names] == [
        *[("not tried", "n.json")] * 3,
        ("unresolvable", "n.json"),
    ]


def test_a_list_of_another_order_is_not_taken(run: Blockline) -> None:
    run(
        "orders",
        "add",
        "R1",
        "--title=t",
        "--issuer=i",
        "--country=IN",
        "--basis=b",
        "--issued-at=2031-01-01",
    )
    run("orders", "edit", "R1", "--list=notice_a")
    ran = run("orders", "import", "t.csv", "--partial")
    assert "t.csv, line 3: list 'notice_a' already belongs to order R1." in ran.complaints
    assert len(run("orders", "list", "--json").json["orders"]) == 3


@pytest.mark.parametrize("option", ["--by-day", "--country=IN"])
def test_what_is_said_for_another_form_is_refused_for_a_plain_table_of_orders(
    run: Blockline, option: str
) -> None:
    Path("orders.csv").write_text(ORDERS + "R1,t,i,IN,b,2031-01-01T00:00Z,,5,L\n")
    ran = run("orders", "import", "orders.csv", option)
    assert ran.complaints == [
        "orders.csv: --by-day needs a table of legal demands, --country needs JSON from Lumen; this file is "
        "neither."
    ]
    assert run("orders", "import", "orders.csv").code == 0
    assert run("orders", "import", "orders.csv", "--country=india").code == 1

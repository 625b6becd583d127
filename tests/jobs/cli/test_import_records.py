"""Taking in published records through the real entry, on a real database."""

import gzip
from pathlib import Path

import pytest

from tests.jobs.imports.test_histories import SPANS, span
from tests.jobs.imports.test_transparency_figures import HEADER, INDIA
from tests.support.clients.command_line import Blockline

GOOD = span("5", "suspended", 1, 2) + span("5", "available", 4, 4)


def file(content: str, name: str = "h.csv") -> str:
    """Written where the command runs."""
    packed = gzip.compress(content.encode()) if name.endswith(".gz") else content.encode()
    Path(name).write_bytes(packed)
    return name


BAD = span("6", "available", 3, 2)


def test_one_line_that_is_refused_keeps_the_whole_file_out(run: Blockline) -> None:
    refused = run("import", file(SPANS + GOOD + BAD), file(HEADER + INDIA, "figures.csv"))
    assert (refused.code, refused.out) == (1, "")
    assert refused.complaints == [
        "h.csv, line 4: seen_to is before seen_from.",
        "1 line was refused, so nothing was stored. Correct h.csv, or store the rest with --partial.",
        "Not read: figures.csv.",
    ]
    assert run("lists", "--json").json == {"lists": []}


def test_with_partial_the_rest_is_stored_and_the_refusal_is_said(run: Blockline) -> None:
    ran = run("import", file(SPANS + GOOD + BAD), "--partial", "--json")
    assert ran.code == 1
    assert ran.json == {
        "files": [
            {
                "file": "h.csv",
                "kind": "history",
                "stored": True,
                "lines_taken": 2,
                "accounts": 1,
                "new_accounts": 1,
                "new_changes": 2,
                "corrected_changes": 0,
                "refused": [{"line": 4, "why": "h.csv, line 4: seen_to is before seen_from."}],
                "ignored_columns": [],
            }
        ]
    }
    assert ran.complaints[-1] == "1 line was refused; the other lines of h.csv are stored."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "h.csv: the file does not exist."),
        (b"", "h.csv: the file is empty."),
        (b"\x7fELF\0\0\0", "h.csv: the file is not a text file; save the table as CSV UTF-8."),
        (b"account_id,caf\xe9\n", "h.csv, line 1: the file is not UTF-8 text; save it as CSV UTF-8."),
        (
            b"account_id;platform\n5;x\n",
            "h.csv, line 1: the columns are not separated by commas; save the file with commas.",
        ),
        (
            b"platform,handle\nx,a\n",
            "h.csv, line 1: the columns are not those of a record that Blockline knows (see `blockline "
            "import --help`). Import a watch list with `blockline accounts import`, and orders with "
            "`blockline orders import`.",
        ),
    ],
    ids=["missing", "empty", "binary", "latin-1", "semicolons", "a watch list"],
)
def test_a_file_that_is_no_record_is_one_sentence(
    run: Blockline, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        Path("h.csv").write_bytes(content)
    ran = run("import", "h.csv")
    assert (ran.code, ran.out, ran.complaints) == (1, "", [sentence])


@pytest.mark.parametrize("option", ["--name", "--list"])
def test_a_name_with_a_line_end_in_it_is_refused(run: Blockline, option: str) -> None:
    ran = run("import", file(SPANS + GOOD), option, "a\nb")
    assert (ran.code, ran.err) == (1, f"{option}: 'a\ufffdb' must be one line of text.\n")


@pytest.mark.parametrize("option", ["--name", "--list"])
def test_a_name_for_what_has_none_is_refused(run: Blockline, option: str) -> None:
    ran = run("import", file(HEADER + INDIA, "figures.csv"), option, "Some study")
    assert (ran.code, ran.out, ran.complaints) == (
        1,
        "",
        [
            "figures.csv: figures of legal demands name their source on each line and belong to no list. "
            "Import them without --name and --list."
        ],
    )


ORDERS = "reference,title,issuer,country,legal_basis,issued_at,deadline_at,named_count,list\n"
ORDER = "R-1,Order,Ministry,IN,Section 69A,2021-01-31T12:00:00+05:30,,257,Farmers\n"
CRAWL = (Path(__file__).parent.parent.parent / "fixtures" / "withheld_crawl.csv").read_text()
CRAWL_LIST = "Withheld 2017-18 crawl"


def crawled_file(content: str, name: str) -> str:
    """Written where the command runs."""
    Path(name).write_text(content)
    return name


def references(run: Blockline) -> list[str]:
    return [order["reference"] for order in run("orders", "list", "--json").json["orders"]]


def test_a_crawl_is_told_by_its_header_and_kept_without_watching_anybody(run: Blockline) -> None:
    crawl = crawled_file(CRAWL, "crawl.csv")
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


def test_an_order_is_stored_once_with_its_list(run: Blockline) -> None:
    watch = crawled_file("platform,handle,account_id,list\nx,alpha,1001,Farmers\n", "watch.csv")
    run("accounts", "import", watch)
    orders = crawled_file(ORDERS + ORDER, "orders.csv")
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
    run("orders", "import", crawled_file(ORDERS + ORDER, "orders.csv"))
    new = ORDER.replace("R-1", "R-9").replace("Farmers", "Others")
    more = crawled_file(ORDERS + line + new, "more.csv")
    refused = run("orders", "import", more)
    assert (refused.code, refused.complaints[0]) == (1, f"more.csv, line 2: {sentence}")
    assert references(run) == ["R-1"]
    assert run("orders", "import", more, "--partial").code == 1
    assert references(run) == ["R-1", "R-9"]

"""Orders through the real entry, on a real database: added, edited, named, annotated, with documents."""

import hashlib
from pathlib import Path

import pytest

from tests.jobs.orders.test_legal_demands import TABLE
from tests.support.clients.command_line import Blockline, Ran

FIRST = (
    "--title=First list",
    "--issuer=Ministry",
    "--country=IN",
    "--basis=Section 69A",
    "--issued-at=2021-01-31T06:30Z",
)


@pytest.fixture
def order(run: Blockline) -> Blockline:
    """With one stored order, FIRST."""
    assert run("orders", "add", "R1", *FIRST).code == 0
    return run


@pytest.fixture
def online(online: Blockline, order: Blockline) -> Blockline:
    """With the order and the platforms."""
    assert online is order
    return order


@pytest.mark.parametrize(
    ("issued", "found"),
    [
        pytest.param(
            ["--issued-at=2021-02-04"],
            ("2021-02-04T00:00:00+00:00", "2021-02-04T00:00:00+00:00", "2021-02-04T23:59:59+00:00"),
            id="a day is any time of it",
        ),
        pytest.param(
            ["--issued-at=2021-02-04", "--issued-to=2021-02-06"],
            ("2021-02-04T00:00:00+00:00", None, "2021-02-06T00:00:00+00:00"),
            id="a range that is given holds",
        ),
        pytest.param(
            ["--issued-at=2021-02-04T06:30Z"], ("2021-02-04T06:30:00+00:00", None, None), id="a time is exact"
        ),
    ],
)
def test_a_date_without_a_time_is_not_stored_as_midnight(
    run: Blockline, issued: list[str], found: tuple[str | None, ...]
) -> None:
    assert run("orders", "add", "D", *FIRST[:-1], *issued, "--deadline=2021-02-08").code == 0
    (stored,) = run("orders", "list", "--json").json["orders"]
    assert (stored["issued_at"], stored["issued_from"], stored["issued_to"]) == found
    assert stored["deadline_at"] == "2021-02-08T23:59:00+00:00"


def file(content: str, name: str = "names.txt") -> str:
    """Written where the command runs."""
    Path(name).write_text(content)
    return name


def refused(ran: Ran) -> str:
    """What a refusal says, which is one sentence."""
    assert (ran.code, ran.out) == (1, "")
    (sentence,) = ran.complaints
    return sentence


def acts(run: Blockline) -> list[tuple[str, str]]:
    """The audit log, newest first."""
    return [(a["action"], a["subject"]) for a in run("alerts", "log", "--json").json["log"]]


def test_an_order_is_added_once_with_a_list_of_its_name(run: Blockline) -> None:
    added = run("orders", "add", "R1", *FIRST, "--deadline=2021-02-03T00:00Z", "--named=257")
    assert added.said == ["Order R1 is stored, with the list R1."]
    (listed,) = run("orders", "list", "--json").json["orders"]
    assert (listed["title"], listed["list"], listed["named_count"]) == ("First list", "R1", 257)
    assert listed["issued_at"] == "2021-01-31T06:30:00+00:00"
    assert refused(run("orders", "add", "R1", *FIRST)) == (
        "Order R1 is already stored. To change it, use `blockline orders edit`."
    )
    assert acts(run) == [("order added", "order R1")]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--country=india"], "'india' is not a country code of two capital letters."),
        (["--issued-at=soon"], "--issued-at: 'soon' is not a time; write it like 2021-02-01T06:30:00Z."),
        (["--deadline=2021-01-30T00:00Z"], "deadline_at is before issued_at."),
        (["--issued-to=2021-01-30T00:00Z"], "issued_at is not between issued_from and issued_to."),
        (["--list=R1"], "List 'R1' already belongs to order R1. Name another list."),
    ],
)
def test_what_can_be_no_order_is_refused(order: Blockline, options: list[str], why: str) -> None:
    assert refused(order("orders", "add", "R2", *FIRST, *options)) == why


def test_what_an_order_must_have_is_asked_for(run: Blockline) -> None:
    ran = run("orders", "add", "R1", "--title=First list")
    assert (ran.code, "Also give --issuer, --country, --basis, --issued-at." in ran.err) == (2, True)


def test_an_edit_of_what_there_is_not_or_to_a_list_that_is_taken_is_refused(order: Blockline) -> None:
    assert refused(order("orders", "edit", "R9", "--named=1")) == (
        "There is no order 'R9'; `blockline orders list` lists them."
    )
    order("orders", "add", "R2", *FIRST)
    assert refused(order("orders", "edit", "R2", "--list=R1")) == "The list 'R1' already exists."
    assert order("orders", "edit", "R1").code == 2


def test_a_second_run_tries_only_what_is_not_resolved_and_names_nothing_twice(online: Blockline) -> None:
    names = file("@alpha x:beta x:gamma")
    online("orders", "names", "R1", names)
    again = online("orders", "names", "R1", names)
    assert [s.partition(": ")[2].partition(". ")[0] for s in again.said[:-1]] == [
        "@alpha is still ambiguous",
        "x:beta was resolved before.",
        "x:gamma is still not resolved",
    ]
    told = online("orders", "names", "R1", "--again", "--platform=x", "--json").json
    assert [(one["what"], one["did"].partition(".")[0], one["changed"]) for one in told["lines"]] == [
        ("@alpha", "is @alpha (1001), on the list of the order and watched", True),
        ("x:gamma", "is still not resolved", False),
    ]
    listed = online("orders", "names", "R1", "--json").json
    assert [(n["said"], n["outcome"], n["resolved_at"] is None) for n in listed["names"]] == [
        ("@alpha", "resolved", False),
        ("x:beta", "resolved", False),
        ("x:gamma", "unresolvable", True),
    ]
    assert (listed["resolved"], listed["unresolvable"], listed["accounts"]) == (2, 1, 3)


def test_one_word_that_is_no_name_keeps_the_list_out_unless_partial(order: Blockline) -> None:
    bad = file("x:one\n!!!\n")
    ran = order("orders", "names", "R1", bad)
    assert ran.complaints == [
        "names.txt, line 2: '!!!' is not a handle, an id or an address of an account.",
        "1 line was refused, so nothing was stored. Correct the file, or store the rest with --partial.",
    ]
    assert order("orders", "names", "R1", "--json").json["names"] == []
    assert order("orders", "names", "R1", bad, "--partial").code == 1
    assert [n["said"] for n in order("orders", "names", "R1", "--json").json["names"]] == ["x:one"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "names.txt, line 1: the text is not UTF-8."),
        (b"a\0b", "names.txt: the file is not a text file; save the table as CSV UTF-8."),
        (b" \n", "names.txt: the list contains no names."),
    ],
)
def test_a_file_that_is_no_list_is_refused(order: Blockline, content: bytes, why: str) -> None:
    Path("names.txt").write_bytes(content)
    assert refused(order("orders", "names", "R1", "names.txt")) == why


def test_names_of_an_unknown_order_are_refused(order: Blockline) -> None:
    assert refused(order("orders", "names", "R9", file("x:one"))).startswith("There is no order 'R9'")
    assert refused(order("orders", "names", "R9")).startswith("There is no order 'R9'")


def test_a_claim_is_put_on_record_once_with_its_number(order: Blockline) -> None:
    claim = (
        *("orders", "event", "R1", "--kind=claim", "--at=2021-02-11T00:00Z", "--text=126 acted upon"),
        *("--source=press", "--claimed=126", "--of=257", "--what=acted_on", "--targets=accounts"),
    )
    assert order(*claim).said == ["The claim of 2021-02-11T00:00:00+00:00 is stored for order R1."]
    assert order(*claim).said == ["The claim of 2021-02-11T00:00:00+00:00 is already stored."]
    assert acts(order)[0] == ("order event added", "order R1")


def test_an_event_may_belong_to_no_order(order: Blockline) -> None:
    ran = order("orders", "event", "-", "--kind=ruling", "--at=2021-02-11", "--text=t", "--source=s")
    assert ran.said == ["The ruling of 2021-02-11T00:00:00+00:00 is stored for no order."]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--claimed=5"], 2),
        (["--what=blocked"], 2),
        (["--of=5"], 2),
        (["--at-least"], 2),
        (["--targets=posts"], 2),
        (["--at-from=2021-02-12T00:00Z"], 1),
        (["--at-to=never"], 1),
        (["--kind=rumour"], 2),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(order: Blockline, options: list[str], code: int) -> None:
    event = ("orders", "event", "R1", "--kind=notice", "--at=2021-02-11", "--text=t", "--source=s")
    assert order(*event, *options).code == code
    assert order("orders", "event", "R9", *event[3:]).code == 1


def test_a_document_is_kept_once_under_its_hash_and_comes_back_as_it_was(order: Blockline) -> None:
    Path("order.pdf").write_bytes(b"%PDF-1.4 text")
    sha256 = hashlib.sha256(b"%PDF-1.4 text").hexdigest()
    attach = ("orders", "attach", "R1", "order.pdf", "--source=https://archive.example/1")
    assert order(*attach).said == [f"order.pdf (13 bytes) is attached to order R1. Its SHA-256 is {sha256}."]
    assert order(*attach).said == ["order.pdf is already attached to order R1; nothing was stored."]
    (kept,) = order("orders", "documents", "R1", "--json").json["documents"]
    assert (
        kept["name"],
        kept["media_type"],
        kept["sha256"],
        kept["size"],
        kept["source"],
        kept["added_by"],
    ) == (*("order.pdf", "application/pdf", sha256, 13, "https://archive.example/1", "command line"),)
    for n, called in enumerate(["order.pdf", sha256, sha256[:10]]):
        assert order("orders", "document", "R1", called, f"--output=back{n}.pdf").code == 0
        assert Path(f"back{n}.pdf").read_bytes() == b"%PDF-1.4 text"
    assert order("orders", "document", "R1", "order.pdf", "--output=back0.pdf").code == 1
    assert refused(order("orders", "document", "R1", "other.pdf", "--output=o")) == (
        "No document 'other.pdf' is attached; `blockline orders documents` lists them."
    )


def test_of_two_documents_of_one_name_the_hash_is_asked_for(order: Blockline) -> None:
    for content in ("one", "two"):
        order("orders", "attach", "R1", file(content, "a.txt"), "--source=s")
    assert refused(order("orders", "document", "R1", "a.txt", "--output=o")).startswith(
        "More than one document is called 'a.txt'; write its hash: "
    )


def test_a_file_that_cannot_be_attached_is_refused(order: Blockline) -> None:
    Path("big").write_bytes(b"x" * (20 * 1024 * 1024 + 1))
    Path("empty").touch()
    for name, why in {
        "big": "big: the file is larger than 20 MB.",
        "empty": "empty: the file is empty.",
        "nowhere": "nowhere: the file does not exist.",
        ".": ". is a folder; name a file in it.",
    }.items():
        assert refused(order("orders", "attach", "R1", name, "--source=s")) == why


def test_keywords_are_in_small_letters_without_the_sign_of_a_hashtag(order: Blockline) -> None:
    added = order("orders", "keywords", "R1", "--add", "#FarmersProtest rihanna", "--json").json
    assert added == {"reference": "R1", "keywords": ["farmersprotest", "rihanna"]}
    assert order("orders", "keywords", "R1", "--remove", "Rihanna").said == [
        "Order R1 has the keywords farmersprotest."
    ]
    assert acts(order)[0] == ("order keywords changed", "order R1")
    assert refused(order("orders", "keywords", "R1", "--add=a", "--remove=A")) == (
        "a: a keyword cannot be in both --add and --remove."
    )
    assert order("orders", "keywords", "R9", "--add=a").code == 1


ORDERS = "reference,title,issuer,country,legal_basis,issued_at,deadline_at,named_count,list\n"


@pytest.fixture
def run(run: Blockline) -> Blockline:
    Path("t.csv").write_bytes(TABLE)
    return run


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

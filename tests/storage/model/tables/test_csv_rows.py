"""Tables of users: every fault is one sentence that names the file and the line."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.imports.orders_executives_csv import executive_rows, order_rows
from storage.model.tables.csv_rows import TableError, header_of, read_table
from storage.model.tables.watch_list_csv import watch_rows

WATCH = b"platform,handle,account_id,list\n"
ORDER = b"reference,title,issuer,country,legal_basis,issued_at,deadline_at,named_count,list\n"
GOOD_ORDER = b"R-1,Order,Ministry,IN,Section 69A,2021-01-31T12:00:00+05:30,,257,Order 1\n"


def problems(parsed_problems: tuple[TableError, ...]) -> list[str]:
    return [str(p) for p in parsed_problems]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "watch.csv: the file is empty."),
        (b"\n , \n\n", "watch.csv: the file is empty."),
        (b"\xef\xbb\xbf", "watch.csv: the file is empty."),
        (WATCH, "watch.csv: the file has no row below the header."),
        (b"platform,account_id\nx,1\n", "watch.csv, line 1: missing column handle."),
        (b"handl,list\nx,1\n", "watch.csv, line 1: missing columns platform, handle."),
        (
            b"platform;handle;list\nx;a;b\n",
            "watch.csv, line 1: the columns are separated by semicolons; save the file with commas.",
        ),
        (
            b"platform\thandle\nx\ta\n",
            "watch.csv, line 1: the columns are separated by tabs; save the file with commas.",
        ),
        (b"platform,handle,handle\nx,a,b\n", "watch.csv, line 1: column handle appears more than once."),
        (
            WATCH + b'x,"a\nx,b,2,\n',
            "watch.csv, line 2: the file is not CSV: unexpected end of data.",
        ),
        (WATCH + b'x,"a"b,1,\n', "watch.csv, line 2: the file is not CSV: ',' expected after '\"'."),
        (
            WATCH + b"x,a,1,\nx,caf\xe9,2,\n",
            "watch.csv, line 3: the file is not UTF-8 text; save it as CSV UTF-8.",
        ),
        (
            (WATCH + b"x,a,1,\n").decode().encode("utf-16"),
            "watch.csv, line 1: the file is not UTF-8 text; save it as CSV UTF-8.",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(content: bytes, sentence: str) -> None:
    with pytest.raises(TableError) as refused:
        watch_rows(content, "watch.csv")
    assert str(refused.value) == sentence


def test_every_fault_is_collected_in_the_order_of_the_lines() -> None:
    content = WATCH + (
        b"x,good_one,1,Desk; Unions;Desk\n"
        b"x,short\n"
        b"myspace,tom,2,\n"
        b"x,,3,\n"
        b"x,two words,4,\n"
        b"x,spread,1.02056E+09,\n"
        b"x,letters,abc,\n"
        b"x,Good_One,9,\n"
        b"x,another,1,\n"
        b"x,a,5,Desk,more\n"
        b"bluesky,someone.example,,\n"
        b"mastodon,https://social.example/@bob,https://social.example/users/bob,\n"
        b"mastodon,@carol@social.example,https://social.example/users/carol#12,\n"
        b"bluesky,https://bsky.app/profile/did:plc:5q524mlvslhwwlcomnk7dzj4,,\n"
        b"bluesky,@bob@social.example,,\n"
        b"bluesky,dave.example,did:plc:abc,\n"
        b"mastodon,erin@social.example,12,\n"
        b"mastodon,https://social.example/users/frank#5,,\n"
    )
    parsed = watch_rows(content, "watch.csv")
    assert problems(parsed.problems) == [
        "watch.csv, line 3: expected 4 columns, found 2.",
        "watch.csv, line 4: unknown platform 'myspace'; known are bluesky, mastodon, x, youtube.",
        "watch.csv, line 5: handle is empty.",
        "watch.csv, line 6: 'two words' is not a handle, an id or an address of an account of X.",
        "watch.csv, line 7: '1.02056E+09' is an account id that a spreadsheet has shortened; "
        "keep ids as text.",
        "watch.csv, line 8: 'abc' is not an account id of X, such as 783214.",
        "watch.csv, line 9: account @Good_One is already on line 2; "
        "name all lists of an account on one line, with semicolons between them.",
        "watch.csv, line 10: account @another is already on line 2; "
        "name all lists of an account on one line, with semicolons between them.",
        "watch.csv, line 11: expected 4 columns, found 5.",
        "watch.csv, line 16: '@bob@social.example' names an account of Mastodon, not of Bluesky.",
        "watch.csv, line 17: 'did:plc:abc' is not an account id of Bluesky, such as "
        "did:plc:z72i7hdynmk6r22z27h6tvur.",
        "watch.csv, line 18: '12' is not an account id of Mastodon, such as "
        "https://mastodon.social/users/Gargron#1.",
        "watch.csv, line 19: handle 'https://social.example/users/frank#5' is an id; put the id into "
        "account_id and the handle into handle.",
    ]
    assert [(r.line, r.handle, r.account_id, r.part_of_id, r.lists) for r in parsed.rows] == [
        (2, "good_one", "1", None, ("Desk", "Unions")),
        (12, "someone.example", None, None, ()),
        (13, "bob@social.example", None, "https://social.example/users/bob", ()),
        (14, "carol@social.example", "https://social.example/users/carol#12", None, ()),
        (15, "did:plc:5q524mlvslhwwlcomnk7dzj4", None, None, ()),
    ]


def test_an_executive_needs_name_and_title_and_comes_once() -> None:
    content = b"platform,handle,account_id,name,title\nx,boss,1,,Chief\nx,a,2,A,T\nx,a,,A,T\n"
    assert problems(executive_rows(content, "people.csv").problems) == [
        "people.csv, line 2: name is empty.",
        "people.csv, line 4: account @a is already on line 3.",
    ]


ISSUED = "2021-01-31T12:00:00+05:30"


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        (ISSUED, "2021-02-30T12:00:00Z", "issued_at '2021-02-30T12:00:00Z' is an impossible time."),
        (ISSUED, "yesterday", "issued_at 'yesterday' is an impossible time."),
        (ISSUED, "0001-01-01T00:00:00Z", "issued_at '0001-01-01T00:00:00Z' is an impossible time."),
        (ISSUED, "0001-01-01T00:00+14:00", "issued_at '0001-01-01T00:00+14:00' is an impossible time."),
        (
            ISSUED,
            "2021-01-31 12:00",
            "issued_at '2021-01-31 12:00' has no time zone; write it like 2021-01-31T06:30:00Z.",
        ),
        (ISSUED, "", "issued_at is empty."),
        (",,257", ",2021-01-30T00:00:00Z,257", "deadline_at is before issued_at."),
        (",IN,", ",India,", "'India' is not a country code of two capital letters."),
        ("257", "some", "named_count 'some' is not a number of accounts."),
        ("257", "-1", "named_count '-1' is not a number of accounts."),
        ("R-1", "", "reference is empty."),
        ("Order 1", "", "list is empty."),
    ],
)
def test_an_order_with_a_cell_that_cannot_be_is_refused(
    good: str, bad: str, fault: str, now: datetime
) -> None:
    content = ORDER + GOOD_ORDER.replace(good.encode(), bad.encode())
    parsed = order_rows(content, "orders.csv", now)
    assert problems(parsed.problems) == [f"orders.csv, line 2: {fault}"]
    assert parsed.rows == ()


def test_a_reference_and_a_list_belong_to_one_order_each(now: datetime) -> None:
    other = GOOD_ORDER.replace(b"R-1", b"R-2")
    parsed = order_rows(ORDER + GOOD_ORDER + GOOD_ORDER + other, "orders.csv", now)
    assert problems(parsed.problems) == [
        "orders.csv, line 3: order R-1 is already on line 2.",
        "orders.csv, line 4: list 'Order 1' already belongs to the order on line 2.",
    ]


def said_of(content: bytes) -> tuple[list[str], int]:
    """The sentences that reading a file gives, and its number of rows."""
    try:
        parsed = read_table(content, "watch.csv", ("platform", "handle"), ("account_id", "list"))
    except TableError as refused:
        return [str(refused)], 0
    return problems(parsed.problems), len(parsed.rows)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_end_in_anything_but_rows_or_sentences(content: bytes) -> None:
    header_of(content)
    sentences, rows = said_of(WATCH + content)
    assert sentences or rows
    assert all(s.startswith("watch.csv") and s.endswith(".") for s in sentences)

"""History files: what they mean, and the one sentence said of each fault."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.simulator.engagement_file import parse_acts
from collectors.simulator.history import HistoryError, parse_history, settled
from collectors.simulator.history_files import load_history
from collectors.simulator.recorded_history import parse_recorded
from collectors.x.declaration import X
from storage.model.core.availability import State, Status

HEADER = "platform,account_id,handle,at,status,withheld_in,list"
RECORDED = "account_id,platform,status,seen_from,seen_to"
ACTS = "actor_id,at,kind,post_id,target_id,target_author_id"

DID = "did:plc:5q524mlvslhwwlcomnk7dzj4"
ACTOR = "https://mastodon.example/users/alice#1098765"

AVAILABLE, SUSPENDED = State(Status.AVAILABLE), State(Status.SUSPENDED)
T0 = datetime(2021, 2, 1, tzinfo=UTC)


def hours(n: float) -> datetime:
    return T0 + timedelta(hours=n)


def stamp(n: float) -> str:
    return hours(n).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("x,7,a,2021-02-01T00:00:00Z,available", "the line has 5 columns, but the header has 7"),
        ("x,7,a,2021-02-01T00:00:00Z,gone,,", "unknown status 'gone'"),
        ("x,7,a,2021-02-30T00:00:00Z,available,,", "impossible time '2021-02-30T00:00:00Z'"),
        ("x,7,a,0001-01-01T00:00:00+05:00,available,,", "impossible time"),
        ("y,7,a,2021-02-01T00:00:00Z,available,,", "unknown platform 'y'"),
        ("x,,a,2021-02-01T00:00:00Z,available,,", "'' is not an id of x"),
        ("x,seven,a,2021-02-01T00:00:00Z,available,,", "'seven' is not an id of x"),
        ("x,7,a.b,2021-02-01T00:00:00Z,available,,", "'a.b' is not a handle of x"),
        ("bluesky,7,a.test,2021-02-01T00:00:00Z,available,,", "'7' is not an id of bluesky"),
        ("bluesky,did:plc:short,a.test,2021-02-01T00:00:00Z,available,,", "is not an id of bluesky"),
        (f"bluesky,{DID},alice,2021-02-01T00:00:00Z,available,,", "'alice' is not a handle of bluesky"),
        (
            "mastodon,https://a.example/users/b,b@a.example,2021-02-01T00:00:00Z,available,,",
            "is not an id of mastodon",
        ),
        ("mastodon,alice@a.example,b@a.example,2021-02-01T00:00:00Z,available,,", "is not an id of mastodon"),
        (f"mastodon,{ACTOR},alice,2021-02-01T00:00:00Z,available,,", "'alice' is not a handle of mastodon"),
        ("x,7,,2021-02-01T00:00:00Z,available,,", "the handle is empty"),
        ("x,7,a,2021-02-01T00:00:00Z,withheld,,", "withheld without countries"),
        ("x,7,a,2021-02-01T00:00:00Z,available,IN,", "countries for a status available"),
        ("x,7,a,2021-02-01T00:00:00Z,withheld,India,", "'India' is not a country code"),
        ("x,7,a,2021-02-01T00:00:00Z,withheld,XY,", "'XY' is not a country code"),
        ('x,7,"a,2021-02-01T00:00:00Z,available,,', "not CSV"),
        ("x,6,a,2021-02-01T00:00:00.0Z,suspended,,", "6 has two rows"),
    ],
)
def test_a_faulty_line_is_named_with_its_file_and_number(line: str, fault: str) -> None:
    lines = [HEADER, "x,6,a,2021-02-01T00:00:00Z,available,,", line]
    with pytest.raises(HistoryError) as refusal:
        parse_history(lines, "h.csv")
    message = str(refusal.value)
    assert message.startswith("h.csv, line 3: ")
    assert fault in message
    assert "\n" not in message


def detailed(*rows: str) -> list[str]:
    return [f"{HEADER},detail", *(f"bluesky,{DID},a.test,{row}" for row in rows)]


def test_a_detail_says_more_of_a_state_and_a_change_of_it_alone_is_an_entry_of_its_own() -> None:
    lines = detailed(
        f"{stamp(0)},available,,,",
        f"{stamp(1)},suspended,,,app_view_only",
        f"{stamp(2)},suspended,,,app_view_only",
        f"{stamp(3)},suspended,,,",
    )
    (account,) = parse_history(lines, "h.csv").accounts
    assert account.times == (hours(0), hours(1), hours(3))
    assert account.states == (AVAILABLE, SUSPENDED, SUSPENDED)
    assert account.details == ("", "app_view_only", "")
    assert [account.detail_at(hours(n)) for n in (-1, 0.5, 2.5, 3)] == ["", "", "app_view_only", ""]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"bluesky,{DID},a.test,{stamp(2)},suspended,,,host", "unknown detail 'host'"),
        (f"bluesky,{DID},a.test,{stamp(2)},available,,,app_view_only", "of bluesky that is available"),
        (f"x,7,a,{stamp(2)},suspended,,,app_view_only", "of x that is suspended"),
    ],
)
def test_a_detail_that_cannot_be_is_named(line: str, fault: str) -> None:
    with pytest.raises(HistoryError, match=rf"^h\.csv, line 3: .*{fault}"):
        parse_history([*detailed(f"{stamp(1)},available,,,"), line], "h.csv")


@given(st.dictionaries(st.integers(0, 50), st.sampled_from([AVAILABLE, SUSPENDED]), min_size=1), st.data())
def test_the_order_of_the_rows_does_not_change_the_truth(rows: dict[int, State], data: st.DataObject) -> None:
    distinct = [(hours(n), state, "a") for n, state in rows.items()]
    account = settled(X, "7", distinct)
    assert account == settled(X, "7", data.draw(st.permutations(distinct)))
    assert all(one != other for one, other in zip(account.states, account.states[1:], strict=False))
    for at, state, _ in distinct:
        assert account.at(at) == state


# recorded statuses ---------------------------------------------------------------------------------------


def test_handles_of_a_recorded_status_are_made_up_as_its_platform_has_them() -> None:
    lines = [
        RECORDED,
        f"{DID},bluesky,suspended,{stamp(1)},{stamp(1)}",
        f"did:web:alice.example%3A3000,bluesky,suspended,{stamp(1)},{stamp(1)}",
        f"{ACTOR},mastodon,suspended,{stamp(1)},{stamp(1)}",
    ]
    handles = [account.handles[0] for account in parse_recorded(lines, "r.csv").accounts]
    assert handles == [
        "5q524mlvslhwwlcomnk7dzj4.test",
        "alice.example.test",
        "acct_1098765@mastodon.example",
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"7,x,gone,{stamp(1)},{stamp(1)}", "unknown status"),
        (f"7,x,withheld,{stamp(1)},{stamp(1)}", "unknown status"),
        (f"7,y,available,{stamp(1)},{stamp(1)}", "unknown platform"),
        (f"a,x,available,{stamp(1)},{stamp(1)}", "not an id of x"),
        (f"7,bluesky,available,{stamp(1)},{stamp(1)}", "not an id of bluesky"),
        ("7,x,available,soon,later", "impossible time"),
        (f"6,x,suspended,{stamp(1)},{stamp(4)}", "two rows"),
        ("7,x,available", "3 columns"),
    ],
)
def test_a_faulty_recorded_line_is_named(line: str, fault: str) -> None:
    lines = [RECORDED, f"6,x,available,{stamp(1)},{stamp(1)}", line]
    with pytest.raises(HistoryError, match=rf"^r\.csv, line 3: .*{fault}"):
        parse_recorded(lines, "r.csv")


# acts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"9,{stamp(2)},wave,50,,", "unknown kind of engagement 'wave'"),
        (f"9,{stamp(2)},follow,50,,", "cannot show an engagement of kind follow"),
        (f"9,{stamp(2)},repost,50,,", "a repost needs a target"),
        (f"9,{stamp(2)},post,,,", "is not an id of X"),
        (f"me,{stamp(2)},post,50,,", "'me' is not an id of X"),
        (f"9,{stamp(2)},post,45,,", "two engagements with post id 45"),
        (f"9,{stamp(0)},post,46,,", "post 46 is older than a post with a smaller id by the same actor"),
        ("9,now,post,50,,", "impossible time"),
        ("9", "1 columns"),
    ],
)
def test_a_faulty_act_is_named(line: str, fault: str) -> None:
    with pytest.raises(HistoryError, match=rf"^a\.csv, line 3: .*{fault}"):
        parse_acts([ACTS, f"9,{stamp(1)},post,45,,", line], "a.csv")


# files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("h.csv.gz", b"plain text", "not a complete gzip file"),
        ("h.csv.gz", gzip.compress(HEADER.encode() * 50, mtime=0)[:-9], "not a complete gzip file"),
        ("h.csv", HEADER.encode() + b"\nx,7,\xff\xfe", "not UTF-8 text"),
        ("h.csv", None, "the file does not exist"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named(
    name: str, content: bytes | None, fault: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HistoryError, match=rf"^{name}: .*{fault}"):
        load_history(path)

"""What a published crawl of withheld accounts is taken to mean: never more than it says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from jobs.imports.withheld_crawl import Crawl, read_crawl
from storage.model.core.availability import State, Status, change_key
from storage.model.tables.csv_rows import TableError

CRAWL = (Path(__file__).parent.parent.parent / "fixtures" / "withheld_crawl.csv").read_text()
"""Invented accounts, 101 to 107."""
HEADER = CRAWL.splitlines(keepends=True)[0]
DE, DE_FR = State(Status.WITHHELD, ("DE",)), State(Status.WITHHELD, ("DE", "FR"))


def crawl(text: str = CRAWL) -> Crawl:
    return read_crawl(text.encode(), "crawl.csv")


def line(
    *,
    day: str = "2017-10-02",
    account_id: str = "1",
    handle: str = "a",
    country: str = "DE",
    here: str = "withheld",
    category: str = "withheld",
    at_end: str = "DE",
    ever: str = "DE",
    more: str = "",
) -> str:
    return f"{day},{account_id},{handle},{country},{here},{category},{at_end},{ever},10,2015{more}\n"


def end(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)


def changes(native_id: str) -> list[tuple[State | None, State, datetime | None, datetime]]:
    return [
        (c.old, c.new, c.last_seen_old, c.first_seen_new)
        for c in crawl().history.changes
        if c.native_id == native_id
    ]


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        (
            {"day": "2017-13-02"},
            ["first_observed_date '2017-13-02' is not a valid day; write it like 2021-01-31."],
        ),
        (
            {"day": "0001-01-01"},
            ["first_observed_date '0001-01-01' is not a valid day; write it like 2021-01-31."],
        ),
        (
            {"day": "2017-1-2"},
            ["first_observed_date '2017-1-2' is not a valid day; write it like 2021-01-31."],
        ),
        ({"here": "banned"}, ["unknown status 'banned' in status_here_at_end."]),
        ({"category": "banned"}, ["unknown status 'banned' in account_category_at_end."]),
        ({"country": "Germany"}, ["'Germany' is not a country code of two capital letters."]),
        ({"account_id": "one"}, ["'one' is not an account id of X, such as 783214."]),
        ({"more": ",1"}, ["expected 10 columns, found 11."]),
        ({"category": "inactive"}, ["withheld in DE, but the account is inactive."]),
        (
            {"here": "not_withheld", "category": "not_withheld"},
            ["not_withheld in DE, but withheld_in_at_end is DE."],
        ),
        ({"at_end": ""}, ["withheld in DE, but withheld_in_at_end is empty."]),
        ({"at_end": "everywhere"}, ["'everywhere' is not a country code of two capital letters."]),
        (
            {"ever": "FR"},
            [
                "withheld_ever does not name all the countries of this line.",
                "withheld_ever names FR, for which there is no line.",
            ],
        ),
        (
            {"day": "2018-01-11", "here": "not_withheld", "category": "not_withheld", "at_end": ""},
            [
                "seen withheld and no longer withheld on the last day of the file: "
                "which came first is not said."
            ],
        ),
    ],
)
def test_a_line_that_cannot_be_true_is_named_and_its_account_left_out(
    cells: dict[str, str], faults: list[str]
) -> None:
    read = crawl(CRAWL + line(**cells))
    assert [str(p) for p in read.problems] == [f"crawl.csv, line 11: {fault}" for fault in faults]
    assert read.pairs == 9
    assert [a.native_id for a in read.history.accounts] == [str(n) for n in range(101, 108)]


@pytest.mark.parametrize(("country", "first"), [("DE", 2), ("FR", 8)])
def test_a_pair_comes_once_and_both_lines_are_named(country: str, first: int) -> None:
    read = crawl(
        CRAWL + line(account_id="101", handle="grows", country=country, at_end="DE+FR", ever="DE+FR")
    )
    (problem,) = read.problems
    assert str(problem) == f"crawl.csv, line 11: account 101 in {country} is already on line {first}."
    assert "101" not in {a.native_id for a in read.history.accounts}


def test_lines_of_one_account_must_agree_about_it() -> None:
    read = crawl(CRAWL + line(account_id="103", handle="renamed", country="FR"))
    assert [str(p) for p in read.problems] == [
        "crawl.csv, line 11: says something else of account 103 than line 4."
    ]


def test_an_empty_crawl_is_refused() -> None:
    with pytest.raises(TableError, match="the file has no row below the header"):
        crawl(HEADER)


@given(
    days=st.lists(st.integers(1, 28), min_size=1, max_size=5),
    kept=st.lists(st.booleans(), min_size=5, max_size=5),
    inactive=st.booleans(),
)
def test_no_country_is_ever_claimed_before_its_first_date_or_dropped_before_the_end(
    days: list[int], kept: list[bool], inactive: bool
) -> None:
    countries = ["BR", "DE", "FR", "GB", "IN"][: len(days)]
    ever = "+".join(countries)
    held = [c for c, keep in zip(countries, kept, strict=False) if keep or inactive]
    category = "inactive" if inactive else "withheld" if held else "not_withheld"
    text = HEADER + "2018-01-11,9,other,TR,withheld,withheld,TR,TR,1,2015\n"
    for day, country in zip(days, countries, strict=True):
        here = category if inactive else "withheld" if country in held else "not_withheld"
        text += f"2017-12-{day:02},1,a,{country},{here},{category},{'+'.join(held)},{ever},1,2015\n"
    read = crawl(text)
    assert not read.problems
    told = [c for c in read.history.changes if c.native_id == "1"]
    for change in told:
        by_then = {
            c for d, c in zip(days, countries, strict=True) if end(2017, 12, d) <= change.first_seen_new
        }
        if change.first_seen_new < end(2018, 1, 11):
            assert set(change.new.withheld_in) == by_then
        else:
            assert change.new.withheld_in == tuple(held)
        assert (change.last_seen_old is None) == (change.old is None)
    times = [c.first_seen_new for c in told]
    assert times == sorted(set(times))
    assert told[-1].new.withheld_in == tuple(held)


def test_the_key_of_a_change_is_the_same_in_every_zone_and_differs_by_each_part() -> None:
    at = end(2017, 10, 2)
    india = at.astimezone(tz=datetime.fromisoformat("2017-10-02T00:00:00+05:30").tzinfo)
    key = change_key(X, "1", DE, at)
    assert len(key) == 64
    assert key == change_key(X, "1", DE, india)
    others = {
        change_key(BLUESKY, "1", DE, at),
        change_key(X, "2", DE, at),
        change_key(X, "1", DE_FR, at),
        change_key(X, "1", DE, at + timedelta(seconds=1)),
    }
    assert len(others | {key}) == 5
    with pytest.raises(ValueError, match="zone"):
        change_key(X, "1", DE, at.replace(tzinfo=None))

"""What a published history is taken to mean: never more than it says."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.imports.histories import Histories, read_histories
from storage.model.bitemporal.imported_records import (
    ImportedChange,
    Observation,
    StoredImportedChange,
    changes_told,
)
from storage.model.core.availability import State, Status
from storage.model.tables.csv_rows import header_of

HISTORY = "platform,account_id,handle,at,status,withheld_in,list\n"
SPANS = "account_id,platform,status,seen_from,seen_to\n"
RESTORATIONS = "account_id,suspended_seen_at,restored_seen_at,followers\n"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AVAILABLE, SUSPENDED = State(Status.AVAILABLE), State(Status.SUSPENDED)
STATES = (AVAILABLE, SUSPENDED, State(Status.WITHHELD, ("IN",)), State(Status.NOT_FOUND))


def day(n: int) -> datetime:
    return datetime(2022, 1, n, tzinfo=UTC)


def at(n: int) -> str:
    return f"2022-01-{n:02}T00:00:00Z"


def span(account: str, status: str, since: int, until: int) -> str:
    return f"{account},x,{status},{at(since)},{at(until)}\n"


def read(text: str) -> Histories:
    content = text.encode()
    return read_histories(content, "h.csv", header_of(content), NOW)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (SPANS + span("5", "available", 3, 2), ["line 2: seen_to is before seen_from."]),
        (
            SPANS + span("5", "banned", 1, 1),
            [
                "line 2: unknown status 'banned'. Use one of: available, protected, withheld, suspended, "
                "deactivated, not_found."
            ],
        ),
        (
            SPANS + span("5", "available", 1, 2).replace(",x,", ",y,"),
            ["line 2: unknown platform 'y'; known are bluesky, mastodon, x, youtube."],
        ),
        (
            SPANS + span("five", "available", 1, 2),
            ["line 2: 'five' is not an account id of X, such as 783214."],
        ),
        (
            SPANS + span("1.2e17", "available", 1, 2),
            ["line 2: '1.2e17' is an account id that a spreadsheet has shortened; keep ids as text."],
        ),
        (
            SPANS + span("5", "available", 1, 2).replace("-01-01T", "-13-01T"),
            ["line 2: seen_from '2022-13-01T00:00:00Z' is an impossible time."],
        ),
        (
            SPANS + span("5", "available", 1, 2).replace("Z", ""),
            ["line 2: seen_from '2022-01-01T00:00:00' has no time zone; write it like 2021-01-31T06:30:00Z."],
        ),
        (
            SPANS + span("5", "available", 1, 2).replace("2022-01-02", "2027-01-02"),
            ["line 2: 2027-01-02T00:00:00Z is in the future."],
        ),
        (
            SPANS + span("5", "available", 1, 2) * 2,
            ["line 3: line 2 already says the same about account 5."],
        ),
        (
            SPANS + span("5", "available", 1, 1) + span("5", "suspended", 1, 1),
            [
                f"line 2: account 5 is available at {at(1)}, but suspended at {at(1)} on line 3, "
                "and which came first is not known.",
                f"line 3: account 5 is suspended at {at(1)}, but available at {at(1)} on line 2, "
                "and which came first is not known.",
            ],
        ),
        (
            SPANS + span("5", "suspended", 1, 9) + span("5", "available", 4, 4),
            [
                f"line 2: account 5 is suspended at {at(1)} to {at(9)}, but available at {at(4)} on line 3, "
                "and which came first is not known.",
                f"line 3: account 5 is available at {at(4)}, but suspended at {at(1)} to {at(9)} on line 2, "
                "and which came first is not known.",
            ],
        ),
        (
            RESTORATIONS + f"5,{at(4)},{at(3)},\n",
            ["line 2: restored_seen_at must be after suspended_seen_at."],
        ),
        (RESTORATIONS + f"5,{at(4)},,\n", ["line 2: restored_seen_at is empty."]),
        (
            HISTORY + f"x,5,a,{at(1)},withheld,,L\n",
            ["line 2: withheld_in must name at least one country when the status is withheld."],
        ),
        (
            HISTORY + f"x,5,a,{at(1)},available,IN,L\n",
            ["line 2: withheld_in must not name countries when the status is available."],
        ),
        (
            HISTORY + f"x,5,a,{at(1)},withheld,India,L\n",
            ["line 2: 'India' is not a country code of two capital letters."],
        ),
        (
            HISTORY + f"x,5,a,{at(1)},withheld,XY,L\n",
            ["line 2: 'XY' means a copyright notice, not a country. Leave it out."],
        ),
        (
            HISTORY + "x,5,a,0001-01-01T00:00:00Z,available,,L\n",
            ["line 2: at '0001-01-01T00:00:00Z' is an impossible time."],
        ),
        (SPANS + "5,x\n", ["line 2: expected 5 columns, found 2."]),
    ],
)
def test_a_line_that_cannot_be_true_is_named(text: str, problems: list[str]) -> None:
    found = read(text)
    assert [str(p) for p in found.problems] == [f"h.csv, {problem}" for problem in problems]


def stored(
    before: Sequence[StoredImportedChange], changes: Sequence[ImportedChange], ids: "itertools.count[int]"
) -> list[StoredImportedChange]:
    """What stands after these changes were stored."""
    superseded = {c.supersedes for c in changes}
    return [t for t in before if t.change_id not in superseded] + [
        StoredImportedChange(
            next(ids),
            c.old,
            c.new,
            c.last_seen_old,
            c.first_seen_new,
            c.readings,
            c.last_agreeing_at,
            c.evidence,
            c.old_evidence,
        )
        for c in changes
    ]


def bounds(changes: Sequence[StoredImportedChange | ImportedChange]) -> set[tuple[object, ...]]:
    return {(c.old, c.new, c.last_seen_old, c.first_seen_new, c.last_agreeing_at) for c in changes}


@given(
    seen=st.dictionaries(st.integers(1, 28), st.sampled_from(STATES), min_size=1, max_size=14),
    parts=st.lists(st.lists(st.integers(1, 28), max_size=14), max_size=5),
)
def test_the_parts_of_a_record_tell_the_same_in_any_order_and_twice_nothing(
    seen: dict[int, State], parts: list[list[int]]
) -> None:
    observations = {n: Observation(day(n), state, b"%d" % n) for n, state in seen.items()}
    ids = itertools.count()
    before: list[StoredImportedChange] = []
    there: set[int] = set()
    for part in [*parts, list(seen)]:
        there |= set(part)
        brought = [observations[n] for n in part if n in observations]
        before = stored(before, changes_told("5", brought, before), ids)
        assert changes_told("5", brought, before) == []
        for change in before:
            looks = [
                n for n in there & seen.keys() if change.first_seen_new <= day(n) <= change.last_agreeing_at
            ]
            assert change.readings <= len(looks)
            assert {seen[n] for n in looks} == {change.new}
    assert bounds(before) == bounds(changes_told("5", observations.values()))

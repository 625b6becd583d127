"""Pure: a published crawl of accounts withheld by country becomes a history that says no more than it.

What the file says, and what is made of it:

- `first_observed_date` D of an account and country means "withheld there on D or before". The look
  happened at some time on that day, so its state is first seen at the last second of D and, where it
  bounds a later change, last seen at the first second of D. The flag `day_only` says so to whoever
  compares it with what others tell. The first state of an account has no earlier bound. Each later date
  of the account adds countries to what its earlier look showed.
- The crawl ended on the last date of the file, when every account was looked at once more.
  `withheld` agrees with what was seen; `not_withheld` is a change since the account's last date.
- `inactive` (suspended, deleted or deactivated) and `media_violation` (removed everywhere) tell none of
  our statuses for certain: that look is a miss, and the last known state stands.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.bitemporal.imported_records import (
    DAY_END,
    ImportedAccount,
    ImportedBatch,
    ImportedChange,
    ImportedHistory,
)
from storage.model.core.availability import Flag, Missed, MissedReason, State, Status, Strength
from storage.model.platforms.registry import USUAL_PLATFORM
from storage.model.tables import csv_cells
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import CsvRow, TableError, read_table, sorted_problems

COLUMNS = (
    "first_observed_date",
    "account_id",
    "handle",
    "country",
    "status_here_at_end",
    "account_category_at_end",
    "withheld_in_at_end",
    "withheld_ever",
)
LIST_NAME = "Withheld 2017-18 crawl"


class AtEnd(StrEnum):
    """What the last look of the crawl found."""

    WITHHELD = "withheld"
    NOT_WITHHELD = "not_withheld"
    INACTIVE = "inactive"
    MEDIA_VIOLATION = "media_violation"

    @property
    def is_conclusive(self) -> bool:
        return self in {AtEnd.WITHHELD, AtEnd.NOT_WITHHELD}


@dataclass(frozen=True, slots=True)
class Pair:
    """One line: an account and a country."""

    line: int
    day: datetime
    native_id: str
    handle: str
    country: str
    here: AtEnd
    category: AtEnd
    at_end: tuple[str, ...]
    ever: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crawl:
    history: ImportedHistory
    """Of the accounts without a problem."""
    pairs: int
    """Lines that the history was made of."""
    problems: tuple[TableError, ...]


def is_crawl(columns: Sequence[str]) -> bool:
    """Whether a file with this header is such a crawl."""
    return set(COLUMNS) <= set(columns)


def read_crawl(content: bytes, name: str) -> Crawl:
    """The history in a file called `name`, kept under the name of the file without its ending.

    Raises TableError when the file as a whole cannot be read.
    """
    table = read_table(content, name, COLUMNS)
    problems = list(table.problems)
    accounts: dict[str, list[Pair]] = {}
    for row in table.rows:
        try:
            pair = _pair(row)
        except CellError as fault:
            problems.append(TableError(name, row.line, str(fault)))
        else:
            accounts.setdefault(pair.native_id, []).append(pair)
    end = max((pair.day for pairs in accounts.values() for pair in pairs), default=None)
    sound: list[list[Pair]] = []
    for pairs in accounts.values():
        faults = [TableError(name, *f) for f in _contradictions(pairs, end)]
        problems += faults
        if not faults:
            sound.append(pairs)
    history = ImportedHistory(
        name=name.removesuffix(".csv"),
        list_name=LIST_NAME,
        platform=USUAL_PLATFORM,
        accounts=tuple(ImportedAccount(pairs[0].native_id, pairs[0].handle) for pairs in sound),
        changes=tuple(change for pairs in sound for change in _changes(pairs, end)) if end else (),
        looks=_looks(sound, end) if end else (),
    )
    return Crawl(history, sum(map(len, sound)), sorted_problems(problems))


def _pair(row: CsvRow) -> Pair:
    at_end = row["withheld_in_at_end"]
    category = _at_end(row["account_category_at_end"], "account_category_at_end")
    everywhere = category is AtEnd.MEDIA_VIOLATION and at_end == "everywhere"
    return Pair(
        line=row.line,
        day=csv_cells.day(row["first_observed_date"], "first_observed_date"),
        native_id=csv_cells.account_id(row["account_id"], USUAL_PLATFORM),
        handle=csv_cells.handle(row["handle"], USUAL_PLATFORM),
        country=csv_cells.country(row["country"]),
        here=_at_end(row["status_here_at_end"], "status_here_at_end"),
        category=category,
        at_end=() if everywhere else _countries(at_end),
        ever=_countries(row["withheld_ever"]),
    )


def _at_end(cell: str, column: str) -> AtEnd:
    try:
        return AtEnd(cell)
    except ValueError as error:
        raise CellError(f"unknown status {cell!r} in {column}.") from error


def _countries(cell: str) -> tuple[str, ...]:
    return tuple(sorted({csv_cells.country(code) for code in cell.split("+")})) if cell else ()


def _contradictions(pairs: Sequence[Pair], end: datetime | None) -> list[tuple[int, str]]:
    """Line and fault of everything in the lines of one account that cannot be true together."""
    out: list[tuple[int, str]] = []
    first = pairs[0]
    lines: dict[str, int] = {}
    for pair in pairs:
        if pair.country in lines:
            fault = f"account {pair.native_id} in {pair.country} is already on line {lines[pair.country]}."
            out.append((pair.line, fault))
        lines.setdefault(pair.country, pair.line)
        if _of_account(pair) != _of_account(first):
            out.append(
                (pair.line, f"says something else of account {pair.native_id} than line {first.line}.")
            )
        elif fault := _contradiction(pair, end):
            out.append((pair.line, fault))
    if absent := sorted(set(first.ever) - set(lines)):
        out.append((first.line, f"withheld_ever names {', '.join(absent)}, for which there is no line."))
    return out


def _of_account(pair: Pair) -> tuple[object, ...]:
    return pair.handle, pair.category, pair.at_end, pair.ever


def _contradiction(pair: Pair, end: datetime | None) -> str | None:
    listed = pair.country in pair.at_end
    kinds = {AtEnd.WITHHELD, AtEnd.NOT_WITHHELD} if pair.category is AtEnd.WITHHELD else {pair.category}
    if pair.country not in pair.ever or not set(pair.at_end) <= set(pair.ever):
        return "withheld_ever does not name all the countries of this line."
    if pair.here not in kinds:
        return f"{pair.here} in {pair.country}, but the account is {pair.category}."
    if pair.category is not AtEnd.MEDIA_VIOLATION and listed != (pair.here is not AtEnd.NOT_WITHHELD):
        return f"{pair.here} in {pair.country}, but withheld_in_at_end is {'+'.join(pair.at_end) or 'empty'}."
    if pair.here is AtEnd.NOT_WITHHELD and pair.day == end:
        return (
            "seen withheld and no longer withheld on the last day of the file: which came first is not said."
        )
    return None


def _changes(pairs: Sequence[Pair], end: datetime) -> list[ImportedChange]:
    """The states of one account: one for each of its dates, and one more if the end shows another."""
    days = sorted({pair.day for pair in pairs})
    steps = [(day, _withheld([p for p in pairs if p.day <= day])) for day in days]
    category = pairs[0].category
    final = _withheld([p for p in pairs if p.here is AtEnd.WITHHELD])
    if category.is_conclusive and final != steps[-1][1]:
        steps.append((end, final))
    out: list[ImportedChange] = []
    evidence = _evidence(pairs)
    for n, (day, state) in enumerate(steps):
        lasted = category.is_conclusive and n == len(steps) - 1 and day < end
        out.append(
            ImportedChange(
                native_id=pairs[0].native_id,
                old=steps[n - 1][1] if n else None,
                new=state,
                strength=Strength.STRONG,
                last_seen_old=steps[n - 1][0] if n else None,
                first_seen_new=day + DAY_END,
                readings=1 + lasted,
                last_agreeing_at=(end if lasted else day) + DAY_END,
                evidence=evidence,
                old_evidence=evidence if n else None,
                flags=frozenset({Flag.DAY_ONLY}),
            )
        )
    return out


def _withheld(pairs: Sequence[Pair]) -> State:
    countries = tuple(sorted({pair.country for pair in pairs}))
    return State(Status.WITHHELD, countries) if countries else State(Status.AVAILABLE)


def _evidence(pairs: Sequence[Pair]) -> bytes:
    said = [
        {
            "line": pair.line,
            "first_observed_date": f"{pair.day:%Y-%m-%d}",
            "country": pair.country,
            "status_here_at_end": pair.here.value,
        }
        for pair in pairs
    ]
    return json.dumps({"account_id": pairs[0].native_id, "file": said}, separators=(",", ":")).encode()


def _looks(accounts: Sequence[Sequence[Pair]], end: datetime) -> tuple[ImportedBatch, ...]:
    """A look for each date of the file, and the one at everybody when the crawl ended."""
    seen: dict[datetime, list[str]] = {}
    for pairs in accounts:
        for day in {pair.day for pair in pairs}:
            seen.setdefault(day, []).append(pairs[0].native_id)
    looks = [ImportedBatch(day, day + DAY_END, 0, tuple(seen[day])) for day in sorted(seen)]
    ended = ImportedBatch(
        since=end,
        at=end + DAY_END,
        number=1,
        answered=tuple(p[0].native_id for p in accounts if p[0].category.is_conclusive),
        missed=tuple(
            Missed(p[0].native_id, end + DAY_END, MissedReason.UNCLASSIFIED, p[0].category.value)
            for p in accounts
            if not p[0].category.is_conclusive
        ),
    )
    return (*looks, ended) if accounts else ()

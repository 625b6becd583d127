"""Pure: published histories of account statuses, in three forms, become sightings and nothing more.

Every time in such a file is a time of observation. The header tells the form:

- a status history `platform,account_id,handle,at,status,withheld_in[,list]`: a line is one sighting;
- spans `account_id,platform,status,seen_from,seen_to[,handle,withheld_in,list]`: the state was seen at both
  ends. The file says that it lasted in between, so a line with another state in that time contradicts it;
- restorations `account_id,suspended_seen_at,restored_seen_at[,platform,handle,list]`, of X where the platform
  is not named: seen suspended, later seen again. "Restored" becomes `available`: the file does not
  say whether the account was protected. Without `suspended_seen_at` the time of the suspension is not known,
  and only the later sighting is taken.

Two lines about one account that cannot both be true are both refused, because the file does not say which
came first. The remaining lines say less, never more: their intervals are wider. An account on no list gets
the one of the import. An account without a handle in the file is stored as `id:` and its id. Renames are not
imported.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from storage.model.bitemporal.imported_records import (
    ImportedAccount,
    ImportedChange,
    ImportedHistory,
    ImportedSpan,
    Observation,
    StoredImportedChange,
    changes_told,
)
from storage.model.core.accounts import Platform
from storage.model.core.availability import EVERYWHERE, State, Status
from storage.model.platforms.registry import USUAL_PLATFORM
from storage.model.tables import csv_cells
from storage.model.tables.account_references import ID_PREFIX
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import CsvRow, Parsed, TableError, read_table, sorted_problems

Key = tuple[Platform, str]

HISTORY = ("platform", "account_id", "handle", "at", "status", "withheld_in")
SPANS = ("account_id", "platform", "status", "seen_from", "seen_to")
RESTORATIONS = ("account_id", "suspended_seen_at", "restored_seen_at")

_COPYRIGHT = "XY"
"""X's pseudo country code for a copyright notice, which is not a status of an account."""
_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_STORED = 0
"""The line number of what is stored already."""


@dataclass(frozen=True, slots=True)
class HistorySighting:
    """An account was seen in a state at `since` and at `until`, which may be one time."""

    line: int
    since: datetime
    until: datetime
    state: State
    evidence: bytes = b""


@dataclass(slots=True)
class Sightings:
    """What a file says about one account, by line."""

    handle: str | None = None
    handle_at: datetime | None = None
    lists: dict[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    seen: list[HistorySighting] = field(default_factory=list[HistorySighting])


@dataclass(frozen=True, slots=True)
class PriorRecord:
    """What earlier imports of the same source said about an account."""

    changes: tuple[StoredImportedChange, ...] = ()
    spans: tuple[ImportedSpan, ...] = ()

    def sightings(self) -> list[HistorySighting]:
        seen = [HistorySighting(_STORED, o.at, o.at, o.state) for c in self.changes for o in c.observations()]
        return seen + [HistorySighting(_STORED, s.since, s.until, s.state) for s in self.spans]


@dataclass(frozen=True, slots=True)
class Histories:
    """The lines of a file that are correct by themselves."""

    name: str
    """Of the file."""
    accounts: Mapping[Key, Sightings]
    lines: int
    """Lines that were taken."""
    problems: tuple[TableError, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _HistoryLine:
    key: Key
    handle: str | None
    lists: tuple[str, ...]
    seen: tuple[HistorySighting, ...]


def is_history(columns: Sequence[str]) -> bool:
    """Whether a file with this header is in one of the three forms."""
    return any(set(form) <= set(columns) for form in (HISTORY, SPANS, RESTORATIONS))


def read_histories(content: bytes, name: str, columns: Sequence[str], now: datetime) -> Histories:
    """The sightings in a file called `name` with the header `columns`, and a problem for each wrong line.

    Raises TableError when the file as a whole cannot be read.
    """
    if set(SPANS) <= set(columns):
        table, read = read_table(content, name, SPANS, ("handle", "withheld_in", "list")), _span
    elif set(RESTORATIONS) <= set(columns):
        table, read = read_table(content, name, RESTORATIONS, ("platform", "handle", "list")), _restoration
    else:
        table, read = read_table(content, name, HISTORY, ("list",)), _sighting
    lines, problems = _lines(table, read, name, now)
    seen: dict[Key, list[HistorySighting]] = {}
    for line in lines:
        seen.setdefault(line.key, []).extend(line.seen)
    faults = {line: fault for key, found in seen.items() for line, fault in _contradictions(key, found)}
    problems += [TableError(name, line, fault) for line, fault in faults.items()]
    sound = [line for line in lines if line.seen[0].line not in faults]
    return Histories(name, _by_account(sound), len(sound), sorted_problems(problems), table.ignored)


def joined(
    read: Histories, source: str, list_name: str, before: Mapping[Key, PriorRecord]
) -> tuple[tuple[ImportedHistory, ...], tuple[TableError, ...]]:
    """Make a history of what is new per platform, stored as `source`, which said `before` already.

    Lines that contradict what is stored are left out and returned as problems.
    """
    accounts: dict[Platform, list[ImportedAccount]] = {}
    problems: list[TableError] = []
    changes: dict[Platform, list[ImportedChange]] = {}
    spans: dict[Platform, list[ImportedSpan]] = {}
    for key, account in read.accounts.items():
        platform, native_id = key
        prior = before.get(key, PriorRecord())
        faults = dict(_contradictions(key, account.seen, prior.sightings()))
        problems += [TableError(read.name, line, fault) for line, fault in faults.items()]
        seen = [s for s in account.seen if s.line not in faults]
        if not seen:
            continue
        lists = tuple(dict.fromkeys(name for s in seen for name in account.lists[s.line])) or (list_name,)
        handle = account.handle or f"{ID_PREFIX}{native_id}"
        accounts.setdefault(platform, []).append(ImportedAccount(native_id, handle, lists))
        observations = [Observation(at, s.state, s.evidence) for s in seen for at in {s.since, s.until}]
        changes.setdefault(platform, []).extend(changes_told(native_id, observations, prior.changes))
        spans.setdefault(platform, []).extend(
            ImportedSpan(native_id, s.state, s.since, s.until) for s in seen if s.since < s.until
        )
    histories = tuple(
        ImportedHistory(
            source, None, platform, tuple(found), tuple(changes[platform]), (), tuple(spans[platform])
        )
        for platform, found in accounts.items()
    )
    return histories, sorted_problems(problems)


def _lines(
    table: Parsed[CsvRow], read: Callable[[CsvRow], _HistoryLine], name: str, now: datetime
) -> tuple[list[_HistoryLine], list[TableError]]:
    """Each line that is correct by itself and no repetition, and what is wrong with the others."""
    lines: list[_HistoryLine] = []
    problems = list(table.problems)
    first: dict[tuple[object, ...], int] = {}
    for row in table.rows:
        try:
            line = read(row)
        except CellError as fault:
            problems.append(TableError(name, row.line, str(fault)))
            continue
        until = line.seen[-1].until
        said = (line.key, *((s.state, s.since, s.until) for s in line.seen))
        if until > now:
            problems.append(TableError(name, row.line, f"{_time(until)} is in the future."))
        elif (before := first.setdefault(said, row.line)) != row.line:
            fault = f"line {before} already says the same about account {line.key[1]}."
            problems.append(TableError(name, row.line, fault))
        else:
            lines.append(line)
    return lines, problems


def _by_account(lines: Sequence[_HistoryLine]) -> dict[Key, Sightings]:
    """The lines by account; its handle is the one that was seen last."""
    out: dict[Key, Sightings] = {}
    for line in lines:
        account = out.setdefault(line.key, Sightings())
        account.lists[line.seen[0].line] = line.lists
        account.seen += line.seen
        at = line.seen[-1].until
        if line.handle is not None and (account.handle_at is None or at >= account.handle_at):
            account.handle, account.handle_at = line.handle, at
    return out


def _sighting(row: CsvRow) -> _HistoryLine:
    platform = csv_cells.platform(row["platform"])
    handle = csv_cells.handle(row["handle"], platform)
    at = csv_cells.moment(row["at"], "at")
    seen = HistorySighting(row.line, at, at, _state(row), _evidence(row))
    return _HistoryLine(_key(row, platform), handle, csv_cells.names(row["list"]), (seen,))


def _span(row: CsvRow) -> _HistoryLine:
    platform = csv_cells.platform(row["platform"])
    since, until = (
        csv_cells.moment(row["seen_from"], "seen_from"),
        csv_cells.moment(row["seen_to"], "seen_to"),
    )
    if until < since:
        raise CellError("seen_to is before seen_from.")
    seen = HistorySighting(row.line, since, until, _state(row), _evidence(row))
    return _HistoryLine(_key(row, platform), _handle(row, platform), csv_cells.names(row["list"]), (seen,))


def _restoration(row: CsvRow) -> _HistoryLine:
    platform = csv_cells.platform(row["platform"]) if row["platform"] else USUAL_PLATFORM
    evidence = _evidence(row)
    back = csv_cells.moment(row["restored_seen_at"], "restored_seen_at")
    seen = [HistorySighting(row.line, back, back, State(Status.AVAILABLE), evidence)]
    if row["suspended_seen_at"]:
        gone = csv_cells.moment(row["suspended_seen_at"], "suspended_seen_at")
        if gone >= back:
            raise CellError("restored_seen_at must be after suspended_seen_at.")
        seen.insert(0, HistorySighting(row.line, gone, gone, State(Status.SUSPENDED), evidence))
    return _HistoryLine(
        _key(row, platform), _handle(row, platform), csv_cells.names(row["list"]), tuple(seen)
    )


def _key(row: CsvRow, platform: Platform) -> Key:
    return platform, csv_cells.account_id(row["account_id"], platform)


def _handle(row: CsvRow, platform: Platform) -> str | None:
    return csv_cells.handle(row["handle"], platform) if row["handle"] else None


def _state(row: CsvRow) -> State:
    try:
        status = Status(row["status"])
    except ValueError as error:
        known = ", ".join(s.value for s in Status)
        raise CellError(f"unknown status {row['status']!r}. Use one of: {known}.") from error
    countries = {csv_cells.country(code) for code in row["withheld_in"].split()}
    if _COPYRIGHT in countries:
        raise CellError(f"{_COPYRIGHT!r} means a copyright notice, not a country. Leave it out.")
    if (status is Status.WITHHELD) != bool(countries):
        wrong = "must not name countries" if countries else "must name at least one country"
        raise CellError(f"withheld_in {wrong} when the status is {status}.")
    return State(status, (EVERYWHERE,) if EVERYWHERE in countries else tuple(sorted(countries)))


def _evidence(row: CsvRow) -> bytes:
    said = {column: cell for column, cell in row.cells.items() if cell}
    return _JSON.encode({"line": row.line, "says": said}).encode()


def _contradictions(
    key: Key, seen: Sequence[HistorySighting], before: Sequence[HistorySighting] = ()
) -> list[tuple[int, str]]:
    """Line and fault of each sighting whose state contradicts another one of the same time."""
    found: dict[int, str] = {}
    lasting: list[HistorySighting] = []
    for one in sorted([*before, *seen], key=lambda s: (s.since, s.line)):
        lasting = [other for other in lasting if other.until >= one.since]
        for other in lasting:
            if other.state != one.state:
                found.setdefault(one.line, _fault(key, one, other))
                found.setdefault(other.line, _fault(key, other, one))
        lasting.append(one)
    found.pop(_STORED, None)
    return list(found.items())


def _fault(key: Key, one: HistorySighting, other: HistorySighting) -> str:
    where = f"on line {other.line}" if other.line else "in an earlier import of this source"
    return (
        f"account {key[1]} is {_words(one)}, but {_words(other)} {where}, and which came first is not known."
    )


def _words(seen: HistorySighting) -> str:
    countries = f" in {' '.join(seen.state.withheld_in)}" if seen.state.withheld_in else ""
    until = "" if seen.until == seen.since else f" to {_time(seen.until)}"
    return f"{seen.state.status}{countries} at {_time(seen.since)}{until}"


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")

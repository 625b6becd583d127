"""Pure: a status history file, and the true state of an account at a moment.

The file is CSV with the columns `platform,account_id,handle,at,status,withheld_in,list` (others are
ignored). `at` is UTC in ISO 8601, `withheld_in` holds countries separated by spaces, `list` the lists
separated by semicolons. The first row of an account is its state before the start, so it also serves
every earlier time.
"""

import csv
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from storage.model.accounts import Platform
from storage.model.availability import EVERYWHERE, State, Status

COLUMNS = ("platform", "account_id", "handle", "at", "status", "withheld_in", "list")

_COUNTRY = re.compile(r"[A-Z]{2}")
_COPYRIGHT_CODE = "XY"
_X_ID = re.compile(r"[0-9]{1,19}")


class HistoryError(Exception):
    """A file cannot be used. The message is one sentence that names the file, the line and the fault."""


@dataclass(frozen=True, slots=True)
class HistoryAccount:
    """One account and its true states. Entry i of `states` holds from `times[i]` to `times[i + 1]`."""

    platform: Platform
    native_id: str
    times: tuple[datetime, ...]
    """Ascending; the first is the start of the record, the others are the true times of changes."""
    states: tuple[State, ...]
    """Successive ones differ."""
    handle_times: tuple[datetime, ...]
    handles: tuple[str, ...]
    lists: tuple[str, ...] = ()

    def at(self, when: datetime) -> State:
        """The true state at `when`; a change holds from its own time on."""
        return self.states[max(bisect_right(self.times, when) - 1, 0)]

    def handle_at(self, when: datetime) -> str:
        """The handle at `when`."""
        return self.handles[max(bisect_right(self.handle_times, when) - 1, 0)]


@dataclass(frozen=True, slots=True)
class History:
    """The truth that the simulators serve. `notes` says in sentences what was left out of the file."""

    accounts: tuple[HistoryAccount, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Rows:
    """What the lines say of one account, in file order."""

    seen: dict[datetime, tuple[State, str]] = field(default_factory=dict[datetime, tuple[State, str]])
    lists: dict[str, None] = field(default_factory=dict[str, None])


def visible(platform: Platform, state: State) -> State:
    """What `platform` lets an outsider see of the true `state`.

    X answers "could not find user" for a deactivated and for a deleted account alike.
    """
    if platform is Platform.X and state.status is Status.DEACTIVATED:
        return State(Status.NOT_FOUND)
    return state


def parse_history(lines: Iterable[str], name: str) -> History:
    """Read the lines of a history file called `name`. Raises HistoryError at the first fault."""
    rows: dict[tuple[Platform, str], _Rows] = {}
    for where, row in records(lines, name, COLUMNS):
        platform = _platform(row[0], where)
        native_id = _native_id(platform, row[1], where)
        at = moment(row[3], where)
        state = _state(row[4], row[5], where)
        account = rows.setdefault((platform, native_id), _Rows())
        if at in account.seen:
            raise HistoryError(f"{where}: account {native_id} has two rows at {row[3]}.")
        account.seen[at] = (state, _handle(row[2], where))
        account.lists.update(dict.fromkeys(filter(None, map(str.strip, row[6].split(";")))))
    return History(tuple(_account(*key, found) for key, found in rows.items()))


def records(lines: Iterable[str], name: str, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The values of `columns` in each line, with "name, line n" for messages; empty lines are skipped.

    Raises HistoryError when a column is missing or a line has another number of columns than the first.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = [column.strip().removeprefix("\ufeff") for column in next(reader, list[str]())]
        missing = [column for column in columns if column not in header]
        if missing:
            raise HistoryError(f"{name}, line 1: no column {', '.join(missing)} in the header.")
        places = [header.index(column) for column in columns]
        for row in reader:
            if not row:
                continue
            where = f"{name}, line {reader.line_num}"
            if len(row) != len(header):
                raise HistoryError(f"{where}: {len(row)} columns where the header has {len(header)}.")
            yield where, [row[place].strip() for place in places]
    except csv.Error as e:
        raise HistoryError(f"{name}, line {reader.line_num}: not CSV ({e}).") from e


def moment(text: str, where: str) -> datetime:
    """The time `text` in UTC; one without an offset is taken as UTC. Raises HistoryError."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as e:
        raise HistoryError(f"{where}: impossible time {text!r}.") from e


def settled(
    platform: Platform,
    native_id: str,
    seen: Sequence[tuple[datetime, State, str]],
    lists: tuple[str, ...] = (),
) -> HistoryAccount:
    """An account from what was seen of it, in any order: sorted by time, equal successive states merged."""
    ordered = sorted(seen, key=lambda row: row[0])
    states = [ordered[0][:2]]
    handles = [(ordered[0][0], ordered[0][2])]
    for at, state, handle in ordered[1:]:
        if state != states[-1][1]:
            states.append((at, state))
        if handle != handles[-1][1]:
            handles.append((at, handle))
    times, kept_states = zip(*states, strict=True)
    handle_times, kept_handles = zip(*handles, strict=True)
    return HistoryAccount(platform, native_id, times, kept_states, handle_times, kept_handles, lists)


def _account(platform: Platform, native_id: str, rows: _Rows) -> HistoryAccount:
    seen = [(at, state, handle) for at, (state, handle) in rows.seen.items()]
    return settled(platform, native_id, seen, tuple(rows.lists))


def _platform(text: str, where: str) -> Platform:
    try:
        return Platform(text)
    except ValueError as e:
        raise HistoryError(f"{where}: unknown platform {text!r}.") from e


def _native_id(platform: Platform, text: str, where: str) -> str:
    if not text or (platform is Platform.X and not _X_ID.fullmatch(text)):
        raise HistoryError(f"{where}: {text!r} is not an account id of {platform}.")
    return text


def _handle(text: str, where: str) -> str:
    if not text:
        raise HistoryError(f"{where}: no handle.")
    return text


def _state(status_text: str, countries_text: str, where: str) -> State:
    try:
        status = Status(status_text)
    except ValueError as e:
        raise HistoryError(f"{where}: unknown status {status_text!r}.") from e
    codes = countries_text.split()
    for code in codes:
        if not _COUNTRY.fullmatch(code) or code == _COPYRIGHT_CODE:
            raise HistoryError(f"{where}: {code!r} is not a country code.")
    if (status is Status.WITHHELD) != bool(codes):
        fault = "withheld without countries" if not codes else f"countries for a status {status}"
        raise HistoryError(f"{where}: {fault}.")
    return State(status, (EVERYWHERE,) if EVERYWHERE in codes else tuple(sorted(set(codes))))

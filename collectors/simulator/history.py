"""Pure: a status history file, and the true state of an account at a moment.

The file is CSV with the columns `platform,account_id,handle,at,status,withheld_in,list`, and `detail`
where there is one (others are ignored). `at` is UTC in ISO 8601, `withheld_in` holds countries separated
by spaces, `list` the lists separated by semicolons, `detail` is `app_view_only` for a suspension in the
platform's own app only, and `with_author` for a post whose status is that of its author's account. The first
row of an account or a post is its state before the start, so it also serves every earlier time.
"""

import csv
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from storage.model.core.accounts import Platform
from storage.model.core.availability import EVERYWHERE, State, Status
from storage.model.platforms.registry import DECLARED

COLUMNS: Final = ("platform", "account_id", "handle", "at", "status", "withheld_in", "list")
APP_VIEW_ONLY: Final = "app_view_only"
"""A detail: suspended in the platform's own app only; the server that holds the account still serves it."""
WITH_AUTHOR: Final = "with_author"
"""A detail: a post is withheld or gone because the account of its author is."""

DETAIL: Final = "detail"
"""The column of details, which a file may leave out."""
_COUNTRY = re.compile(r"[A-Z]{2}")
_COPYRIGHT_CODE = "XY"
_NO_DETAILS: Final = MappingProxyType[datetime, str]({})


class HistoryError(Exception):
    """A file cannot be used. The message is one sentence that names the file, the line and the fault."""


@dataclass(frozen=True, slots=True)
class HistoryAccount:
    """One account or post with its true states. `states[i]` holds from `times[i]` to `times[i + 1]`."""

    platform: Platform
    native_id: str
    times: tuple[datetime, ...]
    """Ascending; the first is the start of the record, the others are the true times of changes."""
    states: tuple[State, ...]
    """Successive ones differ, or their details do."""
    handle_times: tuple[datetime, ...]
    handles: tuple[str, ...]
    lists: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    """One for each of `states`, or none at all: `APP_VIEW_ONLY`, `WITH_AUTHOR` or empty."""

    def at(self, when: datetime) -> State:
        """The true state at `when`; a change holds from its own time on."""
        return self.states[max(bisect_right(self.times, when) - 1, 0)]

    def detail_at(self, when: datetime) -> str:
        """The detail of the state at `when`; empty when it has none."""
        return self.details[max(bisect_right(self.times, when) - 1, 0)] if self.details else ""

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
    details: dict[datetime, str] = field(default_factory=dict[datetime, str])
    lists: dict[str, None] = field(default_factory=dict[str, None])


def parse_history(lines: Iterable[str], name: str) -> History:
    """Read the lines of a history file called `name`. Raises HistoryError at the first fault."""
    rows: dict[tuple[Platform, str], _Rows] = {}
    for where, row in records(lines, name, COLUMNS, (DETAIL,)):
        platform = platform_of(row[0], where)
        native_id = row[1]
        account = rows.get((platform, native_id))
        if account is None:
            account = rows[platform, native_id_of(platform, native_id, where)] = _Rows()
        at = moment(row[3], where)
        state = _state(row[4], row[5], where)
        if at in account.seen:
            raise HistoryError(f"{where}: {native_id} has two rows at {row[3]}.")
        account.seen[at] = (state, _handle(platform, native_id, row[2], where))
        if row[7]:
            account.details[at] = _detail(platform, native_id, state, row[7], where)
        account.lists.update(dict.fromkeys(filter(None, map(str.strip, row[6].split(";")))))
    return History(tuple(_account(*key, found) for key, found in rows.items()))


def records(
    lines: Iterable[str], name: str, columns: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[str, list[str]]]:
    """The values of `columns` in each line, with "name, line n" for messages; empty lines are skipped.

    The values of the `optional` columns follow, empty where the file has no such column.
    Raises HistoryError when a column is missing or a line has another number of columns than the first.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = [column.strip().removeprefix("\ufeff") for column in next(reader, list[str]())]
        missing = [column for column in columns if column not in header]
        if missing:
            raise HistoryError(f"{name}, line 1: the header has no column {', '.join(missing)}.")
        places = [header.index(column) for column in columns]
        extra = [header.index(column) if column in header else None for column in optional]
        for row in reader:
            if not row:
                continue
            where = f"{name}, line {reader.line_num}"
            if len(row) != len(header):
                raise HistoryError(
                    f"{where}: the line has {len(row)} columns, but the header has {len(header)}."
                )
            values = [row[place].strip() for place in places]
            values += ["" if place is None else row[place].strip() for place in extra]
            yield where, values
    except csv.Error as e:
        raise HistoryError(f"{name}, line {reader.line_num}: the file is not CSV ({e}).") from e


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
    details: Mapping[datetime, str] = _NO_DETAILS,
) -> HistoryAccount:
    """An account or a post from what was seen of it (time, state, handle), in any order: sorted by time,
    equal successive states merged. `details` says more of the states that were seen at some of these times.
    """
    ordered = sorted(seen, key=lambda row: row[0])
    states = [(ordered[0][0], ordered[0][1], details.get(ordered[0][0], ""))]
    handles = [(ordered[0][0], ordered[0][2])]
    for at, state, handle in ordered[1:]:
        detail = details.get(at, "")
        if state != states[-1][1] or detail != states[-1][2]:
            states.append((at, state, detail))
        if handle != handles[-1][1]:
            handles.append((at, handle))
    times, kept_states, kept_details = zip(*states, strict=True)
    handle_times, kept_handles = zip(*handles, strict=True)
    return HistoryAccount(
        platform,
        native_id,
        times,
        kept_states,
        handle_times,
        kept_handles,
        lists,
        kept_details if any(kept_details) else (),
    )


def platform_of(text: str, where: str) -> Platform:
    """The platform called `text`. Raises HistoryError."""
    try:
        return Platform(text)
    except ValueError as e:
        raise HistoryError(f"{where}: unknown platform {text!r}.") from e


def native_id_of(platform: Platform, text: str, where: str) -> str:
    """`text`, if it has the form of an id of an account or a post of `platform`. Raises HistoryError."""
    if not DECLARED[platform].is_native_id(text):
        raise HistoryError(f"{where}: {text!r} is not an id of {platform}.")
    return text


def _account(platform: Platform, native_id: str, rows: _Rows) -> HistoryAccount:
    seen = [(at, state, handle) for at, (state, handle) in rows.seen.items()]
    return settled(platform, native_id, seen, tuple(rows.lists), rows.details)


def _handle(platform: Platform, native_id: str, text: str, where: str) -> str:
    declared = DECLARED[platform]
    if not text:
        raise HistoryError(f"{where}: the handle is empty.")
    if declared.is_post(native_id):
        if not declared.is_post_handle(text):
            raise HistoryError(f"{where}: {text!r} is not the handle of a post on {platform}.")
    elif not declared.is_handle(text):
        raise HistoryError(f"{where}: {text!r} is not a handle of {platform}.")
    return text


def _detail(platform: Platform, native_id: str, state: State, text: str, where: str) -> str:
    if text == WITH_AUTHOR:
        if not DECLARED[platform].is_post(native_id) or state.status is Status.AVAILABLE:
            raise HistoryError(
                f"{where}: the detail {WITH_AUTHOR} is allowed only for a post that is withheld or gone."
            )
        return text
    if text != APP_VIEW_ONLY:
        raise HistoryError(f"{where}: unknown detail {text!r}.")
    if not DECLARED[platform].withholds_in_its_app_only or state.status is not Status.SUSPENDED:
        raise HistoryError(
            f"{where}: the detail {APP_VIEW_ONLY} is allowed only for a suspended account of a platform "
            f"that has other apps, not for an account of {platform} that is {state.status}."
        )
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

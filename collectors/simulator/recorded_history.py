"""Pure: a recorded sequence of observed statuses, taken as the truth of a rehearsal.

Columns `account_id,platform,status,seen_from,seen_to`. Every time in such a file is a time of
observation; a rehearsal needs times of change, so a status is taken to begin when it was first seen.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from collectors.simulator.history import (
    History,
    HistoryAccount,
    HistoryError,
    moment,
    native_id_of,
    platform_of,
    records,
    settled,
)
from collectors.simulator.platform_simulator import simulator_of
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status

COLUMNS = ("account_id", "platform", "status", "seen_from", "seen_to")


@dataclass(frozen=True, slots=True)
class _Seen:
    since: datetime
    until: datetime
    state: State


def is_recorded(header: str) -> bool:
    """Whether the first line of a file is that of a recorded status file."""
    return set(COLUMNS) <= {column.strip().removeprefix("\ufeff") for column in header.split(",")}


def parse_recorded(lines: Iterable[str], name: str) -> History:
    """Read a recorded status file called `name`. Raises HistoryError at the first fault.

    Left out, and counted in the notes, are the accounts whose record ends with the single sighting
    that ended their suspension: nothing is known of them afterwards, and silence is not a status.
    The files carry no handles: these are made up from the ids.
    """
    rows: dict[tuple[Platform, str], list[_Seen]] = defaultdict(list)
    for where, (account_id, platform_text, status, since, until) in records(lines, name, COLUMNS):
        seen = _Seen(moment(since, where), moment(until, where), _state(status, where))
        platform = platform_of(platform_text, where)
        known = rows[platform, native_id_of(platform, account_id, where)]
        if any(row.since == seen.since for row in known):
            raise HistoryError(f"{where}: {account_id} has two rows at {since}.")
        known.append(seen)
    kept = [
        _account(platform, native_id, sorted(known, key=lambda row: row.since))
        for (platform, native_id), known in rows.items()
        if not _ends_at_restoration(known)
    ]
    left_out = len(rows) - len(kept)
    note = f"{left_out} accounts left out: their record ends with the sighting that ended their suspension."
    return History(tuple(kept), (note,) if left_out else ())


def _ends_at_restoration(rows: list[_Seen]) -> bool:
    """An account may lack its suspended row: when the suspension began was not always seen."""
    ordered = sorted(rows, key=lambda row: row.since)
    last = ordered[-1]
    if last.state.status is not Status.AVAILABLE or last.since != last.until:
        return False
    return len(ordered) == 1 or ordered[-2].state.status is Status.SUSPENDED


def _account(platform: Platform, native_id: str, rows: list[_Seen]) -> HistoryAccount:
    handle = simulator_of(platform).made_up_handle(native_id)
    return settled(platform, native_id, [(row.since, row.state, handle) for row in rows])


def _state(text: str, where: str) -> State:
    try:
        return State(Status(text))
    except ValueError as e:
        raise HistoryError(f"{where}: unknown status {text!r}.") from e

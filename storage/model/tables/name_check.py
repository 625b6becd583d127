"""Pure: the lines of a pasted list or an uploaded table of names, and what a user learns of each."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import NameOutcome
from storage.model.platforms.registry import DECLARED
from storage.model.tables.csv_rows import TableError
from storage.model.tables.name_matching import (
    ResolvedName,
    StoredAccounts,
    UnresolvedName,
    match_stored,
    renamed_note,
)
from storage.model.tables.said_names import ParsedName, different_words, said_names
from storage.model.tables.watch_list_csv import WatchRow, watch_rows
from storage.model.text.states import PLATFORM_NAME, clean, handle_name

MOST_LINES = 20_000
"""The most names in one check."""
LONGEST_TEXT = 50_000
"""Lines of a text, also empty ones, or names of a list, also repeated ones: to read two million bytes of the
shortest takes minutes.
"""
_SEPARATOR = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of a list or table, as parsed."""

    said: ParsedName
    fault: str = ""
    """Why its words are not a name, as a sentence; empty if they are one."""
    lists: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    followers: int | None = None
    handle: str | None = None
    """The handle that a table gives beside an id."""


def is_table(text: str) -> bool:
    """Whether a text is a CSV table of accounts: its first line names the columns platform and handle."""
    first = text.lstrip("\ufeff\r\n\t ").partition("\n")[0]
    return {"platform", "handle"} <= {column.strip(' "\r') for column in re.split("[,;\t]", first)}


def refuse_long_text(text: str, name: str) -> None:
    """Raise TableError for a text of more than `LONGEST_TEXT` lines."""
    if max(text.count("\n"), text.count("\r")) > LONGEST_TEXT:
        raise TableError(name, None, f"it has more than {LONGEST_TEXT:,} lines. Split it.")


def refuse_many_names(count: int, name: str) -> None:
    """Raise TableError for more names than a check takes."""
    if count > MOST_LINES:
        raise TableError(name, None, f"it has {count:,} names. The most is {MOST_LINES:,}; split the list.")


def check_lines(text: str, name: str, platform: Platform | None) -> tuple[CheckLine, ...]:
    """Parse a pasted list or a table with a header line, in the order of the lines.

    `platform` applies to handles that do not name one. Raises TableError if the whole cannot be read, or has
    more than `LONGEST_TEXT` lines or names, or `MOST_LINES` different names.
    """
    refuse_long_text(text, name)
    if is_table(text):
        table = watch_rows(text.encode(), name)
        lines = [_of_row(row) for row in table.rows]
        problems = table.problems
    else:
        if len(_SEPARATOR.split(text)) > LONGEST_TEXT:
            raise TableError(name, None, f"it has more than {LONGEST_TEXT:,} names. Split the list.")
        refuse_many_names(different_words(text), name)
        names = said_names(text, name, platform)
        lines = [CheckLine(said) for said in names.rows]
        problems = names.problems
    rows = text.splitlines()
    lines += [_of_problem(problem, rows) for problem in problems]
    refuse_many_names(len(lines), name)
    return tuple(sorted(lines, key=lambda line: line.said.line))


def _of_row(row: WatchRow) -> CheckLine:
    words = f"{row.platform.value} {row.handle}"
    asked = row.part_of_id or row.handle
    said = ParsedName(row.line, words, row.platform, asked, row.account_id)
    return CheckLine(said, "", row.lists, row.tags, row.followers, row.handle)


def _of_problem(problem: TableError, rows: Sequence[str]) -> CheckLine:
    line = problem.line or 0
    words = rows[line - 1] if 0 < line <= len(rows) else ""
    return CheckLine(ParsedName(line, words[:200]), problem.fault[:1].upper() + problem.fault[1:])


def decide(
    line: CheckLine, stored: StoredAccounts, read: Collection[Platform] | None
) -> ResolvedName | UnresolvedName | None:
    """Decide about a line without asking its platform. None means that its platform has to be asked.

    `read` are the platforms that the settings name; None means all. The line must have no fault.
    """
    said = line.said
    if said.platform is not None and read is not None and said.platform not in read:
        return UnresolvedName(
            NameOutcome.NOT_OBSERVABLE, f"The setting platforms leaves out {PLATFORM_NAME[said.platform]}."
        )
    if line.handle is not None and said.native_id is not None:
        return ResolvedName(said.native_id, line.handle)
    return match_stored(said, stored)


def note_of(said: ParsedName, what: ResolvedName | UnresolvedName) -> str:
    """Return what a user has to know beside the outcome: why there is no account, another handle, a cut."""
    first = what.why if isinstance(what, UnresolvedName) else renamed_note(said, what)
    return " ".join(part for part in (first, said.note) if part)


class LineStatus(StrEnum):
    """What a user learns of a line, in one or two words."""

    FOUND = "found"
    WATCHED = "already watched"
    STORED = "stored, not watched"
    AMBIGUOUS = "ambiguous"
    NOT_FOUND = "not found"
    WAITING = "waiting"
    """Its platform was not asked yet."""
    NO_ANSWER = "no answer yet"
    NOT_READ = "not read"
    """Blockline does not read its platform or site."""
    NOT_A_NAME = "not a name"


@dataclass(frozen=True, slots=True)
class CheckedLine:
    """One line of a name check as stored, with what is stored of the account that it means."""

    position: int
    said: ParsedName
    outcome: NameOutcome | None
    """None: the words are not a name."""
    found: ResolvedName | None
    note: str
    ask_at: datetime | None
    """When its platform is asked next; None: it is not asked."""
    asked_at: datetime | None
    answered_at: datetime | None
    lists: tuple[str, ...]
    tags: tuple[str, ...]
    followers: int | None
    account_id: AccountId | None
    """The stored account that it means; None: no stored account is known by its id."""
    watched: bool
    done: str
    """What was done with the account, as a clause; empty for nothing."""

    @property
    def status(self) -> LineStatus:
        match self.outcome:
            case None:
                return LineStatus.NOT_A_NAME
            case NameOutcome.RESOLVED if self.watched:
                return LineStatus.WATCHED
            case NameOutcome.RESOLVED:
                return LineStatus.FOUND if self.account_id is None else LineStatus.STORED
            case NameOutcome.NOT_TRIED:
                return LineStatus.WAITING if self.asked_at is None else LineStatus.NO_ANSWER
            case NameOutcome.NOT_OBSERVABLE:
                return LineStatus.NOT_READ
            case NameOutcome.AMBIGUOUS:
                return LineStatus.AMBIGUOUS
            case NameOutcome.UNRESOLVABLE:
                return LineStatus.NOT_FOUND

    @property
    def is_post(self) -> bool:
        """Whether it names a post, by its address or by the id that was found."""
        native_id = self.said.native_id if self.found is None else self.found.native_id
        if self.said.post_id is not None or self.said.platform is None:
            return self.said.post_id is not None
        return native_id is not None and DECLARED[self.said.platform].is_post(native_id)

    @property
    def is_open(self) -> bool:
        """Whether an answer of its platform is still to come."""
        return self.ask_at is not None

    @property
    def words(self) -> str:
        """The status as a sentence for the line, with the reason."""
        if self.found is not None:
            who = f"{handle_name(self.found.handle)} ({clean(self.found.native_id, 120)})"
            who = f"Post {who}" if self.is_post else who
            return f"{who}. {self.note}" if self.note else who
        if self.status is LineStatus.WAITING and self.said.platform is not None:
            return self.note or f"{PLATFORM_NAME[self.said.platform]} has not been asked yet."
        return self.note


def counts(lines: Sequence[CheckedLine]) -> dict[LineStatus, int]:
    """Count the lines per status, without those that no line has, in the order of `LineStatus`."""
    counted = Counter(line.status for line in lines)
    return {status: counted[status] for status in LineStatus if counted[status]}


def as_row(line: CheckedLine, lists: tuple[str, ...], tags: tuple[str, ...]) -> WatchRow:
    """Return a found line as the row of a watch list, with more lists and tags than those of its table."""
    if line.found is None or line.said.platform is None:
        raise ValueError(f"{clean(line.said.words)!r} means no account.")
    return WatchRow(
        line.said.line,
        line.said.platform,
        line.found.handle,
        line.found.native_id,
        None,
        tuple(dict.fromkeys((*line.lists, *lists))),
        tuple(dict.fromkeys((*line.tags, *tags))),
        line.followers,
    )


def without_repeats(lines: Sequence[CheckedLine]) -> list[CheckedLine]:
    """Keep the first line of each account, with the lists and tags of all its lines."""
    first: dict[tuple[Platform | None, str], CheckedLine] = {}
    for line in lines:
        if line.found is None:
            continue
        identity = (line.said.platform, line.found.native_id)
        known = first.get(identity)
        first[identity] = (
            line
            if known is None
            else replace(known, lists=(*known.lists, *line.lists), tags=(*known.tags, *line.tags))
        )
    return list(first.values())

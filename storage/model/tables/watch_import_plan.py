"""Pure: whom the lines of a watch list mean, and what taking them in does to each account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from storage.model.core.accounts import AccountId, Platform
from storage.model.tables.csv_rows import Parsed, TableError, sorted_problems
from storage.model.tables.watch_list_csv import WatchRow
from storage.model.text.states import clean

DEFAULT_LIST = "Watch list"
"""For accounts that are on no list: the dashboard and the mails go by lists, so nobody may be without."""


class OfAccount(Protocol):
    """What was read from one line about one account."""

    @property
    def line(self) -> int: ...
    @property
    def platform(self) -> Platform: ...
    @property
    def handle(self) -> str: ...


Person = TypeVar("Person", bound=OfAccount)


@dataclass(frozen=True, slots=True)
class Identified(Generic[Person]):
    """A row with the id that its account has on the platform, and its handle as the platform spells it."""

    row: Person
    native_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class OnFile:
    """What is stored of an account before an import touches it."""

    account_id: AccountId
    handle: str
    watched: bool
    lists: tuple[str, ...]
    tags: tuple[str, ...]
    followers: int | None


@dataclass(frozen=True, slots=True)
class SetUpAccount:
    """What people decided about a stored account: whether it is watched, its lists and its tags."""

    account_id: AccountId
    platform: Platform
    native_id: str
    handle: str
    watched: bool
    lists: tuple[str, ...]
    tags: tuple[str, ...]
    is_control: bool
    """Whether the settings name it as a control account, which cannot be watched."""


@dataclass(frozen=True, slots=True)
class WatchLineResult:
    """What became of one line, or will."""

    line: int
    what: str
    """Whom or what the line is about, by its id."""
    did: str
    """The rest of the sentence that begins with the account or the order."""
    changed: bool


def identified_rows(
    parsed: Parsed[Person], name: str, account_of: Callable[[Person], tuple[str, str] | str]
) -> Parsed[Identified[Person]]:
    """The rows with the id of each account; a row that gets none, or another row's, is a problem.

    `account_of` gives (id, handle as spelt), or the sentence why there is none.
    """
    rows: list[Identified[Person]] = []
    problems = list(parsed.problems)
    lines: dict[tuple[Platform, str], int] = {}
    for row in parsed.rows:
        found = account_of(row)
        if isinstance(found, tuple) and (row.platform, found[0]) in lines:
            first = lines[row.platform, found[0]]
            found = f"{_at(row.handle)} is account {found[0]}, as on line {first}."
        if isinstance(found, tuple):
            lines[row.platform, found[0]] = row.line
            rows.append(Identified(row, *found))
        else:
            problems.append(TableError(name, row.line, found))
    return Parsed(tuple(rows), sorted_problems(problems), parsed.ignored)


def lists_of(row: WatchRow, known: OnFile | None) -> tuple[str, ...]:
    """The lists that the line puts its account on: `DEFAULT_LIST` when it names none, and it is on none."""
    return row.lists or (() if known is not None and known.lists else (DEFAULT_LIST,))


def gained(row: WatchRow, known: OnFile | None) -> tuple[list[str], list[str]]:
    """The lists and the tags that the line gives to an account which it did not have."""
    lists, tags = (known.lists, known.tags) if known is not None else ((), ())
    return [x for x in lists_of(row, known) if x not in lists], [x for x in row.tags if x not in tags]


def line_of(person: Identified[WatchRow], known: OnFile | None) -> WatchLineResult:
    """What the line brings, beside what is known of its account."""
    row = person.row
    joined, tagged = gained(row, known)
    begins = known is None or not known.watched
    did = "is watched from now on" if begins else "was watched already"
    if joined:
        did += f", now on the list{'s' if len(joined) > 1 else ''} {', '.join(map(clean, joined))}"
    if tagged:
        did += f", tagged {', '.join(map(clean, tagged))}"
    counted = row.followers is not None and (known is None or row.followers != known.followers)
    if counted:
        followers = row.followers or 0
        did += f", with {followers:,} follower{'' if followers == 1 else 's'}"
    is_new = begins or bool(joined or tagged) or counted
    return WatchLineResult(row.line, f"{_at(person.handle)} ({person.native_id})", did, is_new)


def _at(handle: str) -> str:
    return "@" + clean(handle.removeprefix("@"))

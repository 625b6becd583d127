"""Which account each line of a user's table means: its id on its platform, and its handle as spelt there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from jobs.resolve import Resolver
from jobs.tables import Parsed, TableError, sorted_problems
from jobs.user_tables import ExecutiveRow, WatchRow
from jobs.wording import handle_name
from storage.model.accounts import Platform

Person = TypeVar("Person", WatchRow, ExecutiveRow)
Answers = Mapping[tuple[Platform, str], tuple[str, str] | str]
"""By platform and name: (id, handle as spelt), or the sentence why there is none."""


@dataclass(frozen=True, slots=True)
class Identified(Generic[Person]):
    """A row with the id that its account has on the platform, and its handle as the platform spells it."""

    row: Person
    native_id: str
    handle: str


async def identified(parsed: Parsed[Person], name: str, resolver: Resolver) -> Parsed[Identified[Person]]:
    """The rows with the id of each account; a row that gets none, or another row's, is a problem.

    Raises SettingsError when the settings do not let a platform be asked.
    """
    answers: dict[tuple[Platform, str], tuple[str, str] | str] = {}
    for platform, names in _to_ask(parsed.rows, resolver).items():
        said = await resolver.resolve(platform, names)
        answers |= {(platform, asked): answer for asked, answer in said.items()}
    rows: list[Identified[Person]] = []
    problems = list(parsed.problems)
    lines: dict[tuple[Platform, str], int] = {}
    for row in parsed.rows:
        found = _account(row, answers, resolver)
        if isinstance(found, tuple) and (row.platform, found[0]) in lines:
            first = lines[row.platform, found[0]]
            found = f"{handle_name(row.handle)} is account {found[0]}, as on line {first}."
        if isinstance(found, tuple):
            lines[row.platform, found[0]] = row.line
            rows.append(Identified(row, *found))
        else:
            problems.append(TableError(name, row.line, found))
    return Parsed(tuple(rows), sorted_problems(problems), parsed.ignored)


def _to_ask(rows: Iterable[WatchRow | ExecutiveRow], resolver: Resolver) -> dict[Platform, list[str]]:
    names: dict[Platform, list[str]] = {}
    for row in rows:
        if row.account_id is None and resolver.refusal(row.platform) is None:
            names.setdefault(row.platform, []).append(row.actor or row.handle)
    return {platform: list(dict.fromkeys(some)) for platform, some in names.items()}


def _account(row: WatchRow | ExecutiveRow, answers: Answers, resolver: Resolver) -> tuple[str, str] | str:
    refusal = resolver.refusal(row.platform)
    if refusal is not None:
        return f"{handle_name(row.handle)} {refusal}"
    if row.account_id is not None:
        return row.account_id, row.handle
    found = answers[row.platform, row.actor or row.handle]
    if row.actor is not None and isinstance(found, tuple) and found[0].partition("#")[0] != row.actor:
        return f"{handle_name(row.handle)} is account {found[0]}, and not of {row.actor}."
    return found

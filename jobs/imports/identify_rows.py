"""Which account each line of a user's table means: its id on its platform, and its handle as spelt there."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from jobs.base.wording import handle_name
from jobs.collect.resolve_handles import Resolver
from jobs.imports.orders_executives_csv import ExecutiveRow
from storage.model.core.accounts import Platform
from storage.model.tables.csv_rows import Parsed
from storage.model.tables.watch_import_plan import Identified, identified_rows
from storage.model.tables.watch_list_csv import WatchRow

Person = TypeVar("Person", WatchRow, ExecutiveRow)
Answers = Mapping[tuple[Platform, str], tuple[str, str] | str]
"""By platform and name: (id, handle as spelt), or the sentence why there is none."""


async def identified(parsed: Parsed[Person], name: str, resolver: Resolver) -> Parsed[Identified[Person]]:
    """The rows with the id of each account; a row that gets none, or another row's, is a problem.

    Raises SettingsError when the settings do not let a platform be asked.
    """
    answers: dict[tuple[Platform, str], tuple[str, str] | str] = {}
    for platform, names in _to_ask(parsed.rows, resolver).items():
        said = await resolver.resolve(platform, names)
        answers |= {(platform, asked): answer for asked, answer in said.items()}
    return identified_rows(parsed, name, lambda row: _account(row, answers, resolver))


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

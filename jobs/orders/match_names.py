"""Pure: whom a name of an order means, by what is on file and by what its platform answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.base.wording import handle_name
from jobs.orders.parse_names import ParsedName
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import NameCandidate, NameOutcome, NewName, OrderName
from storage.model.tables.account_references import ID_PREFIX
from storage.model.text.states import clean


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """An account as its platform names it."""

    native_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class UnresolvedName:
    """Why a name is no account, or none that is known."""

    outcome: NameOutcome
    why: str


OnFile = Mapping[tuple[Platform, str], Sequence[NameCandidate]]
"""By platform and `key`: the accounts on file that have the name, or had it."""


def key(said: ParsedName) -> str | None:
    """By what a name is looked for on file: a handle in small letters, or an id; None when it is neither."""
    if said.native_id is not None:
        return f"{ID_PREFIX}{said.native_id}"
    return said.handle and said.handle.lower()


def found_on_file(said: ParsedName, on_file: OnFile) -> ResolvedName | UnresolvedName | None:
    """What can be said of a name without asking anybody. None: its platform would have to be asked."""
    if said.nobody:
        return UnresolvedName(NameOutcome.UNRESOLVABLE, said.nobody)
    if said.platform is None:
        why = "No platform can be told: write x: before it, or say which with --platform."
        return UnresolvedName(NameOutcome.AMBIGUOUS, why)
    found = on_file.get((said.platform, key(said) or ""), ())
    if len(found) > 1:
        who = ", ".join(f"{clean(c.native_id)} (now {handle_name(c.handle)})" for c in found)
        why = f"It is or was the handle of {len(found)} accounts on file, {who}: name one by its id."
        return UnresolvedName(NameOutcome.AMBIGUOUS, why)
    return ResolvedName(found[0].native_id, found[0].handle) if found else None


def as_name(
    said: ParsedName,
    source: str,
    what: ResolvedName | UnresolvedName,
    account_ids: Mapping[tuple[Platform, str], AccountId],
) -> NewName:
    """The name with what became of it; `account_ids` holds every account that was found."""
    account_id: AccountId | None = None
    if isinstance(what, UnresolvedName):
        outcome, why = what.outcome, what.why
    else:
        outcome, why = NameOutcome.RESOLVED, _renamed(said, what)
        account_id = None if said.platform is None else account_ids[said.platform, what.native_id]
    note = " ".join(part for part in (why, said.note) if part)
    return NewName(said.words, said.platform, said.handle, said.post_id, outcome, account_id, note, source)


def is_same(name: NewName, stored: OrderName) -> bool:
    """Whether a name on record says all this already."""
    return (name.platform, name.handle, name.outcome, name.account_id, name.note) == (
        stored.platform,
        stored.handle,
        stored.outcome,
        stored.account_id,
        stored.note,
    )


def _renamed(said: ParsedName, found: ResolvedName) -> str:
    if said.handle is None or said.handle.lower() == found.handle.lower():
        return ""
    return f"The account goes by {handle_name(found.handle)}."

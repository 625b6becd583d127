"""Pure: the account that a name means, by stored accounts and the platform's answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import NameCandidate, NameOutcome, NewName, OrderName
from storage.model.tables.account_references import ID_PREFIX
from storage.model.tables.said_names import ParsedName
from storage.model.text.states import clean, handle_name


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """An account as its platform names it."""

    native_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class UnresolvedName:
    """Why a name was not matched to one account."""

    outcome: NameOutcome
    why: str


StoredAccounts = Mapping[tuple[Platform, str], Sequence[NameCandidate]]
"""By platform and `key`: the stored accounts that have the name, or had it."""


def key(said: ParsedName) -> str | None:
    """Return the key of a name: a handle in lower case, or a prefixed id; None when it has neither."""
    if said.native_id is not None:
        return f"{ID_PREFIX}{said.native_id}"
    return said.handle and said.handle.lower()


def match_stored(said: ParsedName, stored_accounts: StoredAccounts) -> ResolvedName | UnresolvedName | None:
    """Match a name to stored accounts. None means that its platform would have to be asked."""
    if said.unresolvable:
        outcome = NameOutcome.UNRESOLVABLE if said.is_observable else NameOutcome.NOT_OBSERVABLE
        return UnresolvedName(outcome, said.unresolvable)
    if said.unclear:
        return UnresolvedName(NameOutcome.AMBIGUOUS, said.unclear)
    if said.platform is None:
        why = "Its platform is not known: write it before the name, such as x:NAME, or choose a platform."
        return UnresolvedName(NameOutcome.AMBIGUOUS, why)
    found = stored_accounts.get((said.platform, key(said) or ""), ())
    if len(found) > 1:
        who = ", ".join(f"{clean(c.native_id)} (now {handle_name(c.handle)})" for c in found)
        why = f"It is or was the handle of {len(found)} stored accounts, {who}. Give the id of one of them."
        return UnresolvedName(NameOutcome.AMBIGUOUS, why)
    return ResolvedName(found[0].native_id, found[0].handle) if found else None


def as_name(
    said: ParsedName,
    source: str,
    what: ResolvedName | UnresolvedName,
    account_ids: Mapping[tuple[Platform, str], AccountId],
) -> NewName:
    """Return the name with its outcome; `account_ids` holds every account that was found."""
    account_id: AccountId | None = None
    if isinstance(what, UnresolvedName):
        outcome, why = what.outcome, what.why
    else:
        outcome, why = NameOutcome.RESOLVED, renamed_note(said, what)
        account_id = None if said.platform is None else account_ids[said.platform, what.native_id]
    note = " ".join(part for part in (why, said.note) if part)
    return NewName(said.words, said.platform, said.handle, said.post_id, outcome, account_id, note, source)


def is_same(name: NewName, stored: OrderName) -> bool:
    """Whether a stored name already says all this."""
    return (name.platform, name.handle, name.outcome, name.account_id, name.note) == (
        stored.platform,
        stored.handle,
        stored.outcome,
        stored.account_id,
        stored.note,
    )


def renamed_note(said: ParsedName, found: ResolvedName) -> str:
    """Return a sentence with the handle that the account, or the author of the post, has now; empty if it is
    the one that was said.
    """
    if said.handle is None or said.handle.lower() == found.handle.lower():
        return ""
    if said.post_id is not None:
        author, _, _ = found.handle.rpartition("/")
        return f"Its author is {handle_name(author)}." if author else ""
    return f"Its handle is now {handle_name(found.handle)}."

"""Pure: what the raw answers of an evidence pack call the account.

The chain attests the id of an account, and the raw answers through their hashes. A handle is attested only
where one of these answers holds it.
"""

from collections.abc import Iterator
from typing import Final

from collectors.core.wire import is_array, is_object, parse
from jobs.evidence.pack import PackContent
from storage.model.tables.account_references import ID_PREFIX

_IDS: Final = ("id", "did", "account_id")
_NAMES: Final = ("username", "handle", "acct", "customUrl")
"""As X, Bluesky, Mastodon and YouTube call them; published records as Bluesky does."""


def is_called_by_id(facts: PackContent) -> bool:
    """Whether the pack gives the account no name but the id that the statement names."""
    account = facts.change.account
    return facts.manifest.handle in {account, f"{ID_PREFIX}{account}", _own_part(account)}


def names_told(facts: PackContent) -> tuple[str, ...]:
    """Every name that the raw answers give to the account, each once."""
    account = facts.change.account
    ids = {account, account.rpartition("#")[2], _own_part(account)}
    found: dict[str, str] = {}
    for content in facts.raw.values():
        for part in _parts(parse(content)):
            if any(part.get(key) in ids for key in _IDS):
                names = (part.get(key) for key in _NAMES)
                found |= {name.casefold(): name for name in names if isinstance(name, str) and name}
    return tuple(found.values())


def _own_part(account: str) -> str:
    """The id without the kind that stands before its only colon, as in `video:ID`."""
    return account.rpartition(":")[2] if account.count(":") == 1 else account


def is_name(handle: str, other: str) -> bool:
    """Whether an answer that says `other` means `handle`: a server names its own people without itself."""
    whole, _, server = handle.removeprefix("@").casefold().partition("@")
    name, _, at = other.removeprefix("@").casefold().partition("@")
    return name == whole and (not at or at == server)


def _parts(document: object) -> Iterator[dict[str, object]]:
    """The objects of an answer that may be about somebody: `collectors.core.evidence` has their places."""
    for item in document if is_array(document) else [document]:
        if not is_object(item):
            continue
        for about in (item.get("about"), item.get("says")):
            for one in about if is_array(about) else [about]:
                if is_object(one):
                    yield one
                    data = one.get("data")
                    yield from (user for user in (data if is_array(data) else []) if is_object(user))

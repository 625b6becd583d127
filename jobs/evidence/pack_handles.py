"""Pure: what the raw answers of an evidence pack call the account, or the author of the post.

The chain attests the id of an account, and the raw answers through their hashes. A handle is attested only
where one of these answers holds it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from collectors.core.wire import is_array, is_object, parse
from jobs.evidence.pack import PackContent, is_post
from storage.model.core.accounts import Platform
from storage.model.platforms.declaration import PlatformDeclaration
from storage.model.platforms.registry import DECLARED
from storage.model.tables.account_references import ID_PREFIX

_IDS: Final = ("id", "did", "account_id", "uri")
_AUTHORS: Final = ("author", "account")
"""Of a post, as Bluesky and Mastodon call its author. X gives the author's id, as `author_id`."""
_NAMES: Final = ("username", "handle", "acct", "customUrl")
"""As X, Bluesky, Mastodon and YouTube call them; published records as Bluesky does."""


def is_called_by_id(facts: PackContent) -> bool:
    """Whether the pack gives the account no name but the id that the statement names."""
    account, handle = facts.change.account, facts.manifest.handle
    if _is_post(facts) and _declared(facts).is_post_handle(handle):
        author = _declared(facts).author_handle(handle)
        handle = handle if author else handle.rpartition("/")[2]
    return handle in {account, f"{ID_PREFIX}{account}", _own_part(account)}


def author_called(facts: PackContent) -> str | None:
    """The author's part of a post's handle in the pack. None for an account, and if no author is named."""
    author = facts.manifest.handle.rpartition("/")[0] if facts.manifest.post else ""
    return None if not author or is_called_by_id(facts) else author


def names_told(facts: PackContent) -> tuple[str, ...]:
    """Every name that the raw answers give to the account, or to the author of the post, each once."""
    account = facts.change.account
    ids = {account, account.rpartition("#")[2], _own_part(account)}
    parts = [part for content in facts.raw.values() for part in _parts(parse(content))]
    about = [part for part in parts if any(part.get(key) in ids for key in _IDS)]
    if _is_post(facts):
        about = list(_authors(facts, parts, about))
    names = (part.get(key) for part in about for key in _NAMES)
    return tuple({name.casefold(): name for name in names if isinstance(name, str) and name}.values())


def _authors(
    facts: PackContent, parts: Sequence[dict[str, object]], posts: Sequence[dict[str, object]]
) -> Iterator[dict[str, object]]:
    """What the answers say of the author: within what they say of the post, or under the author's id."""
    author = _declared(facts).author(facts.change.account, facts.manifest.handle)
    ids = {post.get("author_id") for post in posts} - {None}
    if author is not None and author.is_id:
        ids.add(author.name)
    yield from (one for post in posts for key in _AUTHORS if is_object(one := post.get(key)))
    yield from (part for part in parts if any(part.get(key) in ids for key in _IDS))


def _is_post(facts: PackContent) -> bool:
    return facts.manifest.post and is_post(facts.change)


def _declared(facts: PackContent) -> PlatformDeclaration:
    return DECLARED[Platform(facts.change.platform)]


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
                    beside = one.get("includes")
                    users = beside.get("users") if is_object(beside) else None
                    yield from (user for user in (users if is_array(users) else []) if is_object(user))

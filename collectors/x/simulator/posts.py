"""Pure: what X answers to a lookup of posts, and how a fault about one of them looks.

X answers that an app is not authorized to see a post of a suspended or protected author (documented and
recalled, see `collectors.x.wire.envelope`). For every other post that it does not show it answers "not
found" (recalled).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from collectors.simulator.faults import FaultKind
from collectors.simulator.history import WITH_AUTHOR
from collectors.simulator.platform_simulator import number_of
from collectors.x.declaration import post_id
from collectors.x.simulator import payloads
from collectors.x.simulator.payloads import NEW_HOST, OLD_HOST, Spelling, dumps
from collectors.x.simulator.world import XWorld, visible_post
from storage.model.core.availability import State, Status

_CLOSED = {Status.SUSPENDED, Status.PROTECTED, Status.NOT_FOUND}
"""For posts of an author with one of these statuses X answers that the app is not authorized."""


@dataclass(frozen=True, slots=True)
class PostsAsked:
    """What was asked for, and in which spelling X answers."""

    fields: frozenset[str]
    user_fields: frozenset[str]
    with_authors: bool
    spelling: Spelling
    host: str = OLD_HOST

    @classmethod
    def of(cls, params: Mapping[str, str], spelling: Spelling, kind: FaultKind | None) -> "PostsAsked":
        return cls(
            frozenset(params.get(f"{spelling}.fields", "").split(",")),
            frozenset(params.get("user.fields", "").split(",")),
            "author_id" in params.get("expansions", "").split(","),
            spelling,
            NEW_HOST if kind is FaultKind.NEW_HOST else OLD_HOST,
        )


@dataclass(frozen=True, slots=True)
class _PostAnswer:
    """What an answer holds of one post: an item of `data` and its author, or one of `errors`, or both."""

    item: dict[str, object] | None = None
    author: dict[str, object] | None = None
    error: dict[str, object] | None = None


def look_up(
    world: XWorld,
    numbers: Sequence[str],
    asked: PostsAsked,
    lied_about: Callable[[str], bool],
    kind: FaultKind | None,
    hit: int,
) -> bytes:
    """The answer about these posts; X leaves out the parts that are empty. `kind` is what goes wrong about
    the post at `hit`.
    """
    said = [
        _PostAnswer(error=payloads.post_not_found(number, asked.spelling, asked.host))
        if lied_about(post_id(number))
        else _shown(world, number, asked)
        for number in numbers
    ]
    said[hit : hit + 1] = _twisted(kind, said[hit], numbers[hit], asked)
    items = [one.item for one in said if one.item is not None]
    authors = {str(one.author["id"]): one.author for one in said if one.author is not None}
    errors = [one.error for one in said if one.error is not None]
    answer: dict[str, object] = {"data": items} if items else {}
    if authors and asked.with_authors:
        answer["includes"] = {"users": list(authors.values())}
    return dumps({**answer, "errors": errors} if errors else answer)


def _shown(world: XWorld, number: str, asked: PostsAsked) -> _PostAnswer:
    """What X says of a post now."""
    account = world.post(number)
    if account is None:
        return _PostAnswer(error=payloads.post_not_found(number, asked.spelling, asked.host))
    state, with_author = account.at(world.now), account.detail_at(world.now) == WITH_AUTHOR
    if with_author and state.status in _CLOSED:
        return _PostAnswer(error=payloads.post_not_authorized(number, asked.spelling, asked.host))
    if visible_post(state).status is Status.NOT_FOUND:
        return _PostAnswer(error=payloads.post_not_found(number, asked.spelling, asked.host))
    username = account.handle_at(world.now).partition("/")[0]
    return _served(number, username, state, asked, with_author=with_author)


def _twisted(kind: FaultKind | None, said: _PostAnswer, number: str, asked: PostsAsked) -> list[_PostAnswer]:
    """What an answer says of the one post that `kind` hits, instead of `said`.

    Kinds about parts that X does not have (another host, a labeler) change nothing.
    """
    served = _served(number, "somebody", payloads.AVAILABLE, asked, with_author=False)
    match kind:
        case FaultKind.OMITTED:
            return []
        case FaultKind.CONTRADICTORY:
            return [replace(served, error=payloads.post_not_authorized(number, asked.spelling))]
        case FaultKind.ODD_ERROR:
            return [_PostAnswer(error=payloads.odd_post_error(number, asked.spelling))]
        case FaultKind.NO_PROTECTED:
            return [replace(served, author=_author(number, "somebody", payloads.AVAILABLE, ()))]
        case FaultKind.ODD_WITHHELD:
            return [replace(served, item=(served.item or {}) | {"withheld": {"country_codes": "IN"}})]
        case FaultKind.FOREIGN_ERROR:
            about = {"section": "includes", "parameter": f"referenced_{asked.spelling}s.id"}
            return [said, _PostAnswer(error=payloads.post_not_authorized(number, asked.spelling) | about)]
        case _:
            return [said]


def _served(number: str, username: str, state: State, asked: PostsAsked, *, with_author: bool) -> _PostAnswer:
    author = _author(number, username, state if with_author else payloads.AVAILABLE, asked.user_fields)
    item = payloads.post(
        number, str(author["id"]), state, asked.fields, asked.spelling, with_author=with_author
    )
    return _PostAnswer(item, author)


def _author(number: str, username: str, state: State, fields: Collection[str]) -> dict[str, object]:
    """The author of a post, whose id stays the same under another handle."""
    author_id = number_of(blake2b(post_id(number).encode(), digest_size=16).digest())
    return payloads.user(author_id, username, state, fields)

"""Pure: what X's answer to a lookup of posts says of each post that was asked for.

What is not plainly stated is a Missed with its reason, as in `users.py`. A post counts only together with its
author, whose account may be withheld where the post itself is not: an answer without the author says nothing
about the post.

X is renaming tweets to posts without saying when: both spellings are read.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_array, is_object, parse
from collectors.x.declaration import post_of
from collectors.x.wire.envelope import (
    NOT_AUTHORIZED,
    OF_POSTS,
    ErrorItem,
    errors_about,
    items_in,
    open_answer,
)
from collectors.x.wire.users import (
    COPYRIGHT_CODE,
    KEPT_OF_ERROR,
    KEPT_OF_USER,
    Lookup,
    all_missed,
    essence,
    is_same,
    is_username,
    items_under,
    withheld_codes,
    withheld_in,
)
from storage.model.core.availability import (
    Flag,
    Missed,
    MissedReason,
    Reading,
    State,
    Status,
    Strength,
)

_EDITS: Final = ("edit_history_tweet_ids", "edit_history_post_ids")
_KEPT: Final = ("id", "author_id", *_EDITS, "withheld")
_BY_AUTHOR: Final = "user"
"""The scope of a post that is withheld because its author is (documented). Else it is `tweet` or `post`."""

_AVAILABLE: Final = State(Status.AVAILABLE)
_NOT_FOUND: Final = State(Status.NOT_FOUND)
_NO_FLAGS: Final[frozenset[Flag]] = frozenset()
_EDITED: Final = frozenset({Flag.EDITED})


class _Withheld(NamedTuple):
    """Where something is withheld."""

    countries: frozenset[str] = frozenset()
    is_with_author: bool = False
    is_by_copyright: bool = False


class _Author(NamedTuple):
    username: str
    withheld_in: frozenset[str]


_NOWHERE: Final = _Withheld()


class _UnclearError(Exception):
    """Why an item says nothing about its post."""

    def __init__(self, reason: MissedReason, detail: str) -> None:
        super().__init__(detail)
        self.fault = WireFault(reason, detail)


_Authors: TypeAlias = Mapping[str, _Author | WireFault]
"""By id; a fault where the author's item says nothing that can be used."""


def read_posts(http_status: int, body: bytes, asked: Sequence[str], at: datetime) -> Lookup:
    """What the answer to `GET /2/tweets?ids=` says of the `asked` posts at time `at`. Never raises.

    A post is "not found" when it was deleted or taken down, never existed, or its author is deactivated: X
    does not say which. It has the flag WITH_AUTHOR when X answers that the app is not authorized to see it:
    its author is suspended or protected, and X does not say which.
    """
    ids = dict.fromkeys(asked)
    document = open_answer(http_status, body)
    if isinstance(document, WireFault):
        return all_missed(ids, at, document)
    items = items_in(document)
    if isinstance(items, WireFault):
        return all_missed(ids, at, items)
    numbers = {number: native_id for native_id in ids if (number := post_of(native_id))}
    found, authors = _by_number(items), _authors(document)
    errors = errors_about(document, {number: number for number in numbers}, OF_POSTS)
    readings: list[Reading] = []
    missed: list[Missed] = [
        Missed(native_id, at, MissedReason.BAD_REQUEST, "not the id of a post")
        for native_id in ids
        if post_of(native_id) is None
    ]
    for number, native_id in numbers.items():
        try:
            state, strength, handle, flags = _said(number, found, errors.get(number), authors)
        except _UnclearError as e:
            missed.append(Missed(native_id, at, e.fault.reason, e.fault.detail))
        else:
            readings.append(Reading(native_id, at, state, strength, handle, flags))
    return Lookup(tuple(readings), tuple(missed))


def excerpt(exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
    """For each post in a raw answer, the items of `data` and `errors` about it, and its author.

    Only what decides the status, never the text of the post.
    """
    answer = parse(exchange.body)
    if not is_object(answer):
        return {}
    numbers = {number: native_id for native_id in native_ids if (number := post_of(native_id))}
    kept: dict[str, dict[str, list[object]]] = {}
    authors: dict[str, list[object]] = {}
    included = answer.get("includes")
    for user in items_under(included.get("users") if is_object(included) else None):
        if is_object(user) and isinstance(user_id := user.get("id"), str):
            authors.setdefault(user_id, []).append(essence(user, KEPT_OF_USER))
    for item in items_under(answer.get("data")):
        if is_object(item):
            for number in {_own_number(item), *_edits(item)} & numbers.keys():
                parts = kept.setdefault(numbers[number], {})
                parts.setdefault("data", []).append(essence(item, _KEPT))
                parts.setdefault("authors", []).extend(authors.get(str(item.get("author_id")), []))
    for item in items_under(answer.get("errors")):
        if is_object(item):
            named = {name for name in (item.get("resource_id"), item.get("value")) if isinstance(name, str)}
            for number in named & numbers.keys():
                parts = kept.setdefault(numbers[number], {})
                parts.setdefault("errors", []).append(essence(item, KEPT_OF_ERROR))
    return {native_id: _as_sent(parts) for native_id, parts in kept.items()}


def _as_sent(parts: dict[str, list[object]]) -> dict[str, object]:
    """The parts, in the places that they have in X's answer."""
    authors = parts.pop("authors", [])
    return {**parts, **({"includes": {"users": authors}} if authors else {})}


def _said(
    number: str,
    found: Mapping[str, dict[str, object] | None],
    errors: Sequence[ErrorItem] | None,
    authors: _Authors,
) -> tuple[State, Strength, str | None, frozenset[Flag]]:
    if number in found:
        item = found[number]
        if item is None:
            raise _UnclearError(MissedReason.CONTRADICTORY, "twice in data, with different content")
        if errors:
            raise _UnclearError(MissedReason.CONTRADICTORY, "in data and in errors")
        state, handle, flags = _from_data(number, item, authors)
        return state, Strength.STRONG, handle, flags
    if errors:
        return _NOT_FOUND, Strength.WEAK, None, _from_errors(errors)
    raise _UnclearError(MissedReason.OMITTED, "neither in data nor in errors")


def _by_number(items: Iterable[object]) -> dict[str, dict[str, object] | None]:
    """The item about each post; None where two differ. X answers with the newest edit of a post, under
    another id (documented): that item is about every earlier edit without an item of its own.
    """
    own: dict[str, dict[str, object] | None] = {}
    edited: dict[str, dict[str, object] | None] = {}
    for item in items:
        if is_object(item):
            number = _own_number(item)
            _put(own, number, item)
            for name in _EDITS:
                listed = item.get(name)
                if is_array(listed) and len(listed) > 1:
                    for edit in {edit for edit in listed if isinstance(edit, str)} - {number}:
                        _put(edited, edit, item)
    return {**edited, **own} if edited else own


def _put(found: dict[str, dict[str, object] | None], number: str, item: dict[str, object]) -> None:
    before = found.setdefault(number, item)
    if before is not item and (before is None or not is_same(before, item)):
        found[number] = None


def _own_number(item: dict[str, object]) -> str:
    """The id of an item, even if it is not the text that it should be."""
    number = item.get("id")
    if isinstance(number, str):
        return number
    return str(number) if isinstance(number, int) and abs(number) < 10**19 else ""


def _edits(item: dict[str, object]) -> set[str]:
    listed = (item.get(name) for name in _EDITS)
    return {edit for edits in listed if is_array(edits) for edit in edits if isinstance(edit, str)}


def _authors(document: dict[str, object]) -> _Authors:
    """The users that the answer includes."""
    included = document.get("includes")
    items: dict[str, dict[str, object]] = {}
    found: dict[str, _Author | WireFault] = {}
    for user in items_under(included.get("users") if is_object(included) else None):
        if is_object(user) and isinstance(user_id := user.get("id"), str):
            if user_id not in items:
                items[user_id], found[user_id] = user, _author(user)
            elif not is_same(items[user_id], user):
                found[user_id] = WireFault(
                    MissedReason.CONTRADICTORY, "its author twice, with different content"
                )
    return found


def _author(user: dict[str, object]) -> _Author | WireFault:
    username, protected, withheld = user.get("username"), user.get("protected"), user.get("withheld")
    if not isinstance(username, str) or is_username(username) is None:
        return WireFault(MissedReason.MALFORMED, "its author has no usable username")
    if protected is not True and protected is not False:
        return WireFault(MissedReason.MALFORMED, "protected of its author is not a boolean")
    if protected:
        # An app without a user's authorisation is shown no posts of protected accounts (documented).
        return WireFault(MissedReason.CONTRADICTORY, "shown, although its author is protected")
    try:
        return _Author(username, _withheld(withheld, "withheld of its author").countries)
    except _UnclearError as e:
        return e.fault


def _from_data(number: str, item: dict[str, object], authors: _Authors) -> tuple[State, str, frozenset[Flag]]:
    if not isinstance(item.get("id"), str):
        raise _UnclearError(MissedReason.MALFORMED, "id is not a string")
    own, author_id = _withheld(item.get("withheld"), "withheld"), item.get("author_id")
    if not isinstance(author_id, str):
        raise _UnclearError(MissedReason.MALFORMED, "no usable author_id")
    author = authors.get(author_id)
    if author is None:
        raise _UnclearError(MissedReason.OMITTED, "its author is left out of the answer")
    if isinstance(author, WireFault):
        raise _UnclearError(author.reason, author.detail)
    handle = f"{author.username}/{number}"
    # The history of a post that was never edited holds its own id alone (documented).
    edited = _EDITED if len(_edits(item)) > 1 else _NO_FLAGS
    if own is _NOWHERE and not author.withheld_in:
        return _AVAILABLE, handle, edited
    flags = set(edited)
    if own.is_by_copyright:
        flags.add(Flag.COPYRIGHT_WITHHELD)
    countries = own.countries | author.withheld_in
    if countries and (own.is_with_author or not own.countries):
        flags.add(Flag.WITH_AUTHOR)
    return withheld_in(countries) if countries else _AVAILABLE, handle, frozenset(flags)


def _withheld(withheld: object, name: str) -> _Withheld:
    if withheld is None:
        return _NOWHERE
    codes = withheld_codes(withheld)
    if codes is None or not is_object(withheld):
        raise _UnclearError(MissedReason.MALFORMED, f"{name} cannot be read")
    scope, copyrighted = withheld.get("scope"), withheld.get("copyright")
    if not (scope is None or isinstance(scope, str)) or not (
        copyrighted is None or isinstance(copyrighted, bool)
    ):
        raise _UnclearError(MissedReason.MALFORMED, f"{name} cannot be read")
    is_by_copyright = copyrighted is True or COPYRIGHT_CODE in codes
    return _Withheld(frozenset(codes - {COPYRIGHT_CODE}), scope == _BY_AUTHOR, is_by_copyright)


def _from_errors(errors: Sequence[ErrorItem]) -> frozenset[Flag]:
    """The flags that errors about a post add to "not found"."""
    stated = {(item.status, item.problem if item.status else "") for item in errors}
    if len(stated) > 1:
        raise _UnclearError(MissedReason.CONTRADICTORY, "errors that exclude each other")
    ((status, problem),) = stated
    if status is None:
        raise _UnclearError(MissedReason.UNCLASSIFIED, errors[0].detail)
    return frozenset({Flag.WITH_AUTHOR}) if problem == NOT_AUTHORIZED else _NO_FLAGS

"""Pure: what the answers of a Mastodon server state: accounts, actor documents, webfinger. Never raises.

Only what is plainly stated is taken over. A value of an unexpected kind makes the account unreadable: to
ignore it could show a suspended account as restored. Other ActivityPub servers answer errors with HTML or
with nothing, so a 404 and a 410 are taken by their number alone (measured); `Absent.in_json` tells which
ones came from the API itself.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeVar

from collectors.core.wire import WireFault, is_array, is_object, parse, printable
from collectors.mastodon.wire.identity import acct_of, host_of, is_local_id, is_username
from storage.model.core.availability import MissedReason

GONE = frozenset({404, 410})
"""HTTP statuses for what is not there, or no longer."""
_Item = TypeVar("_Item")
_SELF_TYPES = ("application/activity+json", "application/ld+json")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a server's REST API says of one account.

    Keys that are null count as absent: real Mastodon leaves them out, other software sends null (measured).
    """

    local_id: str
    username: str
    acct: str
    """Without a domain for the server's own people; some software adds it even then (measured)."""
    uri: str | None
    """The actor URI; Mastodon says it since 4.2 (documented)."""
    url: str | None
    created_on: str | None
    """The day, in the server's words: Mastodon cuts the time off, and not in every version (recalled)."""
    suspended: bool
    limited: bool
    memorial: bool
    moves: bool
    moved_to: str | None
    """The address of the account that the owner moved to; None when it is not given or the owner did not."""


@dataclass(frozen=True, slots=True)
class Absent:
    """The server has no such thing (404), or no longer (410)."""

    http_status: int
    in_json: bool
    """Whether the API itself said so, in JSON: any web server can answer 404."""


@dataclass(frozen=True, slots=True)
class NoBatch:
    """The server does not answer for several accounts at once."""


@dataclass(frozen=True, slots=True)
class ActorDocument:
    """An actor document: the account as other servers see it."""

    uri: str
    suspended: bool
    also_known_as: frozenset[str]


@dataclass(frozen=True, slots=True)
class Jrd:
    """A webfinger answer: the actor URI, and the name that the server calls the account by."""

    actor: str
    acct: str | None


class _OddAccountError(Exception):
    """An account in an answer cannot be understood."""


def read_profile(http_status: int, body: bytes) -> Profile | Absent | WireFault:
    """What GET /api/v1/accounts/:id or /api/v1/accounts/lookup states."""
    document = parse(body)
    if http_status in GONE:
        return Absent(http_status, in_json=is_object(document) and "error" in document)
    if http_status != 200:
        return fault_of(http_status)
    return profile_of(document)


def read_batch(
    http_status: int, body: bytes, asked: Collection[str]
) -> dict[str, Profile | WireFault] | NoBatch | WireFault:
    """What GET /api/v1/accounts?id[]= states of the `asked` local ids; those left out are not in the result.

    Mastodon answers it since 4.3, in no promised order, and drops unknown ids without a word (documented).
    """
    return read_several(http_status, body, asked, profile_of, "account")


def read_several(
    http_status: int,
    body: bytes,
    asked: Collection[str],
    read_item: Callable[[object], _Item | WireFault],
    noun: str,
) -> dict[str, _Item | WireFault] | NoBatch | WireFault:
    """What an answer about several accounts or posts states, by local id, as `read_item` reads each."""
    if http_status == 501 or (400 <= http_status < 500 and http_status not in {408, 429}):
        return NoBatch()
    if http_status != 200:
        return fault_of(http_status)
    document = parse(body)
    if document is None:
        return WireFault(MissedReason.MALFORMED, "the answer is not JSON")
    if not is_array(document):
        return NoBatch()
    found: dict[str, _Item | WireFault] = {}
    for item in document:
        local_id = item.get("id") if is_object(item) else None
        if isinstance(local_id, int) and abs(local_id) < 10**19 and str(local_id) in asked:
            found[str(local_id)] = WireFault(MissedReason.MALFORMED, "id is not a string")
        if not isinstance(local_id, str) or local_id not in asked:
            continue
        said = read_item(item)
        if found.setdefault(local_id, said) != said:
            found[local_id] = WireFault(
                MissedReason.CONTRADICTORY, f"the {noun} is twice in the answer, with different content"
            )
    return found


def read_actor(http_status: int, body: bytes) -> ActorDocument | Absent | WireFault:
    """What the actor URI answers to application/activity+json.

    200 with `suspended` is a temporary suspension, 410 a permanent one or a deletion by the owner, 401 a
    server that answers signed requests only (documented).
    """
    document = parse(body)
    if http_status in GONE:
        return Absent(http_status, in_json=is_object(document))
    if http_status != 200:
        return fault_of(http_status)
    if not is_object(document) or not isinstance(uri := document.get("id"), str) or not host_of(uri):
        return WireFault(MissedReason.MALFORMED, "the answer is not an actor document")
    names = document.get("alsoKnownAs")
    known_as = frozenset(name for name in _several(names) if isinstance(name, str))
    return ActorDocument(uri, document.get("suspended") is True, known_as)


def read_webfinger(http_status: int, body: bytes) -> Jrd | Absent | WireFault:
    """What /.well-known/webfinger states. It stays 200 in a temporary suspension (documented)."""
    document = parse(body)
    if http_status in GONE:
        return Absent(http_status, in_json=is_object(document))
    if http_status != 200:
        return fault_of(http_status)
    if not is_object(document):
        return WireFault(MissedReason.MALFORMED, "the webfinger answer is not a JSON object")
    subject = document.get("subject")
    halves = acct_of(subject.removeprefix("acct:")) if isinstance(subject, str) else None
    for link in _several(document.get("links")):
        if is_object(link) and link.get("rel") == "self" and str(link.get("type")).startswith(_SELF_TYPES):
            href = link.get("href")
            if isinstance(href, str) and host_of(href):
                return Jrd(href, "@".join(halves) if halves else None)
    return WireFault(MissedReason.MALFORMED, "the webfinger answer names no actor")


def fault_of(http_status: int) -> WireFault:
    """Why an answer with this HTTP status states nothing.

    401 and 403 are both about access: a server that wants signatures or signs of membership from everybody
    (documented), or one that has closed its door to us.
    """
    reason = {
        400: MissedReason.BAD_REQUEST,
        401: MissedReason.ACCESS,
        403: MissedReason.ACCESS,
        429: MissedReason.RATE_LIMITED,
    }.get(http_status, MissedReason.UPSTREAM)
    return WireFault(reason, f"HTTP {http_status}")


def profile_of(item: object) -> Profile | WireFault:
    """One account of the REST API."""
    try:
        return _profile(item)
    except _OddAccountError as e:
        return WireFault(MissedReason.MALFORMED, str(e))


def _profile(item: object) -> Profile:
    if not is_object(item):
        raise _OddAccountError("an account is not an object")
    local_id, username, acct = item.get("id"), item.get("username"), item.get("acct")
    if not isinstance(local_id, str) or not is_local_id(local_id):
        raise _OddAccountError("the account has no usable id")
    if not isinstance(username, str) or not is_username(username):
        raise _OddAccountError("the account has no usable username")
    if not isinstance(acct, str) or not (is_username(acct) or acct_of(acct)):
        raise _OddAccountError("the account has no usable acct")
    uri, url = _address(item, "uri"), _address(item, "url")
    if uri is None and url is None:
        raise _OddAccountError("the account has neither uri nor url")
    moved = item.get("moved")
    if moved is not None and not is_object(moved):
        raise _OddAccountError("moved is not an account")
    created_at = item.get("created_at")
    return Profile(
        local_id,
        username,
        acct,
        uri,
        url,
        created_at[:10] if isinstance(created_at, str) else None,
        _is_true(item, "suspended"),
        _is_true(item, "limited"),
        _is_true(item, "memorial"),
        moved is not None,
        None if moved is None else _address(moved, "uri") or _address(moved, "url"),
    )


def _address(item: dict[str, object], key: str) -> str | None:
    value = item.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not host_of(value):
        raise _OddAccountError(f"{key} is not an address: {printable(repr(value))}")
    return value


def _is_true(item: dict[str, object], key: str) -> bool:
    value = item.get(key)
    if value is not None and not isinstance(value, bool):
        raise _OddAccountError(f"{key} is not a boolean")
    return value is True


def _several(value: object) -> Iterator[object]:
    """JSON-LD writes a list of one without the list."""
    if is_array(value):
        yield from value
    elif value is not None:
        yield value

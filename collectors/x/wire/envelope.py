"""Pure: the envelope of X's answers: the HTTP status, the JSON around the data, and `errors`.

Suspended and missing accounts share one problem type and differ by title and detail only. The host in
a problem type moved from api.twitter.com to api.x.com, so only its last path segment counts. A 404 for
a whole request never means that an account is gone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collectors.core.wire import REASON_OF_CODE, WireFault, is_array, is_object, parse, printable
from storage.model.core.availability import MissedReason, Status

NOT_AUTHORIZED: Final = "not-authorized-for-resource"
_NO_RESOURCE: Final = "resource-not-found"

_bracketed = re.compile(r"\[([^\]]*)\]").search


@dataclass(frozen=True, slots=True)
class ErrorWording:
    """An error that states a status: its problem and title, and how its detail begins."""

    problem: str
    title: str
    detail: re.Pattern[str]
    status: Status


@dataclass(frozen=True, slots=True)
class ResourceErrors:
    """The errors about one kind of resource: X's names for it, the parameters that ask for it, and the errors
    that state a status.
    """

    types: frozenset[str]
    parameters: frozenset[str]
    wordings: tuple[ErrorWording, ...]


OF_USERS: Final = ResourceErrors(
    frozenset({"user"}),
    frozenset({"id", "ids", "username", "usernames"}),
    (
        ErrorWording(_NO_RESOURCE, "Forbidden", re.compile("User has been suspended"), Status.SUSPENDED),
        ErrorWording(
            _NO_RESOURCE,
            "Not Found Error",
            re.compile(r"Could not find user with (?:ids?|usernames?)\b"),
            Status.NOT_FOUND,
        ),
    ),
)
OF_POSTS: Final = ResourceErrors(
    frozenset({"tweet", "post"}),
    frozenset({"id", "ids"}),
    (
        ErrorWording(
            _NO_RESOURCE,
            "Not Found Error",
            re.compile(r"Could not find (?i:tweet|post) with ids?\b"),
            Status.NOT_FOUND,
        ),
        ErrorWording(
            NOT_AUTHORIZED,
            "Authorization Error",
            re.compile(r"Sorry, you are not authorized to see the (?i:tweet|post) with ids?\b"),
            Status.NOT_FOUND,
        ),
    ),
)
"""In either spelling of X. That an app is not authorized to see a post is documented for a suspended author
(HunterLarco/twitter-v2, issue 26, 2020) and recalled for a protected one: X does not say which.
"""


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """What one item of `errors` says about the account or post that it names. Status None: its wording is not
    known.
    """

    status: Status | None
    problem: str
    detail: str


@dataclass(frozen=True, slots=True)
class UnreadableResource:
    """What belongs to one account cannot be read (protected, suspended, gone): nothing is wrong with us."""

    detail: str


@dataclass(frozen=True, slots=True)
class OpenPage:
    """One page of a list, its items not yet looked at. `next_token` is None on the last page."""

    document: dict[str, object]
    items: list[object]
    next_token: str | None


def open_answer(http_status: int, body: bytes) -> dict[str, object] | WireFault:
    """The JSON object of a successful answer, or why the whole request proved nothing. Never raises."""
    if http_status != 200:
        return _failed(http_status, body)
    document = parse(body)
    if not is_object(document):
        return WireFault(MissedReason.MALFORMED, "HTTP 200 without a JSON object")
    return document


def items_in(document: dict[str, object]) -> list[object] | WireFault:
    """The items of `data` (one resource alone counts as one item), or why the whole answer is unusable."""
    data, errors = document.get("data"), document.get("errors")
    if data is None and errors is None:
        return WireFault(MissedReason.MALFORMED, "the answer has neither data nor errors")
    if errors is not None and not is_array(errors):
        return WireFault(MissedReason.MALFORMED, "errors is not an array")
    if data is None:
        return []
    if is_object(data):
        return [data]
    if is_array(data):
        return data
    return WireFault(MissedReason.MALFORMED, "data is neither an array nor an object")


def errors_about(
    document: dict[str, object], wanted: Mapping[str, str], kind: ResourceErrors = OF_USERS
) -> dict[str, list[ErrorItem]]:
    """The errors that concern what was asked for, under the values of `wanted` (its keys: lower case).

    Errors about other accounts and posts, which an answer may carry for what it includes, are passed over.
    """
    about: dict[str, list[ErrorItem]] = {}
    errors = document.get("errors")
    for item in errors if is_array(errors) else ():
        if not is_object(item) or item.get("section") == "includes":
            continue
        named, parameter = item.get("resource_type"), item.get("parameter")
        if not isinstance(named, str) or named not in kind.types:
            continue
        if not isinstance(parameter, str) or parameter not in kind.parameters:
            continue
        names = {
            name.lower() for name in (item.get("resource_id"), item.get("value")) if isinstance(name, str)
        }
        for name in names & wanted.keys():
            said = _error_item(item, name, kind)
            if len(names) > 1:
                said = ErrorItem(None, "two-names", "resource_id and value name two resources")
            about.setdefault(wanted[name], []).append(said)
    return about


def open_page(http_status: int, body: bytes, native_id: str) -> OpenPage | UnreadableResource | WireFault:
    """One page of what belongs to `native_id` (timeline, follows, likes), or why there is none. Never raises.

    What became of an account whose pages are unreadable is for the lookup to say.
    """
    document = open_answer(http_status, body)
    if isinstance(document, WireFault):
        return _account_of_403(http_status, body, native_id) or document
    data, meta = document.get("data"), document.get("meta")
    if data is None and not is_object(meta):
        return _account_trouble(document, native_id) or WireFault(
            MissedReason.MALFORMED, "the answer has neither data nor meta"
        )
    if not (data is None or is_array(data)) or not (meta is None or is_object(meta)):
        return WireFault(MissedReason.MALFORMED, "data or meta has an unexpected type")
    token = meta.get("next_token") if meta else None
    if not (token is None or isinstance(token, str)):
        return WireFault(MissedReason.MALFORMED, "next_token is not a string")
    return OpenPage(document, data or [], token)


def _account_of_403(http_status: int, body: bytes, native_id: str) -> UnreadableResource | WireFault | None:
    """A 403 may be about the account alone, with the same errors as in a 200."""
    document = open_answer(200, body) if http_status == 403 else None
    return _account_trouble(document, native_id) if is_object(document) else None


def _account_trouble(document: dict[str, object], native_id: str) -> UnreadableResource | WireFault | None:
    errors = errors_about(document, {native_id: native_id}).get(native_id, [])
    if not errors:
        return None
    if any(error.status or error.problem == NOT_AUTHORIZED for error in errors):
        return UnreadableResource(errors[0].detail)
    return WireFault(MissedReason.UNCLASSIFIED, errors[0].detail)


def last_segment(problem_type: object) -> str:
    """The last path segment of a problem type; empty when it is no text."""
    return problem_type.rpartition("/")[2] if isinstance(problem_type, str) else ""


def _failed(http_status: int, body: bytes) -> WireFault:
    document = parse(body)
    problem = document if is_object(document) else {}
    title, detail = problem.get("title"), problem.get("detail")
    said = ": ".join(part for part in (title, detail) if isinstance(part, str) and part)
    reason = REASON_OF_CODE.get(http_status, MissedReason.UPSTREAM)
    if http_status == 429 and (
        title == "UsageCapExceeded" or last_segment(problem.get("type")) == "usage-capped"
    ):
        reason = MissedReason.USAGE_CAPPED
    return WireFault(reason, printable(f"HTTP {http_status} {said}".rstrip()))


def _error_item(item: dict[str, object], name: str, kind: ResourceErrors) -> ErrorItem:
    title, detail, problem = item.get("title"), item.get("detail"), last_segment(item.get("type"))
    text = detail if isinstance(detail, str) else ""
    status = None
    if _names(text, name):
        stated = (one for one in kind.wordings if (one.problem, one.title) == (problem, title))
        status = next((one.status for one in stated if one.detail.match(text)), None)
    return ErrorItem(status, problem, printable(f"{title}: {text}" if isinstance(title, str) else text))


def _names(detail: str, name: str) -> bool:
    """A detail names its account or post in brackets; one that names another says nothing of this one."""
    inside = _bracketed(detail)
    return inside is None or inside[1].lower() == name

"""Pure: the envelope of the answers of Bluesky's servers: HTTP status, JSON, and the error's name.

An error is HTTP 400 with a name, never 404 or 410 (measured). One name, `InvalidRequest`, stands both for
a missing account and for our own mistake; only the exact text tells them apart. Other texts changed
between versions of the servers and are not looked at.
"""

from enum import StrEnum

from collectors.core.collector import Exchange
from collectors.core.wire import REASON_OF_CODE, WireFault, is_object, parse, printable
from storage.model.core.availability import MissedReason

INVALID_REQUEST = "InvalidRequest"
_PROFILE_NOT_FOUND = "Profile not found"


class Absence(StrEnum):
    """Why the app does not show an account, in its own words."""

    TAKEN_DOWN = "AccountTakedown"
    DEACTIVATED = "AccountDeactivated"
    NOT_FOUND = _PROFILE_NOT_FOUND
    """Deleted, or never there, or unknown to the app: this answer alone does not say which."""


def open_answer(answer: Exchange) -> dict[str, object] | WireFault:
    """The JSON object of a successful answer, or why the request proved nothing. Never raises."""
    if answer.http_status != 200:
        return fault_of(answer)
    document = parse(answer.body)
    return (
        document
        if is_object(document)
        else WireFault(MissedReason.MALFORMED, "HTTP 200 without a JSON object")
    )


def error_of(answer: Exchange) -> tuple[str, str] | None:
    """Name and message of the error in a 400; None when there is none."""
    document = parse(answer.body) if answer.http_status == 400 else None
    if not is_object(document):
        return None
    name, message = document.get("error"), document.get("message")
    return (name, message if isinstance(message, str) else "") if isinstance(name, str) else None


def fault_of(answer: Exchange) -> WireFault:
    """Why an answer that is not a success proves nothing."""
    if answer.http_status != 400:
        reason = REASON_OF_CODE.get(answer.http_status, MissedReason.UPSTREAM)
        return WireFault(reason, f"HTTP {answer.http_status}")
    error = error_of(answer)
    if error is None:
        return WireFault(MissedReason.MALFORMED, "HTTP 400 without an error name")
    name, message = error
    # Asked with sound parameters: a refusal of them is a mistake of ours, and no statement.
    reason = MissedReason.BAD_REQUEST if name == INVALID_REQUEST else MissedReason.UNCLASSIFIED
    return WireFault(reason, printable(f"HTTP 400 {name}: {message}"))


def absence_of(answer: Exchange) -> Absence | WireFault:
    """What a `getProfile` that showed no profile says of the account that was asked for. Never raises."""
    error = error_of(answer)
    if error == (INVALID_REQUEST, _PROFILE_NOT_FOUND):
        return Absence.NOT_FOUND
    if error is not None and error[0] in {Absence.TAKEN_DOWN, Absence.DEACTIVATED}:
        return Absence(error[0])
    return fault_of(answer)

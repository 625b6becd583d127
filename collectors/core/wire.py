"""Pure: what the wire modules of all platforms share: faults, and JSON that nothing is known about."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from storage.model.core.availability import MissedReason


@dataclass(frozen=True, slots=True)
class WireFault:
    """Why a whole request proved nothing."""

    reason: MissedReason
    detail: str


@dataclass(frozen=True, slots=True)
class NotAsked(WireFault):
    """Why a request was not made, and when it may be."""

    retry_at: datetime


REASON_OF_CODE = {
    400: MissedReason.BAD_REQUEST,
    401: MissedReason.AUTH,
    402: MissedReason.CREDITS,
    403: MissedReason.ACCESS,
    429: MissedReason.RATE_LIMITED,
}
"""What an HTTP status says of a request that failed as a whole; any other one is the platform's trouble."""


def parse(body: bytes) -> object:
    """The JSON value of `body`; None when it is not JSON (null is as useless to every caller)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def compact(value: object) -> bytes:
    """A JSON value as bytes; empty when it is too deep to be written."""
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except (RecursionError, ValueError):
        return b""


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a parsed JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Whether a parsed JSON value is an array."""
    return isinstance(value, list)


def printable(text: str) -> str:
    """`text` cut short and free of what a log, a terminal or a database would refuse."""
    return text[:200].encode("ascii", "backslashreplace").decode().replace("\0", "\\0")

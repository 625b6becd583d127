"""Faults and the parsing of untrusted JSON, for the wire modules of all platforms. Pure."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from storage.model.core.availability import MissedReason


@dataclass(frozen=True, slots=True)
class WireFault:
    """Why a whole request gave no conclusive answer."""

    reason: MissedReason
    detail: str


@dataclass(frozen=True, slots=True)
class NotAsked(WireFault):
    """Why a request was not made, and when it may be made."""

    retry_at: datetime


REASON_OF_CODE = {
    400: MissedReason.BAD_REQUEST,
    401: MissedReason.AUTH,
    402: MissedReason.CREDITS,
    403: MissedReason.ACCESS,
    429: MissedReason.RATE_LIMITED,
}
"""The reason of a failed request by HTTP status. Any other status is a fault of the platform."""


def parse(body: bytes) -> object:
    """The JSON value of `body`. None if `body` is not JSON, or is JSON null."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def compact(value: object) -> bytes:
    """A JSON value as bytes; empty if it is nested too deeply to write."""
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except (RecursionError, ValueError):
        return b""


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def printable(text: str) -> str:
    """At most 200 characters of `text`, escaped so that logs, terminals and the database accept it."""
    return text[:200].encode("ascii", "backslashreplace").decode().replace("\0", "\\0")

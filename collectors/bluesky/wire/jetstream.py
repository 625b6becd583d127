"""Pure: the messages of Jetstream, Bluesky's event stream, and what it is asked.

An event says that something happened to an account at the server that sent it; it is a reason to look,
never a status (documented: subscribeRepos.json#account; a relay may call an account inactive that its own
server still serves).
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from collectors.core.wire import is_object, parse

MOST_DIDS: Final = 10_000
"""How many accounts one connection can be asked for (documented)."""

LARGEST_MESSAGE: Final = 64 * 1024
"""In bytes. Events of the kinds that are read have some 300; larger messages are declined."""

LOOK_BACK: Final = timedelta(hours=36)
"""How far back a cursor reaches; an older one is moved up without a word (documented)."""

MARGIN: Final = timedelta(hours=1)
"""How far our clock and Jetstream's may differ, generously."""

_REWIND: Final = timedelta(seconds=5)
"""A cursor is taken back by this, since playback from the exact place may leave a gap (documented)."""

_COLLECTIONS: Final = ("app.bsky.actor.profile",)
"""The narrowest there is: events of accounts and identities come whatever is asked (documented)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST_US: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_is_did = re.compile(r"did:[a-z]{1,20}:[A-Za-z0-9._:%-]{1,256}").fullmatch


class EventKind(StrEnum):
    """What an event is about."""

    ACCOUNT = "account"
    """The server that holds the account switched it on or off."""
    IDENTITY = "identity"
    """Its handle, its keys or its server may have changed."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something happened to an account: a reason to ask for it now.

    `at` is when Jetstream saw it; `cursor` is where to resume so that nothing after this event is lost.
    """

    native_id: str
    kind: EventKind
    at: datetime
    cursor: str


def parse_event(text: str) -> StreamEvent | None:
    """The event in a message; None for any other message, however broken. Never raises."""
    message = parse(text.encode(errors="replace"))
    if not is_object(message):
        return None
    did, time_us, kind = message.get("did"), message.get("time_us"), message.get("kind")
    if not isinstance(did, str) or not _is_did(did):
        return None
    if not isinstance(time_us, int) or isinstance(time_us, bool) or not 0 <= time_us < _LATEST_US:
        return None
    if kind != EventKind.ACCOUNT and kind != EventKind.IDENTITY:
        return None
    at = _EPOCH + time_us * _MICROSECOND
    return StreamEvent(did, EventKind(kind), at, str(time_us))


def query(cursor: str | None) -> dict[str, str]:
    """The parameters of a connection that resumes at `cursor`. Raises ValueError for no cursor of ours."""
    waits = {"requireHello": "true"}
    if cursor is None:
        return waits
    at = _time_of(cursor)
    if at is None:
        raise ValueError(f"{cursor!r} is not a cursor of the event stream")
    return {**waits, "cursor": str((max(at - _REWIND, _EPOCH) - _EPOCH) // _MICROSECOND)}


def hello(dids: Collection[str]) -> str:
    """The message that asks for the events of these accounts. Raises ValueError for none or too many.

    To ask for none would be to ask for the whole network.
    """
    if not 0 < len(dids) <= MOST_DIDS:
        raise ValueError(f"one connection can watch 1 to {MOST_DIDS} accounts, but {len(dids)} were given")
    payload = {
        "wantedCollections": _COLLECTIONS,
        "wantedDids": sorted(dids),
        "maxMessageSizeBytes": LARGEST_MESSAGE,
    }
    return json.dumps({"type": "options_update", "payload": payload})


def cursor_at(at: datetime) -> str:
    """The cursor that resumes at a moment: Jetstream counts microseconds (documented)."""
    return str((at - _EPOCH) // _MICROSECOND)


def gap_is_covered(cursor: str | None, now: datetime) -> bool:
    """Whether a connection that resumes at `cursor` will be sent everything since.

    False without a cursor, when it reaches back further than Jetstream does, less a margin, and when it
    lies in the future: then events are lost without a word, and every account must be asked.
    """
    at = None if cursor is None else _time_of(cursor)
    return at is not None and -MARGIN <= now - at <= LOOK_BACK - MARGIN


def _time_of(cursor: str) -> datetime | None:
    is_number = cursor.isascii() and cursor.isdigit() and len(cursor) < 20
    return _EPOCH + int(cursor) * _MICROSECOND if is_number and int(cursor) < _LATEST_US else None

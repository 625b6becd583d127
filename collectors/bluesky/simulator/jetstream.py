"""Pure: the account and identity events of a history, as Jetstream sends them.

An event is about the server that holds the account. What only the app view does (its own takedowns, the
labels of regions) makes none.
"""

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs

from collectors.bluesky.simulator.payloads import INVALID_HANDLE, stamp
from collectors.bluesky.simulator.world import HostingStatus, hosting_status
from collectors.simulator.history import HistoryAccount

LOOK_BACK: Final = timedelta(hours=36)
"""How far back a cursor reaches (documented); an older one is moved up without a word."""

MOST_DIDS: Final = 10_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class BadOptionsError(Exception):
    """A listener asks for what Jetstream refuses. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a listener asks for. No DIDs: those of the whole network."""

    dids: frozenset[str]
    cursor: datetime | None = None
    waits_for_hello: bool = False
    """Nothing is sent before the first options update."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `standing` is set for kind account, `handle` for kind identity where it resolves."""

    at: datetime
    did: str
    kind: str
    standing: HostingStatus = HostingStatus.ACTIVE
    handle: str | None = None


class EventLog:
    """All events of a history, by time."""

    def __init__(self, accounts: Iterable[HistoryAccount]) -> None:
        self._events = sorted(
            (event for account in accounts for event in _events(account)),
            key=lambda event: (event.at, event.did, event.kind),
        )

    def between(self, after: datetime, until: datetime, dids: Collection[str]) -> list[str]:
        """The messages in (`after`, `until`] about these DIDs (none: about everybody), oldest first."""
        first = bisect_right(self._events, after, key=lambda event: event.at)
        last = bisect_right(self._events, until, key=lambda event: event.at)
        return [
            _message(event, seq)
            for seq, event in enumerate(self._events[first:last], start=first + 1)
            if not dids or event.did in dids
        ]

    def start_of(self, options: Options, now: datetime) -> datetime:
        """After which time a listener that connects at `now` is sent events.

        A cursor is the time of the last event seen, which is sent again; one from the future is ignored.
        """
        if options.cursor is None or options.cursor > now:
            return now
        return max(options.cursor, now - LOOK_BACK) - _MICROSECOND


def read_query(query: str) -> Options:
    """What the query of a request for the stream asks for. Raises BadOptionsError."""
    params = parse_qs(query)
    cursor = params.get("cursor", [""])[0]
    try:
        at = _EPOCH + timedelta(microseconds=int(cursor)) if cursor else None
    except (ValueError, OverflowError) as e:
        raise BadOptionsError(f"invalid cursor: {cursor}") from e
    waits = params.get("requireHello", [""])[0] == "true"
    return Options(_checked(params.get("wantedDids", [])), at, waits)


def read_update(text: str) -> frozenset[str]:
    """The DIDs that a message from a listener asks for. Raises BadOptionsError for any other message."""
    try:
        message = json.loads(text)
        if message["type"] != "options_update":
            raise BadOptionsError(f"unexpected message type: {message['type']}")
        return _checked(message["payload"].get("wantedDids") or [])
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise BadOptionsError("failed to parse options update") from e


def _checked(dids: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(dids)
    if len(wanted) > MOST_DIDS:
        raise BadOptionsError(f"too many wanted DIDs: {len(wanted)} > {MOST_DIDS}")
    if not all(did.startswith("did:") for did in wanted):
        raise BadOptionsError("failed to parse a wanted DID")
    return wanted


def _events(account: HistoryAccount) -> Iterable[Event]:
    """An owner who comes back is announced with the handle as well (recorded)."""
    did = account.native_id
    standings = [
        hosting_status(state, account.details[index] if account.details else "")
        for index, state in enumerate(account.states)
    ]
    identities = set(account.handle_times[1:])
    for at, before, standing in zip(account.times[1:], standings, standings[1:], strict=False):
        if standing is not before:
            yield Event(at, did, "account", standing)
            if before is HostingStatus.DEACTIVATED and standing is HostingStatus.ACTIVE:
                identities.add(at)
    for at in identities:
        handle = account.handle_at(at)
        yield Event(at, did, "identity", handle=None if handle == INVALID_HANDLE else handle)


def _message(event: Event, seq: int) -> str:
    said: dict[str, object] = {"did": event.did, "seq": seq, "time": stamp(event.at)}
    if event.kind == "account":
        said = {"active": event.standing is HostingStatus.ACTIVE, **said}
        if event.standing is not HostingStatus.ACTIVE:
            said["status"] = event.standing.value
    elif event.handle is not None:
        said["handle"] = event.handle
    time_us = (event.at - _EPOCH) // _MICROSECOND
    envelope = {"did": event.did, "time_us": time_us, "kind": event.kind, event.kind: said}
    return json.dumps(envelope, separators=(",", ":"))

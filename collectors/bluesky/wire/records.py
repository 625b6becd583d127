"""Pure: what the records in somebody's repository say that they did, and how far they have been read.

Records are written by the owner's own software, so the times and keys in them are claims. Their server
lists them newest key first, 100 at most, and gives a cursor even on the last page (measured).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from collectors.bluesky.wire.errors import INVALID_REQUEST, error_of, open_answer
from collectors.bluesky.wire.identity import RecordUri, is_did, moment, record_uri
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, compact, is_array, is_object, parse, printable
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from storage.model.orders.keywords import words_of

PAGE_SIZE: Final = 100
_LIKE, _REPOST, _FOLLOW, _POST = (
    "app.bsky.feed.like",
    "app.bsky.feed.repost",
    "app.bsky.graph.follow",
    "app.bsky.feed.post",
)
COLLECTIONS: Final = (_LIKE, _REPOST, _FOLLOW, _POST)
_POINTING = {_LIKE: SignalKind.LIKE, _REPOST: SignalKind.REPOST}
_QUOTING = ("app.bsky.embed.record", "app.bsky.embed.recordWithMedia")
"""Compared, not looked up: what stands in a record may be of any type."""
_HIDDEN = {"RepoNotFound", "RepoTakendown", "RepoSuspended", "RepoDeactivated"}

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class RepoRecord:
    """One record: its key, and the acts that it is. Usually one; a reply that quotes is two; none when the
    record cannot be read.
    """

    rkey: str
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of a collection, newest key first. `next_cursor` is None on the last page."""

    records: tuple[RepoRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UnreadableRepo:
    """The server does not show this repository (taken down, deactivated, gone): nothing is wrong with us."""

    detail: str


@dataclass(frozen=True, slots=True)
class CollectionPosition:
    """How far one collection has been read: everything up to `since`, and from `until` to `newest`.

    `since` is None before the first poll and empty when that one found nothing. The other two are set
    when a poll had to stop before it had come down to where the one before it began.
    """

    since: str | None = None
    until: str | None = None
    newest: str | None = None

    def fresh(self, page: RecordPage) -> tuple[RepoRecord, ...]:
        """The records of a page that were not read before."""
        return tuple(record for record in page.records if record.rkey > (self.since or ""))

    def after(self, records: Sequence[RepoRecord], now: datetime, *, complete: bool) -> Self:
        """The position once `records` are stored. `complete`: every page down to `since` was read.

        A key that time could not have made yet is never taken as the newest one: it would hide what
        comes until then.
        """
        limit = _key_at(now + _CLOCKS_DIFFER)
        newest = max((r.rkey for r in records if r.rkey <= limit), default="")
        newest = max(newest, self.newest or "", self.since or "")
        return type(self)(newest) if complete else type(self)(self.since, records[-1].rkey, newest)


def positions_of(cursor: str | None) -> dict[str, CollectionPosition]:
    """The position in each collection that a stored cursor holds; none of them before the first poll.

    Raises ValueError when `cursor` was not made here.
    """
    if cursor is None:
        return {}
    kept = parse(cursor.encode())
    if is_object(kept) and all(name in COLLECTIONS and _is_position(value) for name, value in kept.items()):
        return {name: CollectionPosition(*map(str, value)) for name, value in kept.items() if is_array(value)}
    raise ValueError(f"not a cursor of Bluesky records: {printable(cursor)}")


def cursor_of(positions: Mapping[str, CollectionPosition]) -> str:
    """Positions as text, to be stored."""
    kept = {
        name: [key for key in (position.since, position.until, position.newest) if key is not None]
        for name, position in positions.items()
    }
    return compact(kept).decode()


def read_records(answer: Exchange, did: str, collection: str) -> RecordPage | UnreadableRepo | WireFault:
    """The records on a page of `listRecords`, or why nothing can be concluded. Never raises.

    A record that cannot be read is passed over: its author's software wrote it, and it will never read
    better. A page whose envelope cannot be read is a fault.
    """
    document = open_answer(answer)
    if isinstance(document, WireFault):
        return _hidden(answer) or document
    items, cursor = document.get("records"), document.get("cursor")
    if not is_array(items) or not (cursor is None or isinstance(cursor, str)):
        return WireFault(MissedReason.MALFORMED, "records or cursor has an unexpected type")
    records: list[RepoRecord] = []
    for item in items:
        uri = record_uri(item.get("uri")) if is_object(item) else None
        if not is_object(item) or uri is None or (uri.did, uri.collection) != (did, collection):
            return WireFault(MissedReason.MALFORMED, "a record has no address in the requested collection")
        value = item.get("value")
        signals = _signals(uri, value) if is_object(value) else ()
        records.append(RepoRecord(uri.rkey, tuple(signals)))
    return RecordPage(tuple(records), cursor if len(records) >= PAGE_SIZE else None)


def read_relationships(answer: Exchange, actor: str) -> tuple[Signal, ...] | WireFault:
    """Whom of those asked for `actor` follows, from the answer to `getRelationships`. Never raises.

    The app does not say since when.
    """
    document = open_answer(answer)
    items = document.get("relationships") if is_object(document) else None
    if isinstance(document, WireFault):
        return document
    if document.get("actor", actor) != actor or not is_array(items):
        return WireFault(MissedReason.MALFORMED, "the relationships are missing or belong to another account")
    signals: list[Signal] = []
    for item in items:
        did, uri = (item.get("did"), record_uri(item.get("following"))) if is_object(item) else (None, None)
        if isinstance(did, str) and is_did(did) and uri and (uri.did, uri.collection) == (actor, _FOLLOW):
            signals.append(Signal(SignalKind.FOLLOW, _text(uri), None, did, did))
    return tuple(signals)


def _hidden(answer: Exchange) -> UnreadableRepo | None:
    error = error_of(answer)
    if error is None:
        return None
    name, message = error
    if name in _HIDDEN or (name == INVALID_REQUEST and message.startswith("Could not find repo")):
        return UnreadableRepo(printable(f"{name}: {message}"))
    return None


def _signals(uri: RecordUri, value: dict[str, object]) -> Iterator[Signal]:
    made_at, address = moment(value.get("createdAt")), _text(uri)
    if uri.collection == _FOLLOW:
        followed = value.get("subject")
        if isinstance(followed, str) and is_did(followed):
            yield Signal(SignalKind.FOLLOW, address, made_at, followed, followed)
        return
    if uri.collection != _POST:
        target = _reference(value.get("subject"))
        if target is not None:
            yield Signal(_POINTING[uri.collection], address, made_at, _text(target), target.did)
        return
    reply, quoted, words = value.get("reply"), _quoted(value.get("embed")), words_of(value.get("text"))
    if is_object(reply):
        answered = _reference(reply.get("parent"))
        whom = (_text(answered), answered.did) if answered else (None, None)
        yield Signal(SignalKind.REPLY, address, made_at, *whom, words=words)
    if quoted is not None:
        yield Signal(SignalKind.QUOTE, address, made_at, _text(quoted), quoted.did, words=words)
    if not is_object(reply) and quoted is None:
        yield Signal(SignalKind.POST, address, made_at, words=words)


def _quoted(embed: object) -> RecordUri | None:
    """The post that is quoted; a list or a feed may be embedded in the same way and is none."""
    if not is_object(embed) or embed.get("$type") not in _QUOTING:
        return None
    record = embed.get("record")
    inner = record.get("record") if is_object(record) else None
    found = _reference(inner if is_object(inner) else record)
    return found if found is not None and found.collection == _POST else None


def _reference(value: object) -> RecordUri | None:
    return record_uri(value.get("uri")) if is_object(value) else None


def _text(uri: RecordUri) -> str:
    return f"at://{uri.did}/{uri.collection}/{uri.rkey}"


def _is_position(value: object) -> bool:
    return is_array(value) and len(value) in {1, 3} and all(isinstance(key, str) for key in value)


def _key_at(at: datetime) -> str:
    """The key (TID) of a record that is made at `at`: keys sort as their times do."""
    number = (at - _EPOCH) // timedelta(microseconds=1) << 10
    return "".join(_DIGITS[number >> shift & 31] for shift in range(60, -1, -5))

"""Pure: what the answers of Bluesky say of each post that was asked for.

`getPosts` drops a post without a word: one that was deleted, that the app took down, whose author is gone,
and that the app never had (documented: its lexicon and source, getPosts.ts and views/index.ts). So the author
of a missing post is asked for first. If the author is shown, their own server (PDS) says whether it serves
the record. If it does, only a takedown label of Bluesky's labeler proves that the app took the post down:
every takedown of a post makes one (documented: the source of Ozone, takedownRecord).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from collectors.bluesky.declaration import post_of
from collectors.bluesky.wire.errors import INVALID_REQUEST, error_of, fault_of, open_answer
from collectors.bluesky.wire.identity import DidDocument, NoDid
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.profiles import AppAnswer, labels_of, read_many, shown
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_object
from storage.model.core.availability import (
    BY_COUNTRY,
    Flag,
    Missed,
    MissedReason,
    Reading,
    State,
    Status,
    Strength,
)

GET_RECORD: Final = "com.atproto.repo.getRecord"
GET_RECORD_PROOF: Final = "com.atproto.sync.getRecord"
TAKEDOWN_LABELS: Final = frozenset({"!takedown", "!suspend"})
"""Labels of the main labeler for which the app removes a post (documented: hydration/label.ts)."""

_SUSPENDED = State(Status.SUSPENDED)
_NOT_FOUND = State(Status.NOT_FOUND)


def read_posts(answer: Exchange, asked: Sequence[str], labelers: Labelers) -> AppAnswer:
    """What the answer to `getPosts` says of the posts with the `asked` addresses. Never raises."""
    return read_many(answer, asked, labelers, "posts", "uri", _shown)


def with_author(uri: str, author: Reading | Missed) -> Reading | Missed | None:
    """The status of a post whose author is not shown either: that of the author. None when the author is
    shown: then the author is not the reason that the post is missing.
    """
    if isinstance(author, Missed):
        return Missed(uri, author.at, author.reason, f"the author of the post: {author.detail}")
    if author.state.status in BY_COUNTRY:
        return None
    flags = author.flags | {Flag.WITH_AUTHOR}
    return Reading(uri, author.at, author.state, author.strength, flags=flags)


def no_server(uri: str, identity: DidDocument | NoDid | WireFault, at: datetime) -> Missed:
    """A post whose author's DID document cannot be read, or names no server to ask."""
    if isinstance(identity, WireFault):
        detail = f"the DID document could not be read: {identity.detail}"
        return Missed(uri, at, identity.reason, detail)
    nobody = "the app does not show the post, and no server is named that could say more"
    return Missed(uri, at, MissedReason.UNCLASSIFIED, nobody)


def read_record(answer: Exchange, uri: str) -> bool | WireFault:
    """Whether the author's server serves the record at `uri`, by the answer to `getRecord`. Never raises.

    Older versions of the reference server have no name for this error, only a text (documented: its source).
    """
    if answer.http_status != 200:
        error = error_of(answer)
        older = INVALID_REQUEST, f"Could not locate record: {uri}"
        is_missing = error is not None and (error[0] == "RecordNotFound" or error == older)
        return False if is_missing else fault_of(answer)
    document = open_answer(answer)
    if isinstance(document, WireFault):
        return document
    if document.get("uri") != uri or not is_object(document.get("value")):
        return WireFault(MissedReason.MALFORMED, "the answer contains no record, or another one")
    return True


def not_served(uri: str, is_held: bool | WireFault | None, at: datetime) -> Reading | Missed:
    """What became of a post that neither the app nor the server of its author serves. `is_held`: whether the
    server proves that the repository has the post; None when it proves nothing.
    """
    if isinstance(is_held, WireFault):
        return unusable(uri, is_held, at)
    if is_held:
        return Reading(uri, at, _SUSPENDED, Strength.STRONG, flags=frozenset({Flag.HOST}))
    flags = frozenset[Flag]() if is_held is None else frozenset({Flag.DELETED})
    return Reading(uri, at, _NOT_FOUND, Strength.WEAK, flags=flags)


def served(uri: str, taken_down: frozenset[str] | None, at: datetime) -> Reading | Missed:
    """What became of a post that the server of its author serves and the app does not show. `taken_down` is
    what Bluesky's labeler lists as taken down; None when its list proves nothing.
    """
    if taken_down is not None and uri in taken_down:
        return Reading(uri, at, _SUSPENDED, Strength.STRONG, flags=frozenset({Flag.APP_VIEW_ONLY}))
    why = "the app does not show the post, but its author's server serves it and no takedown label is listed"
    return Missed(uri, at, MissedReason.CONTRADICTORY, why)


def unusable(uri: str, fault: WireFault, at: datetime) -> Missed:
    """A post about which the server of its author gave no usable answer."""
    return Missed(uri, at, fault.reason, f"the server of the author gave no usable answer: {fault.detail}")


def _shown(
    item: dict[str, object], uri: str, answer: Exchange, labelers: Labelers, silent: frozenset[str]
) -> Reading | Missed:
    """A post that the app shows: withheld where it is labelled, or its author."""
    did, key = post_of(uri) or ("", "")
    author = item.get("author")
    if not is_object(author) or author.get("did") != did or not is_object(item.get("record")):
        detail = "the post lacks its record, or names another author"
        return Missed(uri, answer.at, MissedReason.MALFORMED, detail)
    said = shown(author, did, answer, labelers, silent)
    if isinstance(said, Missed):
        return replace(said, native_id=uri)
    own = labels_of(item, uri, answer, labelers, silent)
    if isinstance(own, WireFault):
        return Missed(uri, answer.at, own.reason, own.detail)
    countries = tuple(sorted({*own.withheld_in, *said.state.withheld_in}))
    return Reading(
        uri,
        answer.at,
        State(Status.WITHHELD, countries) if countries else State(Status.AVAILABLE),
        Strength.STRONG,
        f"{said.handle}/{key}" if said.handle is not None else None,
        said.flags | {Flag.WITH_AUTHOR} if countries and not own.withheld_in else said.flags,
        silent_on=silent,
    )

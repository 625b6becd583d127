"""Pure: who an account of Bluesky is: its DID, its DID document, the log of its handles, its addresses.

The DID never changes. Its document names the server (PDS) that holds the account now and the handle that
the owner claims; both may change at any time.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlsplit

from collectors.bluesky.declaration import RECORD_KEY
from collectors.bluesky.wire.errors import fault_of, open_answer
from collectors.core.abilities import HandleSince
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_array, is_object, parse
from storage.model.core.availability import MissedReason

HANDLE_INVALID = "handle.invalid"
"""What the app shows in place of a handle that no longer leads to its account (measured)."""

WEB_DOCUMENT = "/.well-known/did.json"
"""Where a host keeps the document of the did:web of its name."""

_WEB = "did:web:"
_PDS, _LABELER = "#atproto_pds", "#atproto_labeler"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_is_did = re.compile(
    rf"did:plc:[a-z2-7]{{24}}|did:web:(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*(?:%3A[0-9]{{1,5}})?"
).fullmatch
_is_handle = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?").fullmatch
_record_uri = re.compile(
    rf"at://(did:[a-z]{{1,20}}:[A-Za-z0-9._:%-]{{1,300}})/([A-Za-z0-9.-]{{1,300}})/({RECORD_KEY})"
).fullmatch
_post_named = re.compile(
    rf"at://([^/]+)/app\.bsky\.feed\.post/({RECORD_KEY})|([^/]+)/({RECORD_KEY})"
).fullmatch


@dataclass(frozen=True, slots=True)
class DidDocument:
    """`pds` is the origin of the server that holds the account now, None when none is named that can be
    asked. `handle` is the owner's claim, not proven. `labeler` is the origin of the server that lists the
    labels of a labeler, None for any other account.
    """

    pds: str | None
    handle: str | None
    labeler: str | None = None


class NoDid(StrEnum):
    """The directory of DIDs has no document of this DID."""

    TOMBSTONED = "DID not available"
    """There was one, and its owner gave it up for good."""
    NOT_REGISTERED = "DID not registered"


@dataclass(frozen=True, slots=True)
class RecordUri:
    """The parts of the address of a record: whose it is, of which kind, and its key."""

    did: str
    collection: str
    rkey: str


def is_did(text: str) -> bool:
    """Whether `text` is a DID of one of the two methods that Bluesky supports."""
    return _is_did(text) is not None


def is_handle(text: str) -> bool:
    """Whether `text`, in small letters, is a handle that can lead to an account."""
    return _is_handle(text) is not None and text != HANDLE_INVALID


def name_of(text: str) -> str | None:
    """The DID or the handle in what a user wrote: `@name.example`, a DID, the address of a profile.

    None when it is neither.
    """
    name = text.strip()
    if "://" in name:
        try:
            parts = urlsplit(name)
        except ValueError:
            return None
        path = parts.path.split("/")
        if parts.scheme not in {"https", "http"} or parts.netloc.lower() not in {"bsky.app", "www.bsky.app"}:
            return None
        if path[:2] != ["", "profile"] or len(path) < 3:
            return None
        name = path[2]
    if is_did(name):
        return name
    name = name.removeprefix("@").lower()
    return name if is_handle(name) else None


def post_named(text: str) -> tuple[str, str] | None:
    """The author, by DID or handle, and the key of the post that `AUTHOR/KEY` or an at-uri names.

    None when it is neither. See `name_of` for the author.
    """
    found = _post_named(text.strip())
    return None if found is None else (found[1] or found[3], found[2] or found[4])


def record_uri(value: object) -> RecordUri | None:
    """The parts of an at-uri that names its owner by DID; None for anything else."""
    found = _record_uri(value) if isinstance(value, str) else None
    return None if found is None else RecordUri(*found.groups())


def document_url(did: str, plc: str) -> str:
    """Where the DID document of a sound DID is kept."""
    if did.startswith(_WEB):
        return f"https://{did.removeprefix(_WEB).replace('%3A', ':')}{WEB_DOCUMENT}"
    return f"{plc}/{did}"


def has_log(did: str) -> bool:
    """Whether the changes of the DID document are kept in public: not for did:web."""
    return not did.startswith(_WEB)


def read_document(answer: Exchange, did: str) -> DidDocument | NoDid | WireFault:
    """What the answer for the DID document of `did` says. Never raises.

    A missing document is believed only in the words of the directory (measured), which say so by 404 and
    in production also by 410 (recalled).
    """
    document = open_answer(answer)
    if isinstance(document, WireFault):
        return _no_did(answer, did) or document
    if document.get("id") != did:
        return WireFault(MissedReason.MALFORMED, "the DID document belongs to another DID")
    services = document.get("service")
    return DidDocument(
        _server(services, did, _PDS),
        _claimed(document.get("alsoKnownAs")),
        _server(services, did, _LABELER),
    )


def read_log(answer: Exchange, did: str) -> tuple[HandleSince, ...] | WireFault:
    """The handles of `did`, oldest first, from the answer to `/log/audit`. Never raises.

    Operations that were nullified later count as never made.
    """
    if answer.http_status != 200:
        gone = _no_did(answer, did)
        return WireFault(MissedReason.UNCLASSIFIED, f"{gone.value}: {did}") if gone else fault_of(answer)
    entries = parse(answer.body)
    if not is_array(entries):
        return WireFault(MissedReason.MALFORMED, "the log of a DID is not an array")
    handles: list[HandleSince] = []
    for entry in entries:
        operation = entry.get("operation") if is_object(entry) else None
        since = moment(entry.get("createdAt")) if is_object(entry) else None
        if not is_object(entry) or not is_object(operation) or since is None or entry.get("did") != did:
            return WireFault(MissedReason.MALFORMED, "an entry in the log of a DID cannot be read")
        handle = _handle_in(operation)
        if entry.get("nullified") is True or handle is None or (handles and handles[-1].handle == handle):
            continue
        handles.append(HandleSince(handle, since))
    return tuple(handles)


def read_resolved(answer: Exchange) -> str | WireFault:
    """The DID in the answer to `resolveHandle`. Never raises."""
    document = open_answer(answer)
    if isinstance(document, WireFault):
        return document
    did = document.get("did")
    if not isinstance(did, str) or not is_did(did):
        return WireFault(MissedReason.MALFORMED, "the answer of resolveHandle has no valid DID")
    return did


def moment(value: object) -> datetime | None:
    """A time as Bluesky writes it, in UTC; None when it is none, or has no time zone."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if at is None or at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _no_did(answer: Exchange, did: str) -> NoDid | None:
    document = parse(answer.body) if answer.http_status in {404, 410} and has_log(did) else None
    message = document.get("message") if is_object(document) else None
    return next((said for said in NoDid if message == f"{said.value}: {did}"), None)


def _server(services: object, did: str, fragment: str) -> str | None:
    for service in services if is_array(services) else ():
        if is_object(service) and service.get("id") in (fragment, did + fragment):
            return _origin(service.get("serviceEndpoint"))
    return None


def _origin(endpoint: object) -> str | None:
    if not isinstance(endpoint, str) or len(endpoint) > 300:
        return None
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return None
    plain = parts.path in {"", "/"} and not parts.query and not parts.fragment and parts.username is None
    host = parts.hostname or ""
    if parts.scheme not in {"https", "http"} or not plain or not re.fullmatch(r"[a-z0-9.-]+", host):
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def _claimed(names: object) -> str | None:
    for name in names if is_array(names) else ():
        if isinstance(name, str) and name.startswith("at://"):
            handle = name.removeprefix("at://").lower()
            return handle if is_handle(handle) else None
    return None


def _handle_in(operation: dict[str, object]) -> str | None:
    """The handle after an operation; the first form of operations had a field of its own for it."""
    old_form = operation.get("handle")
    return _claimed([f"at://{old_form}"] if isinstance(old_form, str) else operation.get("alsoKnownAs"))

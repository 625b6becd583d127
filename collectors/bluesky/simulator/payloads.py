"""Pure: the JSON that Bluesky's servers send, as recorded, built from the true state of an account.

Kept apart from the collector's parser: tests compare it with recorded answers.
"""

import json
from base64 import b32encode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.reply import SimulatedReply
from storage.model.core.signals import SignalKind

JSON: Final = "application/json; charset=utf-8"
DID_JSON: Final = "application/did+ld+json; charset=utf-8"
HTML_TYPE: Final = "text/html; charset=utf-8"
INVALID_HANDLE: Final = "handle.invalid"
"""What the app view shows in place of a handle that no longer leads to the account."""

COLLECTIONS: Final[Mapping[SignalKind, str]] = {
    SignalKind.LIKE: "app.bsky.feed.like",
    SignalKind.REPOST: "app.bsky.feed.repost",
    SignalKind.FOLLOW: "app.bsky.graph.follow",
    SignalKind.POST: "app.bsky.feed.post",
    SignalKind.REPLY: "app.bsky.feed.post",
    SignalKind.QUOTE: "app.bsky.feed.post",
}
"""Which collection of an account's repository holds its acts of a kind."""

_NO_HEADERS: Final[Mapping[str, str]] = {}
_CREATED_AT: Final = "2023-06-01T00:00:00.000Z"
_REV: Final = "3jxtb5w2hkt2m"
_KEY: Final = "zQ3shSimulatedAccountKeyOfTheBlocklineRehearsals1"
_RECOVERY_KEY: Final = "zQ3shSimulatedRecoveryKeyOfTheBlocklineRehearsals"

ACCOUNT_TAKEDOWN: Final = {"error": "AccountTakedown", "message": "Account has been suspended"}
ACCOUNT_DEACTIVATED: Final = {"error": "AccountDeactivated", "message": "Account is deactivated"}
PROFILE_NOT_FOUND: Final = {"error": "InvalidRequest", "message": "Profile not found"}
ACTOR_NOT_FOUND: Final = {"error": "ActorNotFound", "message": "Actor not found"}
HANDLE_NOT_FOUND: Final = {"error": "HandleNotFound", "message": "Unable to resolve handle"}
METHOD_NOT_IMPLEMENTED: Final = {"error": "MethodNotImplemented", "message": "Method Not Implemented"}
RATE_LIMITED: Final = {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}
AUTH_MISSING: Final = {"error": "AuthMissing", "message": "Authentication Required"}
FORBIDDEN: Final = {"error": "Forbidden", "message": "Forbidden"}
UNAVAILABLE: Final = {"error": "NotEnoughResources", "message": "Not Enough Resources"}
UNDER_REVIEW: Final = {"error": "AccountUnderReview", "message": "Account is under review"}
"""An error that no version of the servers is known to send."""
HTML: Final = b"<!DOCTYPE html><html><head><title>Bluesky</title></head><body><h1>Oops</h1></body></html>"


def dumps(value: object) -> bytes:
    """Compact JSON, as the servers send it."""
    return json.dumps(value, separators=(",", ":")).encode()


def answer(status: int, value: object, headers: Mapping[str, str] = _NO_HEADERS) -> SimulatedReply:
    """A value as JSON, under the servers' own name for its type."""
    return SimulatedReply(status, dumps(value), headers, JSON)


def stamp(at: datetime) -> str:
    """A time as all of Bluesky writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def invalid(method: str, what: str) -> dict[str, object]:
    """The body of a 400 for a request that is wrong in itself."""
    return {"error": "InvalidRequest", "message": f"Invalid {method} params: {what}"}


def repo_not_found(did: str) -> dict[str, object]:
    """What getRepoStatus says of an account that the server does not hold."""
    return {"error": "RepoNotFound", "message": f"Could not find repo for DID: {did}"}


def no_repo(repo: str) -> dict[str, object]:
    """What listRecords says of every account that it does not show, whatever the reason."""
    return {"error": "InvalidRequest", "message": f"Could not find repo: {repo}"}


def label(src: str, uri: str, val: str, cts: datetime) -> dict[str, object]:
    """A label as the app view shows it on a profile."""
    return {"src": src, "uri": uri, "val": val, "cts": stamp(cts)}


def label_row(src: str, uri: str, val: str, cts: datetime, negated: bool) -> dict[str, object]:
    """A label as its labeler lists it. The signature has the right form and proves nothing."""
    sig = b64encode(blake2b(f"{src} {uri} {val} {cts}".encode()).digest()).decode().rstrip("=")
    row: dict[str, object] = {"ver": 1, "src": src, "uri": uri, "val": val}
    if negated:
        row["neg"] = True
    return row | {"cts": stamp(cts), "sig": {"$bytes": sig}}


def json_label(label: Mapping[str, object]) -> dict[str, object]:
    """A label with a signature of bytes, as JSON."""
    sig = label["sig"]
    text = b64encode(sig).decode().rstrip("=") if isinstance(sig, bytes) else ""
    return {**label, "sig": {"$bytes": text}}


def profile(did: str, handle: str, labels: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """A profileViewDetailed."""
    return {
        "did": did,
        "handle": handle,
        "displayName": handle,
        "associated": {
            "lists": 0,
            "feedgens": 0,
            "starterPacks": 0,
            "labeler": False,
            "activitySubscription": {"allowSubscriptions": "followers"},
        },
        "labels": labels,
        "createdAt": _CREATED_AT,
        "description": "",
        "indexedAt": _CREATED_AT,
        "followersCount": 1200,
        "followsCount": 340,
        "postsCount": 5600,
    }


def basic_profile(did: str, handle: str, labels: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """A profileViewBasic: the author of a post."""
    return {"did": did, "handle": handle, "displayName": handle, "labels": labels, "createdAt": _CREATED_AT}


def post_record(uri: str) -> dict[str, object]:
    """The record of a post, with a made-up text."""
    return {"$type": COLLECTIONS[SignalKind.POST], "text": f"Simulated: {uri}", "createdAt": _CREATED_AT}


def post_view(
    uri: str, author: Mapping[str, object], labels: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    """A postView (documented: app.bsky.feed.defs)."""
    return {
        "uri": uri,
        "cid": _cid(uri),
        "author": author,
        "record": post_record(uri),
        "bookmarkCount": 0,
        "replyCount": 0,
        "repostCount": 0,
        "likeCount": 0,
        "quoteCount": 0,
        "indexedAt": _CREATED_AT,
        "labels": labels,
    }


def served_record(uri: str) -> dict[str, object]:
    """The answer of getRecord for a post."""
    return {"uri": uri, "cid": _cid(uri), "value": post_record(uri)}


def record_not_found(uri: str) -> dict[str, object]:
    """The error of getRecord for a record that does not exist, or that its server took down (documented)."""
    return {"error": "RecordNotFound", "message": f"Could not locate record: {uri}"}


def repo_status(did: str, status: str | None) -> dict[str, object]:
    """What the server that holds an account says of it; `status` is None while it is active."""
    if status is None:
        return {"did": did, "active": True, "rev": _REV}
    return {"did": did, "active": False, "status": status}


def did_document(did: str, handle: str, pds: str) -> dict[str, object]:
    """The DID document; `pds` is the address of the server that holds the account."""
    key = {"id": "#atproto", "type": "EcdsaSecp256k1VerificationKey2019", "controller": did}
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds}
    return {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/suites/secp256k1-2019/v1",
        ],
        "id": did,
        "alsoKnownAs": [f"at://{handle}"],
        "verificationMethod": [key | {"publicKeyMultibase": _KEY}],
        "service": [service],
    }


def labeler_document(did: str, labeler: str) -> dict[str, object]:
    """The DID document of a labeler; `labeler` is the address of the server that lists its labels."""
    service = {"id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": labeler}
    return did_document(did, "labeler.test", labeler) | {"service": [service]}


def audit_log(did: str, handles: Sequence[tuple[datetime, str]], pds: str) -> list[dict[str, object]]:
    """The operations on a DID: one for each handle, oldest first."""
    entries: list[dict[str, object]] = []
    prev = None
    for at, handle in handles:
        operation = {
            "type": "plc_operation",
            "verificationMethods": {"atproto": f"did:key:{_KEY}"},
            "rotationKeys": [f"did:key:{_KEY}", f"did:key:{_RECOVERY_KEY}"],
            "alsoKnownAs": [f"at://{handle}"],
            "services": {"atproto_pds": {"type": "AtprotoPersonalDataServer", "endpoint": pds}},
            "prev": prev,
            "sig": b64encode(blake2b(f"{did} {at}".encode()).digest(), b"-_").decode().rstrip("="),
        }
        prev = _cid(f"{did} {at}")
        entries.append(
            {"did": did, "operation": operation, "cid": prev, "nullified": False, "createdAt": stamp(at)}
        )
    return entries


def record_uri(act: SimulatedAct) -> str:
    """The address of the record that an act leaves in the actor's repository."""
    return f"at://{act.actor_id}/{COLLECTIONS[act.kind]}/{act.post_id}"


def record(act: SimulatedAct) -> dict[str, object]:
    """An item of listRecords. `target_id` is the address of a post, or the DID of who is followed."""
    uri, collection = record_uri(act), COLLECTIONS[act.kind]
    value: dict[str, object] = {"$type": collection}
    target = {"cid": _cid(act.target_id or ""), "uri": act.target_id}
    match act.kind:
        case SignalKind.FOLLOW:
            value["subject"] = act.target_id
        case SignalKind.LIKE | SignalKind.REPOST:
            value["subject"] = target
        case SignalKind.REPLY:
            value = {"text": "", **value, "reply": {"root": target, "parent": target}}
        case SignalKind.QUOTE:
            value = {"text": "", **value, "embed": {"$type": "app.bsky.embed.record", "record": target}}
        case _:
            value = {"text": "", **value}
    return {"uri": uri, "cid": _cid(uri), "value": value | {"createdAt": stamp(act.at)}}


def relationship(did: str, following: str | None, followed_by: str | None) -> dict[str, object]:
    """How an actor and another account stand; both are addresses of follow records."""
    links = {"following": following, "followedBy": followed_by}
    kept = {name: uri for name, uri in links.items() if uri is not None}
    return {"did": did, **kept, "$type": "app.bsky.graph.defs#relationship"}


def unknown_actor(actor: str) -> dict[str, object]:
    """A relationship to a handle that leads nowhere."""
    return {"actor": actor, "notFound": True, "$type": "app.bsky.graph.defs#notFoundActor"}


def _cid(content: str) -> str:
    digest = blake2b(content.encode(), digest_size=32).digest()
    return "bafyrei" + b32encode(digest).decode().rstrip("=").lower()

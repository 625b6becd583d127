"""Pure: what is kept of Bluesky's answers as evidence: what bears on the status, and nothing personal.

Kept of an account are its DID, handle, labels, status and error; of its DID document also the server that
it names. Display name, description, picture and counts are left out.
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from collectors.bluesky.wire.identity import WEB_DOCUMENT
from collectors.bluesky.wire.label_lists import QUERY_LABELS
from collectors.core.collector import Exchange
from collectors.core.wire import is_array, is_object, parse

_KEPT = ("did", "handle", "active", "status", "error", "message", "id")
_KEPT_OF_LABEL = ("src", "uri", "val", "cts", "neg", "exp")
_KEPT_OF_SERVICE = ("id", "type", "serviceEndpoint")
_MOST_ITEMS = 100
_LONGEST_TEXT = 500
"""Answers of servers that belong to strangers are cut here: a document of evidence stays small."""


def excerpt(exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
    """For each account that a raw answer speaks of, the fields about it that bear on its status."""
    wanted = set(native_ids)
    answer = parse(exchange.body)
    if not is_object(answer):
        answer = {}
    profiles = answer.get("profiles")
    if is_array(profiles):
        items = ((item.get("did"), item) for item in profiles if is_object(item))
        return {did: _kept(item, did) for did, item in items if isinstance(did, str) and did in wanted}
    if urlsplit(exchange.url).path.endswith(QUERY_LABELS):
        listed = {did: _kept({"labels": answer.get("labels")}, did) for did in wanted}
        return {did: kept for did, kept in listed.items() if kept.get("labels")}
    did = _subject(exchange.url)
    return {did: _kept(answer, did)} if did in wanted else {}


def _subject(url: str) -> str:
    """The DID that a request was about: errors do not repeat it."""
    parts = urlsplit(url)
    if parts.path == WEB_DOCUMENT:
        return f"did:web:{parts.netloc.replace(':', '%3A')}"
    asked = dict(parse_qsl(parts.query))
    return asked.get("actor") or asked.get("did") or parts.path.removeprefix("/")


def _kept(item: dict[str, object], did: str) -> dict[str, object]:
    kept = _plain(item, _KEPT)
    labels, names, services = item.get("labels"), item.get("alsoKnownAs"), item.get("service")
    if is_array(labels):
        own = did, f"at://{did}/app.bsky.actor.profile/self"
        mine = [one for one in labels if is_object(one) and one.get("uri") in own]
        kept["labels"] = [_plain(one, _KEPT_OF_LABEL) for one in mine[:_MOST_ITEMS]]
    if is_array(names):
        kept["alsoKnownAs"] = [name[:_LONGEST_TEXT] for name in names[:_MOST_ITEMS] if isinstance(name, str)]
    if is_array(services):
        kept["service"] = [_plain(one, _KEPT_OF_SERVICE) for one in services[:_MOST_ITEMS] if is_object(one)]
    return kept


def _plain(item: dict[str, object], names: Iterable[str]) -> dict[str, object]:
    """The named fields that are text or truth values: `status` of a profile is a post-like object."""
    found = {name: item.get(name) for name in names}
    return {
        name: value[:_LONGEST_TEXT] if isinstance(value, str) else value
        for name, value in found.items()
        if isinstance(value, str | bool)
    }

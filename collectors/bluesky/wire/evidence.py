"""Pure: what is kept of Bluesky's answers as evidence: what bears on the status, and nothing personal.

Evidence of an account keeps its DID, handle, labels, status and error, and the server that its DID document
names. Evidence of a post keeps the same fields of its author, and the post's address, version (`cid`) and
labels, and whether a proof shows that it is in the repository. It leaves out display name, description,
picture, counts and the text of a post.
"""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from collectors.bluesky.declaration import repo_of
from collectors.bluesky.wire.identity import WEB_DOCUMENT, record_uri
from collectors.bluesky.wire.label_lists import QUERY_LABELS
from collectors.bluesky.wire.labels import subjects
from collectors.bluesky.wire.posts import GET_RECORD_PROOF
from collectors.bluesky.wire.repo_proof import read_proof
from collectors.core.collector import Exchange
from collectors.core.wire import is_array, is_object, parse

_KEPT = ("did", "handle", "active", "status", "error", "message", "id", "uri", "cid")
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
    many = answer.get("profiles", answer.get("posts"))
    if is_array(many):
        items = [item for item in many if is_object(item)]
        named = ((item.get("uri", item.get("did")), item) for item in items)
        return {name: _kept(item, name) for name, item in named if isinstance(name, str) and name in wanted}
    path = urlsplit(exchange.url).path
    if path.endswith(QUERY_LABELS):
        listed = {one: _kept({"labels": answer.get("labels")}, one) for one in wanted}
        return {one: kept for one, kept in listed.items() if kept.get("labels")}
    subject = _subject(exchange.url)
    if path.endswith(GET_RECORD_PROOF):
        uri = record_uri(subject)
        is_held = None if uri is None else read_proof(exchange, uri.did, f"{uri.collection}/{uri.rkey}")
        kept = _plain(answer, _KEPT) | ({"in_repository": is_held} if isinstance(is_held, bool) else {})
        return {subject: kept} if subject in wanted else {}
    return {one: _kept(answer, one) for one in wanted if subject in subjects(one)}


def _subject(url: str) -> str:
    """The DID or the address of the record in a request: an error does not repeat it."""
    parts = urlsplit(url)
    if parts.path == WEB_DOCUMENT:
        return f"did:web:{parts.netloc.replace(':', '%3A')}"
    asked = dict(parse_qsl(parts.query))
    who = asked.get("actor") or asked.get("did") or asked.get("repo") or parts.path.removeprefix("/")
    return f"at://{who}/{asked.get('collection')}/{asked['rkey']}" if "rkey" in asked else who


def _kept(item: dict[str, object], native_id: str) -> dict[str, object]:
    kept = _plain(item, _KEPT)
    labels, names, services = item.get("labels"), item.get("alsoKnownAs"), item.get("service")
    author, of_author = item.get("author"), repo_of(native_id)
    if is_object(author) and of_author != native_id:
        kept["author"] = _kept(author, of_author)
    if is_array(labels):
        own = *subjects(native_id), f"at://{of_author}/app.bsky.actor.profile/self"
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

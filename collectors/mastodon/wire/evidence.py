"""Pure: what is kept of a Mastodon server's answers as evidence: who and in what state, nothing personal.

No display name, biography, picture or field of anybody is kept, and no word of a post.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote_plus, urlencode

from collectors.core.collector import Exchange
from collectors.core.wire import is_array, is_object, parse
from collectors.mastodon.wire.identity import (
    Identity,
    MastodonIdentity,
    MastodonPostIdentity,
    host_of,
    identity_of,
)

_ASKED_FOR = " asked for "
_KEPT = (
    *("id", "acct", "uri", "url", "suspended", "limited", "memorial", "created_at", "edited_at"),
    *("error", "error_description", "subject", "type"),
)
"""Keys of accounts, posts, actor documents, webfinger answers and errors."""


def address_of(address: str, params: Sequence[tuple[str, str]], native_id: str) -> str:
    """A request as evidence names it. `native_id` is the account or post that was asked for; empty for a
    batch, of which only the number of ids is named: evidence of one account names no other.
    """
    url = f"{address}?{unquote_plus(urlencode(params))}" if len(params) == 1 else address
    if len(params) > 1:
        url += f"?… ({len(params)} ids)"
    return url + _ASKED_FOR + native_id if native_id else url


def about_another(exchange: Exchange, native_id: str) -> Exchange:
    """The same answer as evidence about another post: of the author that both have."""
    return replace(exchange, url=exchange.url.partition(_ASKED_FOR)[0] + _ASKED_FOR + native_id)


def excerpt(exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
    """For each account or post that a raw answer speaks of, the keys about it that are kept."""
    url, _, asked_for = exchange.url.partition(_ASKED_FOR)
    document = parse(exchange.body)
    if asked_for:
        who = identity_of(asked_for)
        return {asked_for: _kept(document, who)} if who and asked_for in set(native_ids) else {}
    if not is_array(document):
        return {}
    wanted = _asked_at(url.partition("?")[0], native_ids)
    kept: dict[str, list[object]] = {}
    for item in document:
        local_id = item.get("id") if is_object(item) else None
        who = wanted.get(local_id) if isinstance(local_id, str) else None
        if who is not None:
            kept.setdefault(who.native_id, []).append(_kept(item, who))
    return {native_id: items if len(items) > 1 else items[0] for native_id, items in kept.items()}


def _asked_at(address: str, native_ids: Iterable[str]) -> Mapping[str, Identity]:
    """By local id, those that a batch at this address can be about."""
    host, kind = host_of(address), MastodonIdentity
    if address.endswith("/statuses"):
        kind = MastodonPostIdentity
    named = map(identity_of, native_ids)
    return {who.local_id: who for who in named if isinstance(who, kind) and who.host == host}


def _kept(document: object, who: Identity) -> dict[str, object]:
    """Empty for an answer that is not JSON: its HTTP status is all that was believed of it."""
    if not is_object(document):
        return {}
    kept: dict[str, object] = {key: document[key] for key in _KEPT if _is_short(document.get(key))}
    author = document.get("account")
    if isinstance(who, MastodonPostIdentity) and is_object(author):
        kept["account"] = {key: author[key] for key in _KEPT if _is_short(author.get(key))}
        kept["reblog"] = document.get("reblog") is not None
        return kept
    for moved in (document.get("moved"), document.get("movedTo")):
        address = moved.get("uri") or moved.get("url") if is_object(moved) else moved
        if isinstance(address, str):
            kept["moved"] = address[:1000]
    also = document.get("alsoKnownAs")
    if also is not None and isinstance(who, MastodonIdentity):
        kept["also_known_as_asked"] = who.actor in (also if is_array(also) else [also])
    links = document.get("links")
    if is_array(links):
        hrefs = [link.get("href") for link in links if is_object(link) and link.get("rel") == "self"]
        kept["self"] = [href for href in hrefs if _is_short(href)]
    return kept


def _is_short(value: object) -> bool:
    """Strings, whole numbers and booleans of a reasonable length; what is not there is not kept as null."""
    return isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= 1000)

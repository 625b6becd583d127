"""Pure: what is kept of a Mastodon server's answers as evidence: who and in what state, nothing personal.

No display name, biography, picture or field of anybody is kept.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import unquote_plus, urlencode

from collectors.core.collector import Exchange
from collectors.core.wire import is_array, is_object, parse
from collectors.mastodon.wire.identity import MastodonIdentity, host_of

_ASKED_FOR = " asked for "
_KEPT = (
    *("id", "acct", "uri", "url", "suspended", "limited", "memorial", "created_at"),
    *("error", "error_description", "subject", "type"),
)
"""Keys of accounts, actor documents, webfinger answers and errors."""


def address_of(address: str, params: Sequence[tuple[str, str]], who: MastodonIdentity | None) -> str:
    """A request as evidence names it. `who` is the account that was asked for; None for a batch, of which
    only the number of ids is named: evidence of one account names no other.
    """
    url = f"{address}?{unquote_plus(urlencode(params))}" if len(params) == 1 else address
    if len(params) > 1:
        url += f"?… ({len(params)} ids)"
    return url if who is None else url + _ASKED_FOR + who.native_id


def excerpt(exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
    """For each account that a raw answer speaks of, the keys about it that are kept."""
    url, _, asked_for = exchange.url.partition(_ASKED_FOR)
    document = parse(exchange.body)
    if asked_for:
        who = MastodonIdentity.of(asked_for)
        return {asked_for: _kept(document, who)} if who and asked_for in set(native_ids) else {}
    if not is_array(document):
        return {}
    host = host_of(url.partition("?")[0])
    wanted = {who.local_id: who for who in map(MastodonIdentity.of, native_ids) if who and who.host == host}
    kept: dict[str, list[object]] = {}
    for item in document:
        local_id = item.get("id") if is_object(item) else None
        who = wanted.get(local_id) if isinstance(local_id, str) else None
        if who is not None:
            kept.setdefault(who.native_id, []).append(_kept(item, who))
    return {native_id: items if len(items) > 1 else items[0] for native_id, items in kept.items()}


def _kept(document: object, who: MastodonIdentity) -> dict[str, object]:
    """Empty for an answer that is not JSON: its HTTP status is all that was believed of it."""
    if not is_object(document):
        return {}
    kept = {key: document[key] for key in _KEPT if _is_short(document.get(key))}
    for moved in (document.get("moved"), document.get("movedTo")):
        address = moved.get("uri") or moved.get("url") if is_object(moved) else moved
        if isinstance(address, str):
            kept["moved"] = address[:1000]
    also = document.get("alsoKnownAs")
    if also is not None:
        kept["also_known_as_asked"] = who.actor in (also if is_array(also) else [also])
    links = document.get("links")
    if is_array(links):
        hrefs = [link.get("href") for link in links if is_object(link) and link.get("rel") == "self"]
        kept["self"] = [href for href in hrefs if _is_short(href)]
    return kept


def _is_short(value: object) -> bool:
    """Strings, whole numbers and booleans of a reasonable length; what is not there is not kept as null."""
    return isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= 1000)

"""Cutting evidence out of raw answers: only the part of each answer that is about one account. Pure.

One answer covers up to a hundred accounts. The evidence about one account contains nothing about the others
except in the SHA-256 of the whole answer. So the evidence of one account can be purged alone.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from collectors.core.collector import Exchange
from collectors.core.wire import compact

Excerpt = Callable[[Exchange, Iterable[str]], dict[str, object]]
"""A function that returns, by native id, what one exchange says about each of these accounts, as JSON values.
"""


def document(exchanges: Sequence[Exchange], native_ids: Iterable[str], excerpt: Excerpt) -> dict[str, bytes]:
    """Return, by native id, a JSON array for each account that the answers mention.

    An array has one item for each exchange that mentions the account: `{"url", "asked_at", "answered_at"
    (when the answer was complete), "http_status", "request_id", "sha256" (of the whole answer), "bytes",
    "said", "about"}`. For one more release, an item also has "at", which is when the reading began.
    """
    wanted = tuple(native_ids)
    kept: dict[str, list[dict[str, object]]] = {}
    for exchange in exchanges:
        parts = excerpt(exchange, wanted)
        if not parts:
            continue
        frame: dict[str, object] = {
            "url": exchange.url,
            "at": exchange.at.isoformat(),
            "asked_at": (exchange.at + exchange.asked_after).isoformat(),
            "answered_at": (exchange.at + exchange.answered_after).isoformat(),
            "http_status": exchange.http_status,
            "request_id": exchange.request_id,
            "sha256": hashlib.sha256(exchange.body).hexdigest(),
            "bytes": len(exchange.body),
        }
        if exchange.said:
            frame["said"] = dict(exchange.said)
        for native_id, part in parts.items():
            kept.setdefault(native_id, []).append({**frame, "about": part})
    texts = ((native_id, compact(items)) for native_id, items in kept.items())
    return {native_id: text for native_id, text in texts if text}

"""What stands beside the accounts on the live page, as small JSON: lists, orders, executives, detectors."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.health.collectors import CollectorHealth, detector_name, since, worst_first
from dashboard.wire.compact_json import Json, ms, ms_or_none
from storage.executives.executives_report import AccessSpan
from storage.health.collectors_report import CollectorReport
from storage.live.lists_and_executives import LiveAccess, LiveExecutive, LiveList
from storage.model.core.accounts import Platform
from storage.model.core.orders import Order, OrderEvent
from storage.model.core.signals import NotObservable, SignalKind
from storage.model.platforms.registry import DECLARED
from storage.model.text.collectors import why_words
from storage.model.text.states import PLATFORM_NAME

PLURAL = {"like": "likes", "follow": "follows", "repost": "reposts"}
NAMED = 5
"""The most collectors with an issue that are named; the health page has them all."""


def context_json(
    lists: Sequence[LiveList],
    orders: Sequence[Order],
    events: Sequence[OrderEvent],
    executives: Sequence[LiveExecutive],
) -> Json:
    """The small tables, which are always sent whole. A list of which no account is watched is left out."""
    return {
        "lists": [
            {"id": x.list_id, "name": x.name, "size": x.size, "posts": x.posts, "archived": x.is_archived}
            for x in lists
            if x.size
        ],
        "orders": [order_json(o) for o in orders],
        "events": [event_json(e) for e in events],
        "executives": [
            {
                "id": e.account_id,
                "name": e.name,
                "title": e.title,
                "access": access_json(e),
            }
            for e in executives
        ],
    }


def order_json(order: Order) -> Json:
    return {
        "id": order.order_id,
        "title": order.title,
        "reference": order.reference,
        "issuer": order.issuer,
        "country": order.country,
        "basis": order.legal_basis,
        "at": ms(order.issued_at),
        "from": ms_or_none(order.issued_from),
        "to": ms_or_none(order.issued_to),
        "disputed": order.is_disputed,
        "deadline": ms_or_none(order.deadline_at),
        "named": order.named_count,
        "list": order.list_id,
        "known": ms(order.known_at),
    }


def event_json(event: OrderEvent) -> Json:
    return {
        "id": event.order_event_id,
        "order": event.order_id,
        "kind": event.kind,
        "at": ms(event.at),
        "from": ms_or_none(event.at_from),
        "to": ms_or_none(event.at_to),
        "text": event.text,
        "source": event.source,
        "known": ms(event.known_at),
    }


def access_json(executive: LiveExecutive) -> list[Json]:
    """Which acts of an executive can be seen, and which not: what was found, else what holds of everybody.

    `state`, followed by the time `at` where there is one, can follow "likes on X".
    """
    found = {a.kind for a in executive.access}
    held = [n for n in DECLARED[executive.platform].not_observable if n.kind not in found]
    return [
        *(found_json(a, executive.platform) for a in executive.access),
        *usual_json(held, executive.platform),
    ]


def found_json(access: LiveAccess | AccessSpan, platform: Platform) -> Json:
    """What was found of one kind of act of an executive, and when."""
    state = "observable since" if access.observable else "not observable as of"
    return _access(access.kind, platform, state, ms(access.since), access.reason)


def usual_json(held: Sequence[NotObservable], platform: Platform) -> list[Json]:
    """What holds of everybody of whom nothing else was found: at no time in particular."""
    return [_access(n.kind, platform, n.state, None, n.reason) for n in held]


def _access(kind: SignalKind, platform: Platform, state: str, at: int | None, why: str) -> Json:
    what = PLURAL.get(kind, kind)
    return {"what": what, "where": PLATFORM_NAME[platform], "state": state, "at": at, "why": why}


def detectors_json(
    detectors: Sequence[CollectorReport], now: datetime, late_after: timedelta, issues: int
) -> Json:
    """How many collectors there are, how many give nothing, the worst of those, and how many issues are
    open.
    """
    found = [(c, d) for c, d in worst_first(detectors, now, late_after) if c is not CollectorHealth.WORKS]
    return {
        "n": len(detectors),
        "bad": len(found),
        "issues": issues,
        "worst": [
            {
                "name": detector_name(d),
                "state": c.value,
                "since": ms_or_none(since(d, c)),
                "answered": ms_or_none(d.last_answered_at),
                "why": why_words(d.reason) if c is CollectorHealth.STOPPED else "",
            }
            for c, d in found[:NAMED]
        ],
    }

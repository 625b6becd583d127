"""What stands beside the accounts on the live page, as small JSON: lists, orders, executives, detectors."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.detectors import Condition, detector_name, since, worst_first
from dashboard.encode import Json, ms, ms_or_none
from storage.model.orders import Order, OrderEvent
from storage.model.signals import NOT_OBSERVABLE
from storage.model.words import PLATFORM_NAME
from storage.reports_context import LiveExecutive, WatchList
from storage.reports_health import Detector

PLURAL = {"like": "likes", "follow": "follows", "repost": "reposts"}
NAMED = 5
"""Detectors with a trouble that are told one by one; the health page has them all."""


def context_json(
    lists: Sequence[WatchList],
    orders: Sequence[Order],
    events: Sequence[OrderEvent],
    executives: Sequence[LiveExecutive],
) -> Json:
    """The small tables, which are always sent whole. A list of which no account is watched is left out."""
    return {
        "lists": [{"id": x.list_id, "name": x.name, "size": x.size} for x in lists if x.size],
        "orders": [
            {
                "id": o.order_id,
                "title": o.title,
                "reference": o.reference,
                "issuer": o.issuer,
                "country": o.country,
                "basis": o.legal_basis,
                "at": ms(o.issued_at),
                "from": ms_or_none(o.issued_from),
                "to": ms_or_none(o.issued_to),
                "deadline": ms_or_none(o.deadline_at),
                "named": o.named_count,
                "list": o.list_id,
                "known": ms(o.known_at),
            }
            for o in orders
        ],
        "events": [
            {
                "id": e.order_event_id,
                "kind": e.kind,
                "at": ms(e.at),
                "from": ms_or_none(e.at_from),
                "to": ms_or_none(e.at_to),
                "text": e.text,
                "source": e.source,
                "known": ms(e.known_at),
            }
            for e in events
        ],
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


def access_json(executive: LiveExecutive) -> list[Json]:
    """Which acts of an executive can be seen, and which not: what was found, else what holds of everybody.

    `state`, followed by the time `at` where there is one, can follow "likes on X".
    """
    found = {a.kind for a in executive.access}
    rows = [
        (a.kind, "observable since" if a.observable else "not observable as of", ms(a.since), a.reason)
        for a in executive.access
    ]
    rows += [
        (n.kind, n.state, None, n.reason) for n in NOT_OBSERVABLE[executive.platform] if n.kind not in found
    ]
    where = PLATFORM_NAME[executive.platform]
    return [
        {"what": PLURAL.get(kind, kind), "where": where, "state": state, "at": at, "why": why}
        for kind, state, at, why in rows
    ]


def detectors_json(detectors: Sequence[Detector], now: datetime, gap_after: timedelta) -> Json:
    """How many detectors there are, how many give nothing, and the worst of those."""
    found = [(c, d) for c, d in worst_first(detectors, now, gap_after) if c is not Condition.WORKS]
    return {
        "n": len(detectors),
        "bad": len(found),
        "worst": [
            {"name": detector_name(d), "state": c.value, "since": ms_or_none(since(d, c))}
            for c, d in found[:NAMED]
        ],
    }

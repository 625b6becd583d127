"""Orders with their accounts, made by hand, for tests that need no database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from collectors.x.declaration import X
from dashboard.orders.facts import OrderFigures, OrderRecord, figures_of
from dashboard.orders.report_html import Imprint
from storage.changes.hash_chain import Head
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.availability import Flag, State
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Claim, ClaimedWhat, Order, OrderEvent, OrderEventKind
from storage.model.orders.cohort import CohortMember, Stay, kind_in
from storage.orders.compliance_report import OrderCohort
from storage.orders.report_sources import ReportSources, SweepOutcomes
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    NOT_FOUND,
    PROTECTED,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    minutes,
)

GAP = 40 * MINUTE
NOW = minutes(1_000)
ORDER = Order(
    7, "IN-1", "Order 1", "Ministry", "IN", "69A", minutes(100), None, None, minutes(400), 10, ListId(1), T0
)
IMPRINT = Imprint(NOW, "Blockline 0.0", synthetic=False, sweep_every=16 * MINUTE, dashboard_url=None)


def member(
    account_id: int,
    *steps: tuple[float, State],
    last: float = 1_000,
    gaps: tuple[Gap, ...] = (),
    handle: str | None = None,
    platform: Platform = X,
    flags: frozenset[Flag] = frozenset(),
    is_post: bool = False,
) -> CohortMember:
    """An account or post whose states were first seen at these minutes; each change lies in the 15 before."""
    stays: list[Stay] = []
    for n, (at, state) in enumerate(steps):
        until = minutes(steps[n + 1][0]) if n + 1 < len(steps) else None
        after = minutes(at - 15) if n else None
        stays.append(Stay(kind_in("IN", state, flags), state, flags, after, minutes(at), until))
    seen = Seen(minutes(last) if steps else None, gaps)
    called = handle if handle is not None else f"account_{account_id}"
    return CohortMember(
        AccountId(account_id), platform, called, True, T0, tuple(stays), seen, is_post=is_post
    )


MEMBERS = (
    member(1, (0, AVAILABLE)),
    member(2, (0, AVAILABLE), (200, WITHHELD_IN)),
    member(3, (0, AVAILABLE), (200, WITHHELD_IN), (500, AVAILABLE)),
    member(4, (0, AVAILABLE), (200, WITHHELD_IN), (300, SUSPENDED), (500, AVAILABLE), (600, SUSPENDED)),
    member(5, (0, AVAILABLE), (210, WITHHELD_IN), (500, NOT_FOUND)),
    member(6, (0, WITHHELD_IN)),
    member(7, (0, PROTECTED), last=300),
    member(8),
)
"""Untouched, blocked, back, blocked twice, gone, blocked before the order, not read lately, never read."""

POSTS = (
    member(21, (0, AVAILABLE), (200, WITHHELD_IN), handle="account_2/5", is_post=True),
    member(22, (0, AVAILABLE), (300, NOT_FOUND), handle="account_2/4", is_post=True),
    member(23, handle="stranger/9", is_post=True),
)
"""Two of one author: withheld, and gone without having been withheld. One of another, never read."""


def event(kind: OrderEventKind, at: float, text: str, claim: Claim | None = None) -> OrderEvent:
    return OrderEvent(1, ORDER.order_id, kind, minutes(at), None, None, text, "a paper", minutes(at), claim)


CLAIMED = event(OrderEventKind.CLAIM, 450, "4 of 10 acted upon", Claim(4, 10, ClaimedWhat.ACTED_ON))
NOTICE = event(OrderEventKind.NOTICE, 300, "Obey")


def figures(
    order: Order = ORDER,
    members: Sequence[CohortMember] = MEMBERS,
    papers: OrderRecord | None = None,
    events: tuple[OrderEvent, ...] = (NOTICE, CLAIMED),
    at: datetime = NOW,
) -> OrderFigures:
    since = (order.issued_from or order.issued_at) - timedelta(minutes=90)
    found = OrderCohort(order, "Order 1", tuple(members), events, since)
    return figures_of(found, papers or OrderRecord(), at, GAP)


def grounds(members: Sequence[CohortMember] = MEMBERS) -> ReportSources:
    """Every change of an account has the number of the account with a digit more."""
    return ReportSources(
        native_ids={m.account_id: f"90{m.account_id}" for m in members},
        changes={
            (m.account_id, s.since): 10 * m.account_id + n for m in members for n, s in enumerate(m.stays)
        },
        newest=Head(T0.date(), 12, bytes(32), ()),
        heads=(Head(T0.date(), 12, bytes(32), ()),),
        sweeps=SweepOutcomes(120, 3, 1, 15 * MINUTE),
        imported=(),
    )


def renamed(handle: str) -> CohortMember:
    return replace(MEMBERS[1], handle=handle)

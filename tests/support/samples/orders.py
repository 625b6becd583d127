"""Orders with their accounts, made by hand, for tests that need no database."""

import math
import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.x.declaration import X
from dashboard.orders.facts import OrderFigures, OrderRecord, figures_of
from dashboard.orders.report_html import Imprint
from storage.changes.hash_chain import Head
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.availability import Flag, Spell, State
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Claim, ClaimedWhat, Order, OrderEvent, OrderEventKind
from storage.model.orders.cohort import CohortMember, Stay, kind_in
from storage.model.orders.restoration import BlockedFor, durations
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


HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cohort:
    seen: tuple[BlockedFor, ...]
    gap: timedelta
    median: float
    """In hours, of all blocks; infinite when half or more are never restored."""
    median_seen: float
    """Of the blocks that a reading falls into: longer, where some are lost between two."""
    still_blocked: Callable[[float], float]
    """The true share of all after so many hours."""


@dataclass(frozen=True, slots=True)
class Law:
    """How long those stay blocked who are restored: distribution function and its inverse, on some scale."""

    below: Callable[[float], float]
    quantile: Callable[[float], float]


def weibull(shape: float) -> Law:
    return Law(lambda t: -math.expm1(-(t**shape)), lambda u: (-math.log1p(-u)) ** (1 / shape))


def loglogistic(shape: float) -> Law:
    return Law(lambda t: 1 / (1 + t**-shape), lambda u: (u / (1 - u)) ** (1 / shape))


LAWS = (weibull(0.7), weibull(1), weibull(2.5), loglogistic(1.5), loglogistic(4))


def cohort(seed: int, *, all_seen: bool) -> Cohort:
    """One with 30 to 300 accounts, readings 0.5 to 24 hours apart, and up to 60 % never restored.

    `all_seen`: no block is shorter than the gap; otherwise those between two readings are lost.
    """
    chance = random.Random(seed)
    n, gap = chance.randint(30, 300), chance.choice([0.5, 1, 3, 6, 12, 24])
    law, never = chance.choice(LAWS), chance.uniform(0, 0.6)
    least = gap if all_seen else 0.0
    scale = math.exp(chance.uniform(math.log(6), math.log(480))) / law.quantile(0.5)

    blocks = [gap * chance.uniform(1, 1 + chance.choice([1, 20])) for _ in range(n)]
    end = max(blocks) + scale * chance.uniform(0.5, 6)
    readings = [gap * i for i in range(math.ceil(end / gap) + 1)]
    spells: list[Spell] = []
    for account_id, block in enumerate(blocks):
        lasts = math.inf if chance.random() < never else least + scale * law.quantile(chance.random())
        spells += told(account_id, readings, block, block + lasts)

    grid = [least + scale * law.quantile((i + 0.5) / 2000) for i in range(2000)]
    return Cohort(
        durations(spells, dict.fromkeys(range(n), T0 + readings[-1] * HOUR), "order"),
        gap * HOUR,
        _median(grid, [1.0] * len(grid), never),
        _median(grid, [min(1.0, t / gap) for t in grid], never),
        lambda hours: 1 - (1 - never) * (law.below((hours - least) / scale) if hours > least else 0.0),
    )


def _median(lengths: list[float], seen: list[float], never: float) -> float:
    """Of blocks of these lengths, each seen with a chance, and a share of ones without an end."""
    half = (sum(seen) / len(seen) * (1 - never) + never) / 2
    so_far = 0.0
    for length, weight in zip(lengths, seen, strict=True):
        so_far += weight / len(seen) * (1 - never)
        if so_far >= half:
            return length
    return math.inf


def told(account_id: int, readings: list[float], block: float, restored: float) -> list[Spell]:
    """What those who read at these hours know of one block."""

    def spell(state: State, first: int, after: int) -> Spell:
        onset = T0 + readings[first - 1] * HOUR if first else None
        until = T0 + readings[after] * HOUR if after < len(readings) else None
        return Spell(account_id, state, onset, T0 + readings[first] * HOUR, until)

    first, after = bisect_left(readings, block), bisect_left(readings, restored)
    if first >= after:
        return [spell(AVAILABLE, 0, len(readings))]
    spells = [spell(AVAILABLE, 0, first), spell(WITHHELD_IN, first, after)]
    if after < len(readings):
        spells.append(spell(AVAILABLE, after, len(readings)))
    return spells

"""One person's engagement over a period, for the page and the API: read, counted, held against chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from storage.executives.engagement_report import (
    BlockCount,
    CounterStep,
    Series,
    counts_of_blocks,
    likes_counted,
    series_of,
)
from storage.executives.executives_report import (
    ExecutivePerson,
    ExecutiveSignal,
    SignalCount,
    acts,
    counts_of_acts,
    doubts_of_acts,
    people,
)
from storage.model.core.orders import Order, OrderEvent
from storage.model.core.signals import Doubt
from storage.model.orders.engagement_association import (
    Association,
    EngagementRecord,
    Interval,
    associated,
    looked,
)
from storage.model.text.time_bins import time_bins
from storage.orders.orders import order_events, orders
from storage.postgres.pool import Conn

RANGES: Final = {"30d": timedelta(days=30), "1y": timedelta(days=365), "all": None}
ROWS: Final = 200
"""Acts in the table."""
MOST_MARKS: Final = 600
"""So many acts are drawn one by one; more of them, or a longer period, are counted."""
LONGEST_IN_MARKS: Final = timedelta(days=45)
STEPS: Final = tuple(timedelta(hours=h) for h in (1, 6, 24, 7 * 24, 28 * 24, 91 * 24))
MOST_STEPS: Final = 180
AROUND: Final = timedelta(days=1)
"""The window before and after an event."""
SILENCE: Final = timedelta(days=7)
"""A record that is silent for longer is not taken to have looked."""
MOST_TESTED: Final = 8
"""Orders that are held against chance, those with most acts toward their accounts."""


@dataclass(frozen=True, slots=True)
class AssociationTest:
    """One order, by what one source saw. `events` were dated things of it."""

    order: Order
    source: str
    events: int
    found: Association


@dataclass(frozen=True, slots=True)
class PersonView:
    person: ExecutivePerson
    range_name: str
    now: datetime
    """What is shown was known then."""
    axis: Interval
    acts: tuple[ExecutiveSignal, ...]
    """The newest in the period, for the table."""
    marks: tuple[ExecutiveSignal, ...]
    """Those that count, to be drawn one by one; empty where `step` says that they are counted."""
    step: timedelta | None
    counts: tuple[SignalCount, ...]
    """By kind and step, or by kind and day where the acts are drawn one by one."""
    blocks: tuple[BlockCount, ...]
    blocks_step: timedelta
    blocks_of_orders: bool
    likes: tuple[CounterStep, ...]
    orders: tuple[Order, ...]
    events: tuple[OrderEvent, ...]
    silent: tuple[Interval, ...]
    """Parts of the period in which nobody is taken to have looked, however short: of any time in it a shorter
    period says the same."""
    tested: tuple[AssociationTest, ...]
    untested: int
    """Orders without a place in `tested`."""
    doubts: dict[Doubt, int]

    @property
    def total(self) -> int:
        return sum(c.n for c in self.counts)


async def person_view(conn: Conn, account_id: int, range_name: str, now: datetime) -> PersonView | None:
    """The person whose account that is, over the period of `RANGES`; None when it is nobody's."""
    person = next((p for p in await people(conn, now) if account_id in p.account_ids), None)
    if person is None:
        return None
    ids = person.account_ids
    series = await series_of(conn, ids)
    axis = _axis(person, series, range_name, now)
    step = step_of(axis, timedelta(days=1))
    counts = await counts_of_acts(conn, ids, *axis, step)
    single = axis[1] - axis[0] <= LONGEST_IN_MARKS and sum(c.n for c in counts) <= MOST_MARKS
    newest = await acts(conn, ids, *axis, MOST_MARKS if single else ROWS)
    blocks_step = time_bins(*axis).step if single else step
    blocks, of_orders = await counts_of_blocks(conn, *axis, blocks_step)
    known = await orders(conn, known_at=now)
    events = await order_events(conn, now)
    parts = {s.source: _observed(s) for s in series}
    tested = tuple(_tested(series, parts, known, events))
    return PersonView(
        person=person,
        range_name=range_name,
        now=now,
        axis=axis,
        acts=newest[:ROWS],
        marks=tuple(a for a in newest if a.counts) if single else (),
        step=None if single else step,
        counts=counts,
        blocks=blocks,
        blocks_step=blocks_step,
        blocks_of_orders=of_orders,
        likes=await likes_counted(conn, ids, *axis, step),
        orders=known,
        events=events,
        silent=_silent(axis, [part for found in parts.values() for part in found]),
        tested=tested[:MOST_TESTED],
        untested=len(known) - len({t.order.order_id for t in tested[:MOST_TESTED]}),
        doubts=await doubts_of_acts(conn, ids),
    )


def step_of(axis: Interval, least: timedelta) -> timedelta:
    """The shortest step that does not part the period into too many."""
    length = axis[1] - axis[0]
    return next((s for s in STEPS if s >= least and length / s <= MOST_STEPS), STEPS[-1])


def _axis(person: ExecutivePerson, series: Sequence[Series], range_name: str, now: datetime) -> Interval:
    """Up to now, unless what is on file ends long before: all of it would then be at the edge."""
    first = min((a.first_at for a in person.accounts if a.first_at is not None), default=None)
    last = max((s.seen_to for s in series), default=now)
    length = RANGES[range_name]
    until = now if now - last <= timedelta(days=30) else last
    since = until - length if length is not None else first or until - timedelta(days=30)
    since = min(since, until - timedelta(days=1))
    return since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0), until


def _observed(series: Series) -> list[Interval]:
    if not series.source:
        return [(series.seen_from, series.seen_to)]
    return looked(series.seen_from, series.seen_to, series.times, SILENCE)


def _silent(axis: Interval, observed: Sequence[Interval]) -> tuple[Interval, ...]:
    out: list[Interval] = []
    at = axis[0]
    for since, until in sorted(observed):
        if since > at:
            out.append((at, min(since, axis[1])))
        at = max(at, until)
        if at >= axis[1]:
            break
    if at < axis[1]:
        out.append((at, axis[1]))
    return tuple(out)


def _tested(
    series: Sequence[Series],
    parts: dict[str, list[Interval]],
    known: Sequence[Order],
    events: Sequence[OrderEvent],
) -> list[AssociationTest]:
    """Every order with acts toward its accounts, by each source that saw some; those with most acts first."""
    out: list[AssociationTest] = []
    wanted = sorted(
        ((len(s.toward[o.order_id]), s, o) for s in series for o in known if o.order_id in s.toward),
        key=lambda found: -found[0],
    )
    records: dict[str, EngagementRecord] = {}
    for _, one, order in wanted[:MOST_TESTED]:
        if one.source not in records:
            records[one.source] = EngagementRecord(one.times, parts[one.source])
        dated = [_when(order.issued_at, order.issued_from, order.issued_to)]
        dated += [_when(e.at, e.at_from, e.at_to) for e in events if e.order_id == order.order_id]
        found = associated(
            records[one.source], one.toward[order.order_id], dated, AROUND, AROUND, seed=order.order_id
        )
        out.append(AssociationTest(order, one.source, len(dated), found))
    return out


def _when(at: datetime, earliest: datetime | None, latest: datetime | None) -> Interval:
    return earliest or at, latest or at

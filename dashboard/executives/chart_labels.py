"""The labels of orders and notices above a time axis. Two never overlap: what has no room has none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.ui.words import stamp
from storage.model.core.orders import Order, OrderEvent, OrderEventKind
from storage.model.text.states import clean

ROWS = 3
LETTER_PX = 6.2
LONGEST = 40


@dataclass(frozen=True, slots=True)
class AxisLabel:
    at: datetime
    text: str
    hover: str
    dotted: bool
    """Its date is disputed, or it is a claim."""
    weight: int
    """Orders choose their place first."""


def labels_of(orders: Sequence[Order], events: Sequence[OrderEvent]) -> list[AxisLabel]:
    """A label for each order and each dated thing that belongs to one or to the time."""
    out = [
        AxisLabel(
            o.issued_at,
            clean(o.title, LONGEST),
            f"{clean(o.title)}: {o.named_count:,} named, {stamp(o.issued_at)}"
            + (", date disputed" if o.issued_from is not None else ""),
            o.issued_from is not None,
            0,
        )
        for o in orders
    ]
    for e in events:
        is_claim = e.kind is OrderEventKind.CLAIM
        text = f"Claim: {clean(e.text, LONGEST - 7)}" if is_claim else clean(e.text, LONGEST)
        hover = f"{clean(e.text, 200)}<br>{stamp(e.at)}, {clean(e.source)}"
        out.append(AxisLabel(e.at, text, hover, is_claim or e.at_from is not None, 1))
    return out


def placed(
    labels: Sequence[AxisLabel], axis: tuple[datetime, datetime], width_px: int
) -> list[tuple[AxisLabel, int]]:
    """Those labels for which there is room, with their row counted from below."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(ROWS)]
    out: list[tuple[AxisLabel, int]] = []
    for label in sorted(labels, key=lambda one: (one.weight, one.at)):
        start = (label.at - axis[0]) / (axis[1] - axis[0]) * width_px
        end = start + LETTER_PX * len(label.text) + 8
        for row in range(ROWS):
            if end <= width_px + 60 and all(end < a or start > b for a, b in taken[row]):
                taken[row].append((start, end))
                out.append((label, row))
                break
    return out

"""The rows of an order's tables in words: the page and the report show the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.ui import words
from storage.model.core.orders import Order, OrderEvent, OrderEventKind
from storage.model.orders.outside_findings import Probe
from storage.model.text.states import clean


@dataclass(frozen=True, slots=True)
class FunnelRow:
    name: str
    accounts: int
    note: str
    look: str
    """What kind of number it is, for its colour."""

    @property
    def is_part(self) -> bool:
        """Whether it is a part of those ever blocked."""
        return self.look in {"now", "back", "gone"}


def funnel_rows(found: OrderFigures) -> list[FunnelRow]:
    """From the names to the blocks, each number with what it is of."""
    funnel, names = found.funnel, found.names
    rows = [FunnelRow("Named", funnel.named, "in the order", "named")]
    if names.accounts:
        left = names.accounts - names.resolved
        note = f"{left:,} of them lead to no account" if left else ""
        rows.append(FunnelRow("Names on file", names.accounts, note, "named"))
    unknown, unread = funnel.named - funnel.resolved, funnel.resolved - funnel.watched
    rows += [
        FunnelRow("On its list", funnel.resolved, _less(unknown, "not known here"), "named"),
        FunnelRow("Watched", funnel.watched, _less(unread, "not read"), "named"),
        FunnelRow("Ever blocked", funnel.ever_blocked, _share(funnel.ever_blocked, found), "ever"),
        FunnelRow("Still blocked", funnel.blocked_now, _share(funnel.blocked_now, found), "now"),
        FunnelRow("Restored", funnel.restored, _share(funnel.restored, found), "back"),
    ]
    if funnel.gone_since:
        rows.append(FunnelRow("Gone since", funnel.gone_since, "neither blocked nor back", "gone"))
    return rows


FUNNEL_NOTE = (
    "Ever blocked counts what was seen since the order: withheld in its country, or suspended. "
    "A second block after a restoration does not count twice."
)


def issued_note(order: Order) -> str:
    """What is disputed of its date; empty when nothing is."""
    if order.issued_from is not None and order.issued_to is not None:
        return f"sources say between {words.day(order.issued_from)} and {words.day(order.issued_to)}"
    return "sources disagree" if order.issued_from is not None else ""


def entered_note(order: Order) -> str:
    """How late it was entered; empty when it was not."""
    late = order.known_at - order.issued_at
    return f"{words.span(late)} after its date" if order.known_at > order.issued_at else ""


def own_events(found: OrderFigures) -> list[OrderEvent]:
    """What is on file of the order itself, up to the moment of its figures."""
    return [e for e in found.cohort.events if e.order_id == found.order.order_id and e.at <= found.at]


def notices(found: OrderFigures) -> list[OrderEvent]:
    return [e for e in own_events(found) if e.kind is OrderEventKind.NOTICE]


def event_notes(event: OrderEvent) -> Sequence[str]:
    """Who said it, since when it is known here, and what is disputed of its date."""
    late = f"; known here since {words.stamp(event.known_at)}" if event.known_at > event.at else ""
    notes = [f"{order_words.source(event.source)}{late}"]
    if event.at_from is not None and event.at_to is not None:
        said = f"sources say between {words.stamp(event.at_from)} and {words.stamp(event.at_to)}"
        notes.append(f"Date uncertain: {said}.")
    return notes


def outside_words(found: OrderFigures) -> str:
    """What others saw of the accounts that the order names, in one line."""
    outside = found.outside
    kinds = ", ".join(f"{n:,} {order_words.kind_inside(k, found.order.country)}" for k, n in outside.by_kind)
    both = (
        f" {outside.disagreeing:,} are counted twice, since two looks at them answered differently."
        if outside.disagreeing
        else ""
    )
    return f"Of the accounts named: {kinds}.{both}"


def probe_when(probe: Probe) -> str:
    if probe.at_from is not None and probe.at_to is not None:
        return f"between {words.stamp(probe.at_from)} and {words.stamp(probe.at_to)}"
    return "not recorded: it dates no change"


def probe_answers(probe: Probe) -> str:
    return ", ".join(f"{a.names:,} {clean(a.answer).replace('_', ' ')}" for a in probe.answers)


def _share(n: int, found: OrderFigures) -> str:
    return f"{words.share(n, found.watched)} of its list" if found.watched else ""


def _less(n: int, why: str) -> str:
    return f"{n:,} {why}" if n > 0 else ""

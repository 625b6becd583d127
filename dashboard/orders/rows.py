"""The rows of an order's tables in words: the page and the report show the same."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.orders.figures import blocked_by_cause
from dashboard.ui import words
from storage.model.causes.breakdown import CauseShare
from storage.model.causes.causes import standing
from storage.model.causes.words import KIND_WORDS, cause_words
from storage.model.core.orders import Order, OrderEvent, OrderEventKind
from storage.model.orders.cohort import CohortPart
from storage.model.orders.outside_findings import Probe
from storage.model.text.states import capital, clean
from storage.model.text.target_counts import WITH_ARTICLE
from storage.model.text.units import number


@dataclass(frozen=True, slots=True)
class FunnelRow:
    name: str
    count: int | None
    """None: not known, because none was read."""
    note: str
    look: str
    """The kind of number, which sets its colour."""
    part: CohortPart | None = None
    """What it counts; None for a number that the order or its names state."""

    @property
    def is_part(self) -> bool:
        """Whether it counts a part of those ever blocked."""
        return self.look in {"now", "back", "gone"}


def funnel_rows(found: OrderFigures) -> list[FunnelRow]:
    """Return the counts from names to blocks, each with a note."""
    funnel, names = found.funnel, found.outcomes
    rows = [FunnelRow("Named", funnel.named, "in the order", "named")]
    if names.named:
        left = names.named - names.resolved
        note = f"{left:,} not matched to one {found.noun}" if left else ""
        rows.append(FunnelRow("Names recorded", names.named, note, "named"))
    unknown, unwatched = funnel.named - funnel.resolved, funnel.resolved - funnel.watched
    rows += [
        FunnelRow(
            "On its list",
            funnel.resolved,
            _less(unknown, "not known here"),
            "named",
            CohortPart.ON_ITS_LIST,
        ),
        FunnelRow("Watched", funnel.watched, _less(unwatched, "not watched"), "named", CohortPart.WATCHED),
    ]
    unread = funnel.resolved - funnel.read
    if unread:
        rows.append(FunnelRow("Read", funnel.read, _less(unread, "never read"), "named", CohortPart.READ))
    for name, n, look, part in (
        ("Ever blocked", funnel.ever_blocked, "ever", CohortPart.EVER_BLOCKED),
        ("Blocked now", funnel.blocked_now, "now", CohortPart.BLOCKED_NOW),
        ("Restored", funnel.restored, "back", CohortPart.RESTORED),
    ):
        known, note = (n, _share(n, found)) if funnel.read else (None, "not known")
        rows.append(FunnelRow(name, known, note, look, part))
    if funnel.gone_since:
        rows.append(
            FunnelRow(
                "Gone since",
                funnel.gone_since,
                "neither blocked nor restored",
                "gone",
                CohortPart.GONE_SINCE,
            )
        )
    if funnel.read:
        never = funnel.read - funnel.ever_blocked
        part = CohortPart.NOT_SEEN_BLOCKED
        rows.append(FunnelRow("Never seen blocked", never, _share(never, found), "named", part))
    return rows


@dataclass(frozen=True, slots=True)
class CauseShareRow:
    """Those that were seen blocked since the order and have the same surest cause."""

    share: CauseShare
    name: str
    confidence: str
    """Empty: no cause is recorded."""
    blocked: int
    restored: int


def cause_rows(found: OrderFigures) -> list[CauseShareRow]:
    """Divide those that were seen blocked since the order by their surest cause; empty if none was."""
    restored = {m.account_id for m in found.parts[CohortPart.RESTORED]}
    return [
        CauseShareRow(
            share,
            "Not known" if share.kind is None else capital(KIND_WORDS[share.kind]),
            "" if share.confidence is None else capital(share.confidence.value),
            len(share.numbers),
            len(share.numbers & restored),
        )
        for share in blocked_by_cause(found)
    ]


def statements(found: OrderFigures) -> list[tuple[str, str]]:
    """What is said of the order, and of those of its accounts and posts that were seen blocked since: whom
    each statement is about, and the statement with its source. What is said of most comes first.
    """
    said = [("The order", cause_words(c.text)) for c in standing(found.own_causes, found.known_at)]
    for one in found.sections:
        about: Counter[str] = Counter()
        for member in one.parts[CohortPart.EVER_BLOCKED]:
            about.update({cause_words(c.text) for c in found.causes.get(member.account_id, ())})
        said += [(number(n, one.noun), sentence) for sentence, n in about.most_common()]
    return said


def funnel_note(found: OrderFigures) -> str:
    """Say what “ever blocked” counts."""
    removed = "taken down (“suspended everywhere”)" if found.noun == "post" else "suspended"
    return (
        f"“Ever blocked” counts the {found.noun}s seen withheld in the order's country, or {removed}, since "
        f"the order. {capital(WITH_ARTICLE[found.noun])} that is blocked twice counts once."
    )


def issued_note(order: Order) -> str:
    """Say how its date is disputed, or that only the day is known; empty for an exact time."""
    if not order.is_disputed:
        first, last = order.issued_from, order.issued_to
        return words.between(first, last) if first is not None and last is not None else ""
    if order.issued_from is not None and order.issued_to is not None:
        return f"sources say between {words.day(order.issued_from)} and {words.day(order.issued_to)}"
    return "sources disagree" if order.issued_from is not None else ""


def entered_note(order: Order) -> str:
    """Say how long after its date the order was entered; empty when it was not later."""
    late = order.known_at - order.issued_at
    return f"{words.span(late)} after its date" if order.known_at > order.issued_at else ""


def own_events(found: OrderFigures) -> list[OrderEvent]:
    """Return the recorded events of the order itself, up to the time of its figures."""
    return [e for e in found.cohort.events if e.order_id == found.order.order_id and e.at <= found.at]


def notices(found: OrderFigures) -> list[OrderEvent]:
    return [e for e in own_events(found) if e.kind is OrderEventKind.NOTICE]


def event_notes(event: OrderEvent) -> Sequence[str]:
    """Return the source, when it was recorded if later, and how its date is disputed."""
    late = f"; recorded {words.stamp(event.known_at)}" if event.known_at > event.at else ""
    notes = [f"{order_words.source(event.source)}{late}"]
    if event.at_from is not None and event.at_to is not None:
        said = words.between(event.at_from, event.at_to)
        doubt = "Date uncertain: sources say" if event.is_disputed else "Time not known:"
        notes.append(f"{doubt} {said}.")
    return notes


def outside_words(found: OrderFigures) -> str:
    """Say what others saw of the accounts that the order names. Empty if they stated no account's status."""
    outside = found.outside
    if not outside.by_kind:
        return ""
    kinds = ", ".join(f"{n:,} {order_words.kind_inside(k, found.order.country)}" for k, n in outside.by_kind)
    both = (
        f" Accounts counted more than once, because checks of them disagree: {outside.disagreeing:,}."
        if outside.disagreeing
        else ""
    )
    return f"Of the accounts named: {kinds}.{both}"


def probe_when(probe: Probe) -> str:
    if probe.at_from is not None and probe.at_to is not None:
        return f"between {words.stamp(probe.at_from)} and {words.stamp(probe.at_to)}"
    return "not recorded, so the check does not show when a change happened"


def probe_answers(probe: Probe) -> str:
    return ", ".join(f"{a.names:,} {clean(a.answer).replace('_', ' ')}" for a in probe.answers)


def _share(n: int, found: OrderFigures) -> str:
    return f"{words.share(n, found.watched)} of its list" if found.watched else ""


def _less(n: int, why: str) -> str:
    return f"{n:,} {why}" if n > 0 else ""

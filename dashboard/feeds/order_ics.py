"""Orders, their deadlines and the claims about them as an iCalendar (RFC 5545) to subscribe to."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from icalendar import Alarm, Calendar, Event
from icalendar.enums import TRANSP

from dashboard.feeds.atom import INVENTED, SYNTHETIC
from dashboard.ui import words
from storage.model.core.orders import Order, OrderEvent
from storage.model.text.countries import country_name
from storage.model.text.states import capital, clean
from storage.model.text.units import number

REMIND = (timedelta(days=1), timedelta(hours=1))
"""Times before a deadline at which a calendar reminds."""
NOT_SEEN = "A date does not show whether an account or a post was blocked, or why."
_SHORT = 120
_LONG = 1000


def order_calendar(
    orders: Sequence[Order], events: Sequence[OrderEvent], title: str, *, synthetic: bool
) -> bytes:
    """The calendar as bytes; the same rows give the same bytes."""
    mark = f"{SYNTHETIC}: " if synthetic else ""
    foot = [NOT_SEEN, *([INVENTED] if synthetic else [])]
    references = {o.order_id: o.reference for o in orders}
    calendar = Calendar.new(
        prodid="-//Blockline//Orders//EN",
        name=mark + clean(title, _SHORT),
        uid=_uid("calendar"),
        subcomponents=[
            *(dated for order in orders for dated in _of_order(order, mark, foot)),
            *(_of_event(event, references.get(event.order_id or 0), mark, foot) for event in events),
        ],
    )
    return calendar.to_ical()


def _of_order(order: Order, mark: str, foot: Sequence[str]) -> Iterator[Event]:
    name = clean(order.reference, _SHORT)
    doubt = _doubt("date of issue", order.issued_from, order.issued_to)
    facts = [
        clean(order.title, _LONG),
        f"Issuer: {clean(order.issuer, _SHORT)}, {_country(order.country)}.",
        f"Legal basis: {clean(order.legal_basis, _SHORT)}.",
        *([f"It names {number(order.named_count, 'account')}."] if order.named_count else []),
        f"Known since {words.stamp(order.known_at)}.",
    ]
    yield _event(
        _uid("issued", order.reference),
        f"{mark}Order {name} issued{' (date uncertain)' if doubt else ''}",
        order.issued_at,
        order.known_at,
        [*doubt, *facts, *foot],
    )
    if order.deadline_at is not None:
        summary = f"{mark}Deadline of order {name}"
        issued = f"Issued {words.stamp(order.issued_at)}."
        yield _event(
            _uid("deadline", order.reference),
            summary,
            order.deadline_at,
            order.known_at,
            [*facts, issued, *doubt, *foot],
            [Alarm.new_display(summary, -before) for before in REMIND],
        )


def _of_event(event: OrderEvent, reference: str | None, mark: str, foot: Sequence[str]) -> Event:
    doubt = _doubt("date", event.at_from, event.at_to)
    about = f"About order {clean(reference, _SHORT)}." if reference else "It does not belong to an order."
    return _event(
        _uid("event", event.at.astimezone(UTC).isoformat(), event.text),
        f"{mark}{capital(event.kind)}: {clean(event.text, _SHORT)}{' (date uncertain)' if doubt else ''}",
        event.at,
        event.known_at,
        [
            *doubt,
            clean(event.text, _LONG),
            f"Source: {clean(event.source, _LONG)}.",
            about,
            f"Known since {words.stamp(event.known_at)}.",
            *foot,
        ],
    )


def _event(
    uid: UUID,
    summary: str,
    at: datetime,
    known_at: datetime,
    lines: Iterable[str],
    alarms: Sequence[Alarm] = (),
) -> Event:
    """An event without a duration; calendars do not show the time as busy."""
    return Event.new(
        uid=uid,
        summary=summary,
        start=at.astimezone(UTC),
        stamp=known_at.astimezone(UTC),
        description="\n".join(lines),
        transparency=TRANSP.TRANSPARENT,
        subcomponents=alarms,
    )


def _doubt(what: str, earliest: datetime | None, latest: datetime | None) -> list[str]:
    """A sentence for a date on which sources disagree; empty if they agree."""
    if earliest is not None and latest is not None:
        return [f"The {what} is uncertain: between {words.stamp(earliest)} and {words.stamp(latest)}."]
    if earliest is not None:
        return [f"The {what} is uncertain: not before {words.stamp(earliest)}."]
    return [] if latest is None else [f"The {what} is uncertain: not after {words.stamp(latest)}."]


def _country(code: str) -> str:
    name = country_name(code)
    return clean(code if name == code else f"{name} ({code})")


def _uid(*parts: str) -> UUID:
    """Built from what identifies an order or an event, so that an import into another database keeps it."""
    return uuid5(NAMESPACE_URL, "\n".join(("blockline", *parts)))

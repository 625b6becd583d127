"""The form of an order: its fields, and what a person filled in, read into an order or an edit."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from dashboard.orders.words import ORDER_LABELS
from dashboard.ui.inputs import (
    FieldFault,
    FieldMoment,
    choice_field,
    count_in,
    day_range,
    day_range_field,
    moment_field,
    text_field,
)
from storage.model.core.orders import NewOrder
from storage.model.orders.legal_bases import LEGAL_BASES, basis_called
from storage.model.orders.order_fields import NONE, OrderEdit, day_around
from storage.model.text.countries import official_names

OTHER = "other"
"""Chosen for a legal basis that the list does not have."""

_DISPUTED = "Disputed between"

VALUES = (
    ("order-title", "value"),
    ("order-reference", "value"),
    ("order-issuer", "value"),
    ("order-country", "value"),
    ("order-basis", "value"),
    ("order-basis-other", "value"),
    ("order-issued-date", "date"),
    ("order-issued-time", "value"),
    ("order-disputed-from", "date"),
    ("order-disputed-to", "date"),
    ("order-deadline-date", "date"),
    ("order-deadline-time", "value"),
    ("order-named", "value"),
    ("order-list", "value"),
)
"""The component and the property of each value of the form, in the order of `OrderForm`."""


@dataclass(frozen=True, slots=True)
class OrderForm:
    """The form as it is filled in."""

    title: str | None = ""
    reference: str | None = ""
    issuer: str | None = ""
    country: str | None = None
    basis: str | None = None
    """The name of a listed basis, or OTHER."""
    other_basis: str | None = ""
    issued_day: str | None = None
    issued_clock: str | None = ""
    disputed_from: str | None = None
    disputed_to: str | None = None
    deadline_day: str | None = None
    deadline_clock: str | None = ""
    named: str | None = ""
    list_name: str | None = ""

    @classmethod
    def of(cls, order: NewOrder) -> "OrderForm":
        """Return the form that shows a stored order."""
        listed = basis_called(order.legal_basis) is not None
        begin, end = day_around(order.issued_at)
        day_only = (order.issued_at, order.issued_from, order.issued_to) == (begin, begin, end)
        issued, deadline = FieldMoment.of(order.issued_at), FieldMoment.of(order.deadline_at)
        return cls(
            title=order.title,
            reference=order.reference,
            issuer=order.issuer,
            country=order.country,
            basis=order.legal_basis if listed else OTHER,
            other_basis="" if listed else order.legal_basis,
            issued_day=issued.day,
            issued_clock="" if day_only else issued.clock,
            disputed_from=None if day_only else FieldMoment.of(order.issued_from).day,
            disputed_to=None if day_only else FieldMoment.of(order.issued_to).day,
            deadline_day=deadline.day,
            deadline_clock=deadline.clock,
            named=str(order.named_count) if order.named_count else "",
            list_name=order.list_name,
        )

    def order(self, now: datetime) -> NewOrder:
        """Return the order that the form describes, known from `now` on. Raises FieldFault."""
        issued = FieldMoment(self.issued_day, self.issued_clock or "").at(ORDER_LABELS["issued_at"])
        if issued is None:
            raise FieldFault(f"{ORDER_LABELS['issued_at']} is empty.")
        first, last = day_range(self.disputed_from, self.disputed_to, _DISPUTED)
        if first is None and last is None and not (self.issued_clock or "").strip():
            first, last = day_around(issued)
        reference = _line(self.reference)
        basis = self.other_basis if self.basis == OTHER else self.basis
        return NewOrder(
            reference=reference,
            title=_line(self.title),
            issuer=_line(self.issuer),
            country=_chosen(self.country, "country"),
            legal_basis=_line(_chosen(basis, "legal_basis")),
            issued_at=issued,
            issued_from=first,
            issued_to=last,
            deadline_at=FieldMoment(self.deadline_day, self.deadline_clock or "").at(
                ORDER_LABELS["deadline_at"], or_end_of_day=True
            ),
            named_count=count_in(self.named, ORDER_LABELS["named_count"]) or 0,
            list_name=_line(self.list_name) or reference,
            known_at=now,
        )


def edit_between(shown: OrderForm, filled: OrderForm, now: datetime) -> OrderEdit:
    """Return what a person changed in the form since it was shown. Raises FieldFault.

    A field that somebody else changed meanwhile stays as it is, unless this person changed it too.
    """
    old, new = shown.order(now), replace(filled, reference=shown.reference).order(now)
    changed: dict[str, object] = {}
    for field in fields(OrderEdit):
        value = getattr(new, field.name)
        if value != getattr(old, field.name):
            changed[field.name] = NONE if value is None else value
    return OrderEdit(**changed)  # pyright: ignore[reportArgumentType]


def order_fields(form: OrderForm, *, is_new: bool) -> Component:
    """Return the fields of the form, filled in. A stored order keeps its reference."""
    countries = [
        {"label": f"{name} ({code})", "value": code, "search": f"{name} {code}"}
        for code, name in sorted(official_names().items(), key=lambda one: one[1])
    ]
    return html.Div(
        [
            text_field("order-title", ORDER_LABELS["title"], form.title or "", "What your team calls it."),
            text_field(
                "order-reference",
                ORDER_LABELS["reference"],
                form.reference or "",
                "As in the document. No two orders have the same."
                if is_new
                else "The reference of a stored order stays.",
                readOnly=not is_new,
            ),
            choice_field("order-basis", ORDER_LABELS["legal_basis"], _bases(), form.basis, clearable=False),
            html.Div(
                text_field("order-basis-other", "Name of the legal basis", form.other_basis or ""),
                id="order-basis-free",
                hidden=form.basis != OTHER,
            ),
            text_field("order-issuer", ORDER_LABELS["issuer"], form.issuer or "", "A ministry, a court, …"),
            choice_field("order-country", ORDER_LABELS["country"], countries, form.country, clearable=False),
            moment_field(
                "order-issued",
                ORDER_LABELS["issued_at"],
                FieldMoment(form.issued_day, form.issued_clock or ""),
                "Leave the time empty if only the day is known.",
            ),
            day_range_field(
                "order-disputed",
                _DISPUTED,
                form.disputed_from,
                form.disputed_to,
                "If sources disagree: the first and the last day that one of them gives.",
            ),
            moment_field(
                "order-deadline",
                ORDER_LABELS["deadline_at"],
                FieldMoment(form.deadline_day, form.deadline_clock or ""),
                "Optional. Without a time: the end of the day.",
            ),
            text_field(
                "order-named",
                ORDER_LABELS["named_count"],
                form.named or "",
                "How many it is said to name. If empty, the stored names are counted.",
                short=True,
                inputMode="numeric",
            ),
            text_field(
                "order-list",
                ORDER_LABELS["list_name"],
                form.list_name or "",
                "If empty, it is called like the reference.",
            ),
        ],
        className="order-fields",
    )


def _bases() -> list[dict[str, object]]:
    listed: list[dict[str, object]] = [
        {
            "label": html.Span([html.B(basis.name), html.Small(basis.about)], className="basis"),
            "value": basis.name,
            "search": f"{basis.name} {basis.country or ''}",
        }
        for basis in LEGAL_BASES
    ]
    other = html.Span(
        [html.B("Other"), html.Small("A legal basis that is not in this list.")], className="basis"
    )
    return [*listed, {"label": other, "value": OTHER, "search": "Other"}]


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _chosen(value: str | None, name: str) -> str:
    if not value or not value.strip():
        raise FieldFault(f"{ORDER_LABELS[name]} is empty.")
    return value

"""The form of a notice, claim, statement or ruling, and what a person filled in, read into an event."""

from dataclasses import dataclass
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.orders.words import TARGET_WORDS, WHAT_WORDS
from dashboard.ui.inputs import (
    FieldFault,
    FieldMoment,
    choice_field,
    count_in,
    day_range,
    day_range_field,
    long_field,
    moment_field,
    text_field,
)
from storage.model.core.orders import Claim, ClaimedTargets, ClaimedWhat, NewOrderEvent, OrderEventKind
from storage.model.orders.order_fields import day_around
from storage.model.text.states import capital

LABELS = {
    "at": "Date",
    "at_from": "the first day of “Disputed between”",
    "at_to": "its last day",
    "text": "Text",
    "source": "Source",
}
_DISPUTED, _CLAIMED, _OF, _WHAT, _TARGETS = (
    "Disputed between",
    "Number claimed",
    "Of how many",
    "What the number counts",
    "Accounts or posts",
)
_AT_LEAST, _ALONE = "at least", "no order"

VALUES = (
    ("event-kind", "value"),
    ("event-at-date", "date"),
    ("event-at-time", "value"),
    ("event-disputed-from", "date"),
    ("event-disputed-to", "date"),
    ("event-text", "value"),
    ("event-source", "value"),
    ("event-claimed", "value"),
    ("event-of", "value"),
    ("event-what", "value"),
    ("event-targets", "value"),
    ("event-more", "value"),
)
"""The component and the property of each value of the form, in the order of `EventForm`."""


@dataclass(frozen=True, slots=True)
class EventForm:
    """The form as it is filled in."""

    kind: str | None = OrderEventKind.NOTICE.value
    day: str | None = None
    clock: str | None = ""
    disputed_from: str | None = None
    disputed_to: str | None = None
    text: str | None = ""
    source: str | None = ""
    claimed: str | None = ""
    of: str | None = ""
    what: str | None = None
    targets: str | None = None
    more: list[str] | None = None

    def event(self, reference: str, now: datetime) -> NewOrderEvent:
        """Return the event that the form describes, of an order by its reference. Raises FieldFault."""
        more = self.more or []
        at = FieldMoment(self.day, self.clock or "").at(LABELS["at"])
        if at is None:
            raise FieldFault(f"{LABELS['at']} is empty.")
        first, last = day_range(self.disputed_from, self.disputed_to, _DISPUTED)
        if first is None and last is None and not (self.clock or "").strip():
            first, last = day_around(at)
        if self.kind not in list(OrderEventKind):
            raise FieldFault("Kind is empty.")
        return NewOrderEvent(
            None if _ALONE in more else reference,
            OrderEventKind(self.kind),
            at,
            first,
            last,
            self.text or "",
            self.source or "",
            now,
            self._claim(at_least=_AT_LEAST in more),
        )

    def _claim(self, *, at_least: bool) -> Claim | None:
        claimed, of = count_in(self.claimed, _CLAIMED), count_in(self.of, _OF)
        targets = ClaimedTargets(self.targets) if self.targets in list(ClaimedTargets) else None
        if claimed is None and self.what is None and of is None and targets is None and not at_least:
            return None
        if claimed is None or self.what not in list(ClaimedWhat):
            raise FieldFault(f"Fill in both “{_CLAIMED}” and “{_WHAT}”, or leave all about the number empty.")
        return Claim(claimed, of, ClaimedWhat(self.what), at_least, targets)


def event_fields(form: EventForm) -> Component:
    """Return the fields of the form, filled in."""
    kinds = [{"label": capital(kind.value), "value": kind.value} for kind in OrderEventKind]
    counted = [{"label": capital(words), "value": what.value} for what, words in WHAT_WORDS.items()]
    targets = [{"label": capital(words), "value": one.value} for one, words in TARGET_WORDS.items()]
    return html.Div(
        [
            choice_field("event-kind", "Kind", kinds, form.kind, clearable=False, searchable=False),
            moment_field(
                "event-at",
                LABELS["at"],
                FieldMoment(form.day, form.clock or ""),
                "Without a time: the whole day.",
            ),
            day_range_field("event-disputed", _DISPUTED, form.disputed_from, form.disputed_to),
            long_field("event-text", LABELS["text"], form.text or "", "What was said or done."),
            text_field("event-source", LABELS["source"], form.source or "", "An address, or a name."),
            text_field("event-claimed", _CLAIMED, form.claimed or "", short=True, inputMode="numeric"),
            text_field("event-of", _OF, form.of or "", short=True, inputMode="numeric"),
            choice_field("event-what", _WHAT, counted, form.what, searchable=False),
            choice_field(
                "event-targets",
                _TARGETS,
                targets,
                form.targets,
                "Leave it empty if the source does not say.",
                searchable=False,
            ),
            dcc.Checklist(
                {_AT_LEAST: "The number is a minimum (“at least”)", _ALONE: "It belongs to no single order"},
                form.more or [],
                id="event-more",
                className="field checks",
            ),
        ],
        className="order-fields",
    )

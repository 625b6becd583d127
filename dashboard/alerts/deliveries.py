"""The delivery log: every email and message with its status; the address holds the filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from dashboard.alerts.undelivered import delivery_status, subject
from dashboard.auth import access
from dashboard.ui import alert_words, words
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.forms import form
from dashboard.ui.pages import Drawing
from storage.alerts.deliveries_report import Choices, Delivery, DeliveryFilter, choices, deliveries
from storage.model.alerts.alerts import MailState
from storage.model.core.people import Actor
from storage.model.text.states import clean
from storage.postgres.pool import Conn

PAGE = 50
PATH = "/alerts/deliveries"
RANGES = {
    "24h": ("24 hours", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "1y": ("a year", timedelta(days=365)),
}
"""Presets of the time in which a mail was written."""
_LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an address chooses, in its own words."""

    state: MailState | None = None
    recipient: str | None = None
    rule: str | None = None
    within: str | None = None
    """A key of RANGES."""
    before: int | None = None

    @property
    def fields(self) -> dict[str, str]:
        """As they stand in an address."""
        known = {
            "state": None if self.state is None else self.state.value,
            "to": self.recipient,
            "rule": self.rule,
            "range": self.within,
            "before": None if self.before is None else str(self.before),
        }
        return {name: value for name, value in known.items() if value is not None}


def chosen_of(query: Mapping[str, str]) -> Chosen:
    """What is not known chooses nothing."""
    before = query.get("before", "")
    within = query.get("range", "")
    return Chosen(
        state=MailState(query["state"]) if query.get("state") in list(MailState) else None,
        recipient=query.get("to"),
        rule=query.get("rule"),
        within=within if within in RANGES else None,
        before=int(before) if _is_number(before) else None,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def wanted(chosen: Chosen, now: datetime) -> DeliveryFilter:
    since = None if chosen.within is None else now - RANGES[chosen.within][1]
    return DeliveryFilter(chosen.state, chosen.recipient, chosen.rule, since, chosen.before)


async def read_deliveries(
    conn: Conn, query: Mapping[str, str], actor: Actor, now: datetime, tag: list[Component]
) -> Drawing:
    chosen = chosen_of(query)
    found = await deliveries(conn, wanted(chosen, now), PAGE + 1)
    return partial(deliveries_page, found, chosen, await choices(conn), actor, tag)


def deliveries_page(
    found: Sequence[Delivery], chosen: Chosen, known: Choices, actor: Actor, tag: list[Component]
) -> Component:
    """`found` is one more than a page where another one follows."""
    return html.Div(
        [
            html.Div(
                [
                    html.A("Alerts", href="/alerts", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("Delivery log"),
                    *tag,
                ],
                className="bar",
            ),
            html.Div([_card(found, chosen, known, actor)], className="stack alerts"),
        ]
    )


def _card(found: Sequence[Delivery], chosen: Chosen, known: Choices, actor: Actor) -> Component:
    title, note = "Emails and messages", f"one row per recipient, newest first, {PAGE} per page"
    shown = found[:PAGE]
    turns = _turns(found, chosen)
    if not shown:
        said = (
            "No email or message was written yet. One is written when an alert rule selects a confirmed "
            "change."
            if chosen == Chosen()
            else "No email or message matches this filter."
        )
        return empty_card(title, note, said, _filter(chosen, known), *turns)
    dead = any(d.mail.state is MailState.DEAD for d in shown)
    may = actor.role.includes(access.RESEND) and dead
    back = address(chosen)
    return table_card(
        title,
        note,
        ("Email", "Recipient", "Rule", "Status", "Error", "Acknowledged by", *(("",) if may else ())),
        [_row(d, back, may=may) for d in shown],
        *turns,
        above=_filter(chosen, known),
    )


def _row(found: Delivery, back: str, *, may: bool) -> tuple[Cell, ...]:
    mail = found.mail
    again = form("resend", [], "Send again", back, sends=("mail", str(mail.mail_id)))
    return (
        subject(mail),
        ", ".join(clean(r, 80) for r in mail.recipients),
        ", ".join(clean(r, 80) for r in found.rules) or "–",
        delivery_status(mail),
        clean(mail.last_error, 300) if mail.last_error else "–",
        _taken(found),
        *((again if mail.state is MailState.DEAD else "",) if may else ()),
    )


def _taken(found: Delivery) -> Cell:
    if found.acknowledged_by is None:
        return "–"
    when = [] if found.acknowledged_at is None else [html.Small(words.stamp(found.acknowledged_at))]
    return html.Div([alert_words.actor_words(found.acknowledged_by), *when])


def _turns(found: Sequence[Delivery], chosen: Chosen) -> list[Component]:
    """To the newest, and to those that follow."""
    links = [] if chosen.before is None else [html.A("Newest", href=address(replace(chosen, before=None)))]
    if len(found) > PAGE:
        last = found[PAGE - 1].mail.mail_id
        links.append(html.A("Older", href=address(replace(chosen, before=last))))
    named: dict[str, Any] = {"aria-label": "Pages"}
    return [html.Nav(links, className="filters turns", **named)] if links else []


def address(chosen: Chosen, path: str = PATH) -> str:
    return f"{path}?{urlencode(chosen.fields)}" if chosen.fields else path


def _filter(chosen: Chosen, known: Choices) -> Component:
    """A form that asks for another address: it works without any script."""
    states = [
        (s.value, alert_words.MAIL_STATE[s])
        for s in (MailState.DEAD, MailState.QUEUED, MailState.SENT, MailState.MERGED)
    ]
    ranges = [(name, label) for name, (label, _) in RANGES.items()]
    return html.Form(
        [
            _select("state", "Status", states, "" if chosen.state is None else chosen.state.value),
            _select("to", "Recipient", [(r, clean(r, 80)) for r in known.recipients], chosen.recipient or ""),
            _select("rule", "Rule", [(r, clean(r, 80)) for r in known.rules], chosen.rule or ""),
            _select("range", "Written within", ranges, chosen.within or ""),
            html.Button("Show", type="submit", className="button"),
        ],
        action=PATH,
        method="get",
        className="form choose",
        role="search",
        **{"aria-label": "Deliveries"},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
        key=str(chosen.fields),  # another choice is another form, so that it shows what is chosen
    )


def _select(name: str, label: str, options: Sequence[tuple[str, str]], value: str) -> Component:
    """`value` is among the options even where it is offered no more."""
    offered = [("", "all"), *options]
    if value not in dict(offered):
        offered.append((value, clean(value, 80)))
    return html.Label(
        [
            html.Span(label),
            html.Select(
                [html.Option(words, value=v, selected=v == value) for v, words in offered],
                name=name,
                className="select",
            ),
        ]
    )

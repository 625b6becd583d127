"""The page of one incident: its state, the form of the work on it, and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.auth import access
from dashboard.causes.cards import shared_causes_card
from dashboard.incidents.words import (
    IncidentEvent,
    accounts_words,
    due_words,
    events,
    owner_words,
    state_words,
    subject_of,
)
from dashboard.ui import words
from dashboard.ui.cards import MOST_ROWS, Cell, card, not_shown, table_card
from dashboard.ui.form_input import Filled
from dashboard.ui.inputs import long_field, text_field
from dashboard.ui.time_markup import QUOTED
from storage.alerts.incidents import (
    IncidentLine,
    assignable,
    incident_acts,
    incident_blocks,
    incident_line,
    incident_sendings,
)
from storage.causes.ledger import causes_of_accounts
from storage.model.alerts.incidents import (
    LONGEST_NOTE,
    NONE,
    Assignee,
    IncidentEdit,
    IncidentState,
    IncidentWork,
)
from storage.model.causes.causes import StatedCause
from storage.model.core.people import Actor
from storage.model.text.states import capital, clean
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class ShownIncident:
    """What is stored about an incident, as the page shows it."""

    line: IncidentLine
    people: Sequence[Assignee]
    """Everybody to whom it can be assigned."""
    events: Sequence[IncidentEvent]
    blocks: Mapping[int, int]
    """Its changes by which accounts and posts were blocked or gone, each with the number of the account."""
    causes: Mapping[int, Sequence[StatedCause]]
    """What is said of these accounts and of their changes, by account."""


async def read_incident(conn: Conn, story_key: str) -> ShownIncident | None:
    """Read what the page shows; None if there is no such incident."""
    line = await incident_line(conn, story_key)
    if line is None:
        return None
    acts, sendings = await incident_acts(conn, story_key), await incident_sendings(conn, story_key)
    blocks = await incident_blocks(conn, story_key)
    causes = await causes_of_accounts(conn, list(set(blocks.values())))
    return ShownIncident(line, await assignable(conn), events(acts, sendings, line.work), blocks, causes)


@dataclass(frozen=True, slots=True)
class WorkForm:
    """The form of the work on an incident, as it is filled in."""

    owner: str | None = ""
    """The login of the person; empty for nobody."""
    due: str | None = ""
    """A time in UTC, or so long from now; empty for no time."""

    @classmethod
    def of(cls, work: IncidentWork) -> "WorkForm":
        """Return the form that shows an incident."""
        due = "" if work.due_at is None else f"{work.due_at:%Y-%m-%d %H:%M}"
        return cls("" if work.owner is None else work.owner.login, due)

    @property
    def values(self) -> list[str]:
        return [(self.owner or "").strip(), (self.due or "").strip()]

    def edit_since(
        self, shown: "WorkForm", person: Assignee | None, note: str | None, now: datetime
    ) -> IncidentEdit:
        """Return what a person changed since the form was shown. Raises WrongInput.

        `person` is whom the form names; None means nobody. What somebody else changed meanwhile stays,
        unless this person changed it too.
        """
        (owner, due), (old_owner, old_due) = self.values, shown.values
        due_at = None if due == old_due else Filled({"due": due}).moment("due", now, "Due") or NONE
        return IncidentEdit(
            owner=None if owner == old_owner else (person or NONE),
            due_at=due_at,
            note=(note or "").strip() or None,
        )

    def merged(self, shown: "WorkForm", now: "WorkForm") -> "WorkForm":
        """Return the form after somebody else changed the incident: what was filled in stays."""
        pairs = zip(self.values, shown.values, now.values, strict=True)
        return WorkForm(*(new if mine == old else mine for mine, old, new in pairs))


def incident_page(found: ShownIncident, actor: Actor, now: datetime, tag: list[Component]) -> Component:
    """Return the page of an incident."""
    may = actor.role.includes(access.ACKNOWLEDGE)
    return html.Div(
        [
            html.Div(
                [
                    html.A("Incidents", href="/incidents", className="under"),
                    html.Span("/", className="faint"),
                    html.Span(clean(found.line.subject or found.line.work.story_key[:12], 80)),
                    *tag,
                    html.Span(className="grow"),
                    html.A(
                        "What would each rule do?",
                        href=f"/incidents/{found.line.work.story_key}/rules",
                        className="button",
                    ),
                ],
                className="bar",
            ),
            html.Div(
                [
                    html.Div(facts_card(found, now), id="incident-facts"),
                    *(_forms(found, actor) if may else [_only_shown(actor)]),
                    *_causes(found, actor),
                    html.Div(history_card(found), id="incident-history"),
                ],
                className="stack order-form incident",
            ),
        ]
    )


def _causes(found: ShownIncident, actor: Actor) -> list[Component]:
    if not found.blocks:
        return []
    back = f"/incidents/{found.line.work.story_key}"
    return [shared_causes_card(found.blocks, found.causes, actor, back)]


def facts_card(found: ShownIncident, now: datetime) -> Component:
    """Return what is known about the incident."""
    line, work = found.line, found.line.work
    title: Component | str = subject_of(line)
    if line.mail_id is not None:
        title = html.A(title, href=f"/mail/{line.mail_id}", className=f"under {QUOTED}")
    since = "" if work.owned_since is None else f", since {words.stamp(work.owned_since)}"
    note = "None"
    if work.note is not None:
        text = clean(work.note.text, LONGEST_NOTE)
        note = f"“{text}” {clean(work.note.by, 100)}, {words.stamp(work.note.at)}"
    about = line.order_reference or line.list_name
    rows: list[tuple[str, Component | str]] = [
        ("Newest email", title),
        ("State", state_words(work)),
        ("Assigned to", f"{owner_words(work)}{since}"),
        ("Due", due_words(work, now)),
        ("Last note", note),
        (capital(work.accounts.count.kinds), accounts_words(work)),
        ("About", "Accounts on no list" if about is None else clean(about, 120)),
        ("Rule", clean(line.rule, 80)),
        ("Sent to", ", ".join(clean(r, 80) for r in line.recipients)),
    ]
    return card(
        "Incident",
        f"{line.groups:,} groups of changes, the last {words.stamp(line.last_told_at)}"
        if line.groups != 1
        else f"1 group of changes, {words.stamp(line.last_told_at)}",
        html.Table(
            html.Tbody([html.Tr([html.Th(name, scope="row"), html.Td(value)]) for name, value in rows]),
            className="papers",
        ),
    )


def history_card(found: ShownIncident) -> Component:
    """Return what was sent and done about the incident, newest first."""
    rows: list[tuple[Cell, ...]] = [
        (words.stamp(event.at), event.by, _what(event)) for event in found.events[:MOST_ROWS]
    ]
    return table_card(
        "History",
        "what was sent, and what people did; entries are never changed",
        ("Time", "By", "What"),
        rows,
        *not_shown(len(found.events), "entries"),
    )


def _what(event: IncidentEvent) -> Cell:
    if event.mail_id is None:
        return event.what
    return html.Span(
        [event.what, " ", html.A("Read the email", href=f"/mail/{event.mail_id}", className="under")]
    )


def hidden_parts(found: ShownIncident, actor: Actor) -> list[bool]:
    """Return what to hide: the buttons to take it, to acknowledge it and to undo that, and the forms to
    close and to reopen it.
    """
    work = found.line.work
    is_closed = work.state is IncidentState.CLOSED
    is_mine = work.owner is not None and work.owner.person_id == actor.person_id
    return [
        actor.person_id is None or is_mine or is_closed,
        work.state is not IncidentState.OPEN,
        work.state is not IncidentState.ACKNOWLEDGED,
        is_closed,
        not is_closed,
    ]


def shown_values(found: ShownIncident) -> list[object]:
    """Return the revision and the values of the form, as the page shows them."""
    return [found.line.work.revision, *WorkForm.of(found.line.work).values]


def _only_shown(actor: Actor) -> Component:
    return html.P(f"Your role is {actor.role.value}: you can only read.", className="muted")


def _forms(found: ShownIncident, actor: Actor) -> list[Component]:
    no_take, no_ack, no_unack, no_close, no_reopen = hidden_parts(found, actor)
    form = WorkForm.of(found.line.work)
    nobody = "" if found.people else "There is nobody yet. An admin adds people."
    return [
        dcc.Store(id="incident-key", data=found.line.work.story_key),
        dcc.Store(id="incident-shown", data=shown_values(found)),
        card(
            "Work on it",
            "assigning and acknowledging end reminders and escalation",
            html.Div(
                [
                    text_field(
                        "incident-owner",
                        "Assigned to",
                        form.owner or "",
                        nobody or "A login name. Empty: nobody.",
                        list="incident-people",
                    ),
                    text_field(
                        "incident-due",
                        "Due",
                        form.due or "",
                        "6h, 2d, tomorrow 08:00 or 2021-02-12 08:00, in UTC. Empty: no time.",
                    ),
                    long_field(
                        "incident-note",
                        "Hand-over note",
                        hint="What the next person should know. Earlier notes stay in the history.",
                        rows=2,
                    ),
                ],
                className="order-fields",
            ),
            html.Datalist([html.Option(value=p.login) for p in found.people], id="incident-people"),
            html.Div(
                [
                    _button("incident-save", "Save", "button primary"),
                    html.Span(
                        _button("incident-take", "Assign to me"), id="incident-may-take", hidden=no_take
                    ),
                    html.Span(_button("incident-ack", "Acknowledge"), id="incident-may-ack", hidden=no_ack),
                    html.Span(
                        _button("incident-unack", "Undo acknowledgement"),
                        id="incident-may-unack",
                        hidden=no_unack,
                    ),
                    html.Div(id="incident-work-said", className="said", role="status"),
                ],
                className="actions",
            ),
        ),
        card(
            "Close it",
            "a later group of changes opens it again",
            _hidden(
                "close",
                no_close,
                html.Div(
                    text_field("incident-reason", "Reason", "", "Why nothing is left to do."),
                    className="order-fields",
                ),
                html.Div(_button("incident-close", "Close"), className="actions"),
            ),
            _hidden(
                "reopen", no_reopen, html.Div(_button("incident-reopen", "Reopen"), className="actions first")
            ),
            html.Div(id="incident-close-said", className="said below", role="status"),
        ),
    ]


def _hidden(name: str, is_hidden: bool, *parts: Component) -> Component:
    """A part of the form that is there only while it can be used."""
    return html.Div(list(parts), id=f"incident-may-{name}", hidden=is_hidden)


def _button(name: str, label: str, look: str = "button") -> Component:
    return html.Button(label, id=name, type="button", className=look)

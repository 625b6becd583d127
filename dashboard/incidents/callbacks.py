"""The callback of the page of an incident: one edit, in one transaction with its audit log entries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from dash import Input, Output, State, ctx, no_update

from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.incidents.incident_page import (
    ShownIncident,
    WorkForm,
    facts_card,
    hidden_parts,
    history_card,
    read_incident,
    shown_values,
)
from dashboard.ui.form_input import WrongInput
from dashboard.ui.pages import PageCallbacks
from dashboard.ui.time_markup import timed
from storage.alerts.incidents import (
    ChangedMeanwhile,
    assignee_called,
    assignee_numbered,
    edit_incident,
)
from storage.model.alerts.incidents import IncidentEdit, IncidentFault, IncidentWork
from storage.model.core.people import Actor, Scope
from storage.postgres.pool import Conn, Refused, StorageError, transaction

BUTTONS = (
    "incident-save",
    "incident-take",
    "incident-ack",
    "incident-unack",
    "incident-close",
    "incident-reopen",
)
_SAID = {
    "incident-save": "Saved. The history below has the earlier values.",
    "incident-take": "The incident is assigned to you.",
    "incident-ack": "Acknowledged.",
    "incident-unack": "The acknowledgement is undone. Reminders and escalation go on.",
    "incident-close": "Closed.",
    "incident-reopen": "Reopened.",
}
_LEFT = ("incident-save", "incident-take", "incident-ack", "incident-unack")
"""The buttons whose outcome stands in the first form."""
_OUTPUTS = (
    Output("incident-work-said", "children"),
    Output("incident-close-said", "children"),
    Output("incident-facts", "children"),
    Output("incident-history", "children"),
    Output("incident-shown", "data"),
    Output("incident-owner", "value"),
    Output("incident-due", "value"),
    Output("incident-note", "value"),
    Output("incident-reason", "value"),
    Output("incident-may-take", "hidden"),
    Output("incident-may-ack", "hidden"),
    Output("incident-may-unack", "hidden"),
    Output("incident-may-close", "hidden"),
    Output("incident-may-reopen", "hidden"),
)


def connect_incident_page(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callback."""

    @app.callback(
        *_OUTPUTS,
        *(Input(name, "n_clicks") for name in BUTTONS),
        State("incident-key", "data"),
        State("incident-shown", "data"),
        State("incident-owner", "value"),
        State("incident-due", "value"),
        State("incident-note", "value"),
        State("incident-reason", "value"),
        prevent_initial_call=True,
    )
    async def act(*values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        pressed, stated = values[: len(BUTTONS)], values[len(BUTTONS) :]
        key, shown, owner, due, note, reason = stated
        button = cast("str | None", ctx.triggered_id)
        if not any(pressed) or button not in BUTTONS or not isinstance(key, str):
            return (no_update,) * len(_OUTPUTS)
        filled, was = WorkForm(owner, due), WorkForm(*shown[1:])
        actor, now = access.acting(), process.clock()
        try:
            access.require(actor, access.ACKNOWLEDGE)
            access.require_scope(actor, Scope.WRITE)
            async with transaction(process.pool) as conn:
                edit = await _edit(conn, button, actor, (filled, was), (note, reason), now)
                done = await edit_incident(conn, key, edit, shown[0], actor.name, now)
                found = await _stored(conn, key)
        except ChangedMeanwhile as fault:
            async with transaction(process.pool) as conn:
                found = await _stored(conn, key)
            kept = filled.merged(was, WorkForm.of(found.line.work))
            return _answer(button, str(fault), found, actor, now, kept, (no_update, no_update))
        except (access.Forbidden, IncidentFault, StorageError, WrongInput) as fault:
            said = _where(button, str(fault))
            return (*said, *(no_update,) * (len(_OUTPUTS) - len(said)))
        said = _SAID[button] if done.revision != shown[0] else "Nothing was changed."
        emptied = ["" if button == name else no_update for name in ("incident-save", "incident-close")]
        kept = _kept(button, filled, was, done)
        return _answer(button, said, found, actor, now, kept, emptied)


async def _edit(
    conn: Conn,
    button: str,
    actor: Actor,
    forms: tuple[WorkForm, WorkForm],
    texts: tuple[str | None, str | None],
    now: datetime,
) -> IncidentEdit:
    (filled, was), (note, reason) = forms, texts
    match button:
        case "incident-take":
            if actor.person_id is None:
                raise Refused("Without a login, no incident can be assigned to you.")
            return IncidentEdit(owner=await assignee_numbered(conn, actor.person_id))
        case "incident-ack":
            return IncidentEdit(acknowledge="")
        case "incident-unack":
            return IncidentEdit(undo_acknowledgement=True)
        case "incident-close":
            return IncidentEdit(close=reason or "")
        case "incident-reopen":
            return IncidentEdit(reopen=True)
        case _:
            person = None
            owner = filled.values[0]
            if owner and owner != was.values[0]:
                person = await assignee_called(conn, owner)
            return filled.edit_since(was, person, note, now)


async def _stored(conn: Conn, key: str) -> ShownIncident:
    found = await read_incident(conn, key)
    if found is None:
        raise Refused("There is no such incident.")
    return found


def _kept(button: str, filled: WorkForm, was: WorkForm, done: IncidentWork) -> WorkForm:
    """What the form shows afterwards: what was filled in and not saved stays."""
    now = WorkForm.of(done)
    return now if button == "incident-save" else filled.merged(was, now)


def _where(button: str, said: str) -> tuple[str, str]:
    return (said, "") if button in _LEFT else ("", said)


def _answer(
    button: str,
    said: str,
    found: ShownIncident,
    actor: Actor,
    now: datetime,
    kept: WorkForm,
    emptied: Sequence[Any],
) -> tuple[Any, ...]:
    return (
        *_where(button, said),
        timed(facts_card(found, now)),
        timed(history_card(found)),
        shown_values(found),
        *kept.values,
        *emptied,
        *hidden_parts(found, actor),
    )

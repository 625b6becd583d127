"""What the team wrote about an account, with who and when; and the forms to write and to withdraw."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from dashboard.ui import words
from dashboard.ui.time_markup import QUOTED
from storage.accounts.notes import LONGEST, AccountNote
from storage.model.core.people import Actor, Role
from storage.model.text.states import clean


def notes_card(account_id: int, notes: Sequence[AccountNote], actor: Actor) -> Component:
    may_write = actor.role.includes(Role.ANALYST)
    kept = [n for n in notes if n.withdrawn_at is None]
    withdrawn = [n for n in notes if n.withdrawn_at is not None]
    body: list[Component] = [
        html.Ul([_note(account_id, n, may_write=may_write) for n in kept], className="notes")
    ]
    if not kept:
        body = [html.P("No notes yet.", className="nothing")]
    if withdrawn:
        body.append(
            html.Details(
                [
                    html.Summary(f"{len(withdrawn):,} withdrawn"),
                    html.Ul([_note(account_id, n, may_write=False) for n in withdrawn], className="notes"),
                ]
            )
        )
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Notes"),
                    html.Span(
                        "written by the team; a note can be withdrawn, but not edited", className="faint"
                    ),
                ],
                className="card-head",
            ),
            *body,
            *([_writing(account_id)] if may_write else []),
        ],
        className="card narrow",
        id="notes",
    )


def _note(account_id: int, note: AccountNote, *, may_write: bool) -> Component:
    taken = ""
    if note.withdrawn_at is not None:
        taken = f"; withdrawn by {clean(note.withdrawn_by or '')}, {words.stamp(note.withdrawn_at)}"
    text = note.text or "(removed by a purge)"
    said = html.Del(text) if taken else text
    return html.Li(
        [
            html.P(said, className=f"note {QUOTED}"),
            html.Small(f"{clean(note.written_by)}, {words.stamp(note.written_at)}{taken}"),
            *([_withdrawing(account_id, note)] if may_write else []),
        ]
    )


def _writing(account_id: int) -> Component:
    return html.Form(
        [
            html.Label(
                [
                    html.Span("New note"),
                    html.Textarea(name="text", rows=3, required=True, maxLength=LONGEST),
                ]
            ),
            html.Button(
                "Save note", type="submit", className="button", name="account", value=str(account_id)
            ),
        ],
        action=_address("add", account_id),
        method="post",
        className="form writing",
    )


def _withdrawing(account_id: int, note: AccountNote) -> Component:
    named: dict[str, Any] = {"name": "note", "value": str(note.account_note_id)}
    label = f"Withdraw the note of {words.stamp(note.written_at)}"
    button = html.Button("Withdraw", type="submit", className="link", **{"aria-label": label}, **named)
    return html.Form(button, action=_address("withdraw", account_id), method="post", className="form")


def _address(act: str, account_id: int) -> str:
    return f"/api/account/notes/{act}?back={quote(f'/account/{account_id}')}"

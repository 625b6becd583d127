"""The page that purges an account: a preview with counts, the handle typed to confirm, and what was done."""

from collections.abc import Sequence
from typing import Any

from dash import Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.accounts.purge_words import (
    CANNOT_BE_UNDONE,
    CONTENT,
    WHOLE,
    preview_sentences,
    purge_name,
    purge_sentences,
    removed_rows,
)
from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.ui.cards import card
from dashboard.ui.inputs import radio_field, text_field
from dashboard.ui.pages import PageCallbacks
from storage.model.core.accounts import Platform
from storage.model.core.people import Role, Scope
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import clean
from storage.postgres.pool import Conn, Refused, StorageError, transaction
from storage.purge.deliberate_purge import (
    PurgeSubject,
    preview_purge,
    purge_as,
    purge_subject,
    refuse_other_handle,
)
from storage.purge.purge import Purged

PURGE = "purge"
"""The last part of the address of the page."""
PURGE_ROLE = Role.ADMIN
LONGEST_REASON = 1_000
_PARTS = ("content", "whole")
"""The values of the choice “What to remove”."""


def _choices(subject: PurgeSubject) -> dict[str, str]:
    noun = "post" if DECLARED[Platform(subject.platform)].is_post(subject.native_id) else "account"
    return {"content": f"Evidence and handles. {CONTENT}", "whole": f"The whole {noun}. {WHOLE}"}


def purge_page(subject: PurgeSubject, tag: list[Component]) -> Component:
    """Return the page. It purges nothing before the preview and the typed handle."""
    here = f"/account/{subject.account_id}"
    handle = f"@{clean(subject.handle.removeprefix('@'), 120)}"
    return html.Div(
        [
            html.Div(
                [
                    html.A("Accounts", href="/accounts", className="under"),
                    html.Span("/", className="faint"),
                    html.A(handle, href=here, className="under"),
                    html.Span("/", className="faint"),
                    html.Span("Purge"),
                    *tag,
                ],
                className="bar",
            ),
            html.Div(
                [
                    dcc.Store(id="purge-account", data=subject.account_id),
                    dcc.Store(id="purge-previewed", data=None),
                    card(
                        f"Purge {handle}",
                        CANNOT_BE_UNDONE,
                        html.Div(
                            radio_field("purge-what", "What to remove", _choices(subject), "content"),
                            className="order-fields",
                        ),
                        html.Div(
                            [
                                html.Button(
                                    "Preview", id="purge-preview", type="button", className="button primary"
                                ),
                                html.Div(id="purge-preview-said", className="said", role="status"),
                            ],
                            className="actions",
                        ),
                    ),
                    html.Div(id="purge-counts"),
                    html.Div(_confirmation(handle), id="purge-confirmation", hidden=True),
                    html.Div(id="purge-done", role="status"),
                ],
                className="stack order-form",
            ),
        ]
    )


def _confirmation(handle: str) -> Component:
    return card(
        "Confirm",
        CANNOT_BE_UNDONE,
        html.Div(
            [
                text_field("purge-handle", "Handle", "", f"Type {handle} to confirm."),
                text_field(
                    "purge-reason",
                    "Reason",
                    "",
                    "Why, and on whose request. It is stored for good, so do not repeat the handle.",
                    maxLength=LONGEST_REASON,
                ),
            ],
            className="order-fields",
        ),
        html.Div(
            [
                html.Button("Purge permanently", id="purge-do", type="button", className="button danger"),
                html.Div(id="purge-do-said", className="said", role="alert"),
            ],
            className="actions",
        ),
    )


def _counts(name: str, preview: Purged) -> Component:
    removed = [html.Div([html.Dt(what), html.Dd(f"{n:,}")]) for what, n in removed_rows(preview)]
    return card(
        "This would be removed",
        "as stored now",
        html.Dl(removed, className="facts"),
        html.Div([html.P(s) for s in preview_sentences(name, preview)], className="sentences sentences-page"),
    )


def connect_purge_page(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callbacks: the preview, and the purge."""

    @app.callback(
        Output("purge-counts", "children"),
        Output("purge-confirmation", "hidden"),
        Output("purge-previewed", "data"),
        Output("purge-preview-said", "children"),
        Input("purge-preview", "n_clicks"),
        Input("purge-what", "value"),
        State("purge-account", "data"),
        prevent_initial_call=True,
    )
    async def preview(pressed: int | None, what: object, account_id: object) -> Any:  # pyright: ignore[reportUnusedFunction]
        if not pressed:
            return no_update, no_update, no_update, no_update
        try:
            _require_admin()
            async with transaction(process.pool) as conn:
                subject = await _subject(conn, account_id)
                found = await preview_purge(conn, subject.account_id, process.clock(), whole=what == "whole")
        except (access.Forbidden, StorageError) as fault:
            return [], True, None, str(fault)
        return _counts(purge_name(subject), found), False, what, ""

    @app.callback(
        Output("purge-done", "children"),
        Output("purge-counts", "children", allow_duplicate=True),
        Output("purge-confirmation", "hidden", allow_duplicate=True),
        Output("purge-do-said", "children"),
        Input("purge-do", "n_clicks"),
        State("purge-previewed", "data"),
        State("purge-handle", "value"),
        State("purge-reason", "value"),
        State("purge-account", "data"),
        prevent_initial_call=True,
    )
    async def purge(  # pyright: ignore[reportUnusedFunction]
        pressed: int | None, what: object, handle: str | None, reason: str | None, account_id: object
    ) -> Any:
        if not pressed:
            return no_update, no_update, no_update, no_update
        try:
            actor = _require_admin()
            if what not in _PARTS:
                raise Refused("Press Preview first.")
            async with transaction(process.pool) as conn:
                subject = await _subject(conn, account_id)
                refuse_other_handle(subject, handle or "")
                purged = await purge_as(
                    conn,
                    subject.account_id,
                    process.clock(),
                    actor,
                    whole=what == "whole",
                    reason=(reason or "").strip()[:LONGEST_REASON],
                )
        except (access.Forbidden, StorageError) as fault:
            return no_update, no_update, no_update, str(fault)
        return _done(purge_sentences(purge_name(subject), purged)), [], True, ""


def _done(sentences: Sequence[str]) -> Component:
    return card(
        "Purged",
        "",
        html.Div(
            [
                *(html.P(s) for s in sentences),
                html.P(
                    [
                        "The audit log in ",
                        html.A("Settings", href="/settings", className="under"),
                        " has who did it. ",
                        html.A("Back to the accounts", href="/accounts", className="under"),
                    ]
                ),
            ],
            className="sentences",
        ),
    )


def _require_admin() -> str:
    actor = access.acting()
    access.require(actor, PURGE_ROLE)
    access.require_scope(actor, Scope.ADMIN)
    return actor.name


async def _subject(conn: Conn, account_id: object) -> PurgeSubject:
    found = await purge_subject(conn, account_id) if isinstance(account_id, int) else None
    if found is None:
        raise Refused("This account does not exist.")
    return found

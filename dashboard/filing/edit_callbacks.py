"""The callbacks of the page that edits an order. Each write is one transaction with its audit log entry."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from dash import ClientsideFunction, Input, Output, State, no_update
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.filing import event_form, order_form
from dashboard.filing.edit_page import EditedOrder, read_records, shown_values
from dashboard.filing.event_form import EventForm
from dashboard.filing.order_form import OrderForm, edit_between
from dashboard.filing.writing import NotWritten, stored_order, written
from dashboard.orders.cards import documents_table, events_table, history_card
from dashboard.orders.words import ORDER_LABELS
from dashboard.ui.pages import PageCallbacks
from dashboard.ui.time_markup import timed
from storage.model.tables.csv_cells import keywords
from storage.orders import order_edits
from storage.postgres.pool import Conn

_KEYWORD_LABELS = {"keywords": "Keywords"}
_HISTORY = Output("order-history", "children", allow_duplicate=True)


def connect_edit_page(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callbacks."""
    _connect_fields(process, app)
    _connect_events(process, app)
    _connect_documents(process, app)
    _connect_keywords(process, app)


def _connect_fields(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output("order-save-said", "children"),
        Output("order-shown", "data"),
        _HISTORY,
        Input("order-save", "n_clicks"),
        State("order-id", "data"),
        State("order-shown", "data"),
        *(State(*value) for value in order_form.VALUES),
        prevent_initial_call=True,
    )
    async def save(pressed: int | None, order_id: object, shown: list[Any], *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        async def act(conn: Conn, actor: str, now: datetime) -> tuple[bool, EditedOrder]:
            stored = await stored_order(conn, order_id)
            edit = edit_between(OrderForm(*shown), OrderForm(*values), now)
            _, after = await order_edits.change_order(conn, stored, edit, actor, now)
            return bool(after), await read_records(conn, await stored_order(conn, order_id))

        if not pressed:
            return no_update, no_update, no_update
        try:
            changed, found = await written(process, ORDER_LABELS, act)
        except NotWritten as fault:
            return str(fault), no_update, no_update
        said = "Saved. The history below has the earlier values." if changed else "Nothing was changed."
        return said, shown_values(found), _history(found)


def _connect_events(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output("event-store-said", "children"),
        Output("event-list", "children"),
        _HISTORY,
        Output("event-text", "value"),
        Input("event-store", "n_clicks"),
        State("order-id", "data"),
        *(State(*value) for value in event_form.VALUES),
        prevent_initial_call=True,
    )
    async def store(pressed: int | None, order_id: object, *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        async def act(conn: Conn, actor: str, now: datetime) -> tuple[bool, EditedOrder]:
            stored = await stored_order(conn, order_id)
            event = EventForm(*values).event(stored.order.reference, now)
            is_new = await order_edits.add_event(conn, event, actor, now)
            return is_new, await read_records(conn, stored)

        if not pressed:
            return no_update, no_update, no_update, no_update
        try:
            is_new, found = await written(process, event_form.LABELS, act)
        except NotWritten as fault:
            return str(fault), no_update, no_update, no_update
        kind = str(values[0])
        if not is_new:
            return (
                f"This {kind} is already stored: the same text at the same time.",
                no_update,
                no_update,
                no_update,
            )
        return f"The {kind} is stored.", timed(events_table(found.events)), _history(found), ""


def _connect_documents(process: WebProcess, app: PageCallbacks) -> None:
    """The browser sends a document to the API itself, so that no form carries 20 MB."""
    app.clientside_callback(
        ClientsideFunction("blockline", "chosenFile"),
        Output("document-chosen", "children"),
        Input("document-file", "contents"),
        State("document-file", "filename"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("blockline", "attach"),
        Output("document-store-said", "children"),
        Output("document-file", "contents"),
        Output("document-done", "data"),
        Input("document-store", "n_clicks"),
        State("order-id", "data"),
        State("document-file", "contents"),
        State("document-file", "filename"),
        State("document-source", "value"),
        State("document-done", "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("document-list", "children"),
        _HISTORY,
        Input("document-done", "data"),
        State("order-id", "data"),
        prevent_initial_call=True,
    )
    async def attached(done: object, order_id: object) -> Any:  # pyright: ignore[reportUnusedFunction]
        async def act(conn: Conn, _actor: str, _now: datetime) -> EditedOrder:
            return await read_records(conn, await stored_order(conn, order_id))

        if not done:
            return no_update, no_update
        try:
            found = await written(process, {}, act)
        except NotWritten as fault:
            return str(fault), no_update
        return timed(documents_table(found.stored.order_id, found.documents)), _history(found)


def _connect_keywords(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output("keywords-store-said", "children"),
        Output("order-keywords", "value"),
        Output("order-keywords-shown", "data"),
        _HISTORY,
        Input("keywords-store", "n_clicks"),
        State("order-id", "data"),
        State("order-keywords-shown", "data"),
        State("order-keywords", "value"),
        prevent_initial_call=True,
    )
    async def store(pressed: int | None, order_id: object, shown: list[str], text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        async def act(conn: Conn, actor: str, now: datetime) -> EditedOrder:
            stored = await stored_order(conn, order_id)
            added, removed = keyword_edit(shown, text or "")
            await order_edits.edit_keywords(conn, stored, added, removed, actor, now)
            return await read_records(conn, stored)

        if not pressed:
            return no_update, no_update, no_update, no_update
        try:
            found = await written(process, _KEYWORD_LABELS, act)
        except NotWritten as fault:
            return str(fault), no_update, no_update, no_update
        words = found.keywords
        return "The keywords are stored.", " ".join(words), list(words), _history(found)


def keyword_edit(shown: Collection[str], filled: str) -> tuple[list[str], list[str]]:
    """Return the keywords that a person added to those that the page showed, and those removed.

    A keyword that somebody else added meanwhile is among neither, so it stays. Raises CellError.
    """
    wanted = keywords(filled)
    return [one for one in wanted if one not in shown], [one for one in shown if one not in wanted]


def _history(found: EditedOrder) -> Component:
    return timed(history_card(found.acts))

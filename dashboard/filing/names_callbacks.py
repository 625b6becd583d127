"""The callbacks of the names of an order: their check, and on the edit page adding and withdrawing them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dash import ClientsideFunction, Input, Output, State, no_update

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.process import WebProcess
from dashboard.filing import names_form
from dashboard.filing.edit_page import names_list, withdrawal_options
from dashboard.filing.names_form import (
    NamesForm,
    ReadNames,
    check_names,
    checked_names,
    read_names,
)
from dashboard.filing.writing import NotWritten, stored_order, writer, written
from dashboard.names.table import ShownCheck, read_check
from dashboard.orders.cards import history_card
from dashboard.ui.inputs import FieldFault
from dashboard.ui.pages import PageCallbacks, plain
from dashboard.ui.time_markup import timed
from storage.model.core.orders import OrderName
from storage.model.text.units import number
from storage.orders import order_edits
from storage.orders.checked_names import AddedNames, add_checked_names
from storage.orders.edit_history import OrderAct, acts_on
from storage.orders.names import names_of
from storage.orders.order_edits import WithdrawnNames
from storage.orders.orders import StoredOrder
from storage.postgres.pool import Conn

LABELS = {"reason": "Reason"}


def connect_names(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callbacks."""
    _connect_check(process, app)
    _connect_add(process, app)
    _connect_withdraw(process, app)


async def read_unless_checked(form: NamesForm, checked: object) -> int | ReadNames:
    """Return the number of the shown check if its names are those of the form; otherwise read the names.

    Call it without a connection, because reading takes seconds. Raises FieldFault and TableError.
    """
    match checked:
        case {"of": form.digest, "check": int(number)}:
            return number
        case _:
            return await read_names(form)


async def check_for(
    conn: Conn, process: WebProcess, names: int | ReadNames, actor: str, now: datetime
) -> int:
    """Return the number of the check of these names. Names that were read but not checked get a new check."""
    if isinstance(names, int):
        return names
    return await check_names(conn, names, process.settings, actor, now)


def _connect_check(process: WebProcess, app: PageCallbacks) -> None:
    app.clientside_callback(
        ClientsideFunction("blockline", "textOf"),
        Output("order-names", "value"),
        Output("order-names-file-said", "children"),
        Input("order-names-file", "contents"),
        State("order-names-file", "filename"),
        State("order-names", "value"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("order-names-result", "children"),
        Output("order-check", "data"),
        Output("order-names-said", "children"),
        Input("order-names-check", "n_clicks"),
        *(State(*value) for value in names_form.VALUES),
        prevent_initial_call=True,
    )
    async def check(pressed: int | None, *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        form = NamesForm(*values)

        async def act(conn: Conn, actor: str, now: datetime) -> ShownCheck:
            shown = await read_check(conn, await check_names(conn, names, process.settings, actor, now))
            assert shown is not None  # noqa: S101 - it was stored in this transaction
            return shown

        if not pressed:
            return no_update, no_update, no_update
        try:
            with writer(LABELS):
                names = await read_names(form)
            shown = await written(process, LABELS, act)
        except NotWritten as fault:
            return no_update, no_update, str(fault)
        result = await off_loop(lambda: plain(checked_names(shown, names)))
        return result, {"check": shown.check.check_id, "of": form.digest}, ""


def _connect_add(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output("order-names-said", "children", allow_duplicate=True),
        Output("order-names", "value", allow_duplicate=True),
        Output("order-names-result", "children", allow_duplicate=True),
        Output("names-list", "children", allow_duplicate=True),
        Output("withdraw-names", "options", allow_duplicate=True),
        Output("order-history", "children", allow_duplicate=True),
        Input("order-names-add", "n_clicks"),
        State("order-id", "data"),
        State("order-check", "data"),
        *(State(*value) for value in names_form.VALUES),
        prevent_initial_call=True,
    )
    async def add(pressed: int | None, order_id: object, checked: object, *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        form = NamesForm(*values)

        async def act(conn: Conn, actor: str, now: datetime) -> tuple[AddedNames, StoredNames]:
            stored = await stored_order(conn, order_id)
            check_id = await check_for(conn, process, names, actor, now)
            added = await add_checked_names(conn, stored, check_id, actor, now)
            return added, await _stored_names(conn, stored)

        if not pressed:
            return [no_update] * 6
        try:
            with writer(LABELS):
                names = await read_unless_checked(form, checked)
            added, after = await written(process, LABELS, act)
        except NotWritten as fault:
            return [str(fault), *[no_update] * 5]
        return [_added_words(added), "", None, *await off_loop(_drawn, after)]


def _connect_withdraw(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output("withdraw-store-said", "children"),
        Output("withdraw-names", "value"),
        Output("withdraw-reason", "value"),
        Output("names-list", "children"),
        Output("withdraw-names", "options"),
        Output("order-history", "children", allow_duplicate=True),
        Input("withdraw-store", "n_clicks"),
        State("order-id", "data"),
        State("withdraw-names", "value"),
        State("withdraw-reason", "value"),
        prevent_initial_call=True,
    )
    async def withdraw(  # pyright: ignore[reportUnusedFunction]
        pressed: int | None, order_id: object, said: list[str] | None, reason: str | None
    ) -> Any:
        async def act(conn: Conn, actor: str, now: datetime) -> tuple[WithdrawnNames, StoredNames]:
            if not said:
                raise FieldFault("Names to withdraw is empty.")
            stored = await stored_order(conn, order_id)
            done = await order_edits.withdraw_names(conn, stored, said, reason or "", actor, now)
            return done, await _stored_names(conn, stored)

        if not pressed:
            return [no_update] * 6
        try:
            done, after = await written(process, LABELS, act)
        except NotWritten as fault:
            return [str(fault), *[no_update] * 5]
        return [_withdrawn_words(done), [], "", *await off_loop(_drawn, after)]


StoredNames = tuple[Sequence[OrderName], Sequence[OrderAct]]
"""The names of an order and the entries of its history, read after a write."""


async def _stored_names(conn: Conn, stored: StoredOrder) -> StoredNames:
    return await names_of(conn, stored.order_id), await acts_on(conn, stored.order.reference)


def _drawn(after: StoredNames) -> list[Any]:
    """Draw names, options and history. Call it in a thread, because 20,000 names take seconds."""
    names, acts = after
    return [plain(timed(names_list(names))), withdrawal_options(names), plain(timed(history_card(acts)))]


def _added_words(added: AddedNames) -> str:
    parts = [f"{number(added.new, 'name')} added"]
    if added.again:
        parts.append(f"{number(added.again, 'withdrawn name')} added again")
    if added.before:
        parts.append(f"{number(added.before, 'name')} there before")
    waiting = f" {number(added.open, 'name')} still to be looked up." if added.open else ""
    return f"{', '.join(parts)}.{waiting}"


def _withdrawn_words(done: WithdrawnNames) -> str:
    return (
        f"{number(len(done.withdrawn), 'name')} withdrawn.{done.left_words('the')} The order now names "
        f"{number(done.named_count, 'account')}."
    )

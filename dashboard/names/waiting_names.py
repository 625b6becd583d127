"""An order's page reads itself again while some of its names wait for an answer of their platform."""

from collections.abc import Sequence
from typing import Any

from dash import Input, Output, State, dcc, no_update
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.ui.pages import PageCallbacks
from storage.model.core.orders import OrderName
from storage.orders.names import waiting_names
from storage.postgres.pool import StorageError, transaction

EVERY_MS = 5_000
"""How often the page looks whether a name that waited has an answer."""


def waiting_for(order_id: int, names: Sequence[OrderName]) -> list[Component]:
    """The timer of an order's page; nothing if no name waits."""
    waiting = sum(name.is_waiting for name in names)
    if not waiting:
        return []
    return [
        dcc.Store(id="order-waits", data={"order": order_id, "names": waiting}),
        dcc.Interval(id="order-waits-tick", interval=EVERY_MS),
    ]


def connect_waiting_names(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callback. The whole page is read again, because figures of the order follow its names."""

    @app.callback(
        Output("routed", "data", allow_duplicate=True),
        Input("order-waits-tick", "n_intervals"),
        State("order-waits", "data"),
        State("routed", "data"),
        prevent_initial_call=True,
    )
    async def look(ticks: int | None, seen: dict[str, int], routed: dict[str, Any]) -> Any:  # pyright: ignore[reportUnusedFunction]
        if not ticks:
            return no_update
        try:
            async with transaction(process.pool) as conn:
                waiting = await waiting_names(conn, seen["order"])
        except StorageError:  # the next tick asks again
            return no_update
        return no_update if waiting == seen["names"] else {**routed, "again": waiting}

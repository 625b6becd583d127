"""The page of one name check, and the callbacks that keep its table current on every page."""

from functools import partial
from typing import Any

from dash import ClientsideFunction, Input, Output, State, html, no_update
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.names.table import (
    GRID,
    NEW,
    SEEN,
    SUMMARY,
    TICK,
    ShownCheck,
    check_table,
    read_check,
    row_of,
    still_open,
    summary,
    waits_because,
)
from dashboard.ui.pages import Drawing, Feature, Page, PageCallbacks, PageRequest, Place, number_in
from storage.accounts.name_checks import lines_of
from storage.model.core.people import Role
from storage.postgres.pool import StorageError, transaction


def name_checks(process: WebProcess) -> Feature:
    page = Page(
        path="names",
        title="Names",
        help="how-to/accounts",
        read=_names,
        role=Role.ANALYST,
        place=Place.NOWHERE,
        under="accounts",
        callbacks=partial(_connect, process),
    )
    return Feature(pages=(page,))


async def _names(asked: PageRequest) -> Drawing | None:
    check_id = number_in(asked.more[0]) if len(asked.more) == 1 else None
    shown = None if check_id is None else await read_check(asked.conn, check_id)
    return None if shown is None else partial(_draw, shown, asked.tag)


def _draw(shown: ShownCheck, tag: list[Component]) -> Component:
    head = html.Div(
        [html.H1("Names"), *tag, html.Span(shown.check.source, className="muted")], className="bar"
    )
    return html.Div([head, html.Div(html.Div(check_table(shown), className="card"), className="stack")])


def _connect(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output(GRID, "rowTransaction"),
        Output(NEW, "data"),
        Output(SUMMARY, "children"),
        Output(SEEN, "data"),
        Output(TICK, "disabled"),
        Input(TICK, "n_intervals"),
        State(SEEN, "data"),
        prevent_initial_call=True,
    )
    async def answers(_: int, seen: dict[str, Any]) -> tuple[object, ...]:  # pyright: ignore[reportUnusedFunction]
        """The rows that were answered since the last look. Without the database the table stays as it is, and
        the banner above says why.
        """
        before: dict[str, str] = seen["open"]
        try:
            async with transaction(process.pool) as conn:
                lines = await lines_of(conn, int(seen["check"]))
                why = await waits_because(conn)
        except StorageError:
            return (no_update,) * 5
        now = still_open(lines)
        new = [
            line for line in lines if (key := str(line.position)) in before and now.get(key) != before[key]
        ]
        rows = [row_of(line) for line in new]
        return (
            {"update": rows, "async": False} if rows else no_update,
            [row for row in rows if row["may"]] if rows else no_update,
            summary(lines, why),
            {"check": seen["check"], "open": now},
            not any(line.is_open for line in lines),
        )

    app.clientside_callback(
        ClientsideFunction("blockline", "chooseNew"),
        Output(GRID, "selectedRows"),
        Input(NEW, "data"),
        State(GRID, "selectedRows"),
        prevent_initial_call=True,
    )

"""The page of lists: make one, rename it, archive it or take it into use again."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from dash import Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.ui.cards import Cell, card, empty_card, table_card
from dashboard.ui.figures import FIGURE_CLASS
from dashboard.ui.form_input import WrongInput
from dashboard.ui.inputs import text_field
from dashboard.ui.pages import PageCallbacks
from dashboard.ui.toasts import TOAST, Toast, Undo
from storage.accounts.lookup import list_called
from storage.accounts.watch_lists import ListRow, all_lists, archive_list, make_list, rename_list
from storage.model.core.list_thresholds import thresholds_words
from storage.model.core.people import Actor, Role, Scope
from storage.model.tables.tag_and_list_edits import LONGEST_LIST_NAME, list_name_fault
from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount
from storage.postgres.pool import Conn, StorageError, transaction

MAKE, CHANGE = Role.ANALYST, Role.ADMIN
ARCHIVED_LISTS = "/accounts/lists?archived=yes"


def lists_page(rows: Sequence[ListRow], actor: Actor, tag: list[Component], *, archived: bool) -> Component:
    """The lists in use, or with `archived` the archived ones, and the forms that the role may use."""
    other = html.A("Lists in use", href="/accounts/lists")
    if not archived:
        other = html.A("Show archived lists", href=ARCHIVED_LISTS)
    return html.Div(
        [
            html.Div(
                [
                    html.A("Accounts", href="/accounts", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("Archived lists" if archived else "Lists"),
                    *tag,
                    html.Span(className="grow"),
                    other,
                ],
                className="bar",
            ),
            html.P(id="list-fault", role="alert", className="refused"),
            dcc.Store(id="lists-archived", data=archived),
            html.Div(
                _cards(rows, actor, archived=archived), id="lists-cards", className="stack add-accounts"
            ),
        ]
    )


def _cards(rows: Sequence[ListRow], actor: Actor, *, archived: bool) -> list[Component]:
    shown = sorted((row for row in rows if (row.archived_at is not None) == archived), key=_name)
    forms = [
        *([_new_form()] if actor.role.includes(MAKE) and not archived else []),
        *([_change_form(shown, archived=archived)] if actor.role.includes(CHANGE) and shown else []),
    ]
    title = "Archived lists" if archived else "Lists in use"
    return [_table(shown, title, archived=archived), *forms]


def _name(row: ListRow) -> str:
    return row.name.lower()


def _table(rows: Sequence[ListRow], title: str, *, archived: bool) -> Component:
    if not rows:
        return empty_card(title, "", "No list is archived." if archived else "There are no lists yet.")
    members = "Accounts and posts" if any(row.posts for row in rows) else "Accounts"
    heads = ("List", members, "Watched", "Order", "Confirmed by")
    return table_card(title, "", heads, [_line(row) for row in rows])


def _line(row: ListRow) -> tuple[Cell, ...]:
    order: Cell = ""
    if row.order_id is not None:
        order = html.A(
            clean(row.order_reference or "", 80), href=f"/orders/{row.order_id}", className="cell-link"
        )
    name = html.A(clean(row.name, LONGEST_LIST_NAME), href=f"/accounts?list={row.list_id}")
    confirmed = html.A(
        thresholds_words(row.thresholds), href=f"/accounts/lists/{row.list_id}", className="under"
    )
    count = TargetCount(row.accounts - row.posts, row.posts)
    members = html.A(
        count.words() if row.posts else f"{row.accounts:,}",
        href=f"/accounts?list={row.list_id}&whom=all",
        className=FIGURE_CLASS,
    )
    watched = html.A(f"{row.watched:,}", href=f"/accounts?list={row.list_id}", className=FIGURE_CLASS)
    return name, members, watched, order, confirmed


def _new_form() -> Component:
    return card(
        "New list",
        "",
        html.Div(
            [
                text_field("list-made-name", "Name", maxLength=LONGEST_LIST_NAME),
                html.Div(html.Button("Make the list", id="list-make", className="button primary")),
            ],
            className="form",
        ),
    )


def _change_form(rows: Sequence[ListRow], *, archived: bool) -> Component:
    hint = "" if archived else "The list of an order is renamed on the page of the order."
    names = [row.name for row in rows if row.order_id is None]
    chosen = html.Div(
        [
            text_field("list-chosen", "List", "", hint, maxLength=LONGEST_LIST_NAME, list="list-names"),
            html.Datalist([html.Option(value=name) for name in names], id="list-names"),
        ]
    )
    if archived:
        button = html.Button("Take into use again", id="list-restore", className="button primary")
        return card("Take a list into use again", "", html.Div([chosen, html.Div(button)], className="form"))
    archive = dcc.ConfirmDialogProvider(
        html.Button("Archive", className="button"),
        id="list-archive",
        message="Archive this list? It keeps its accounts, which are read as before. No account can be added "
        "to it until it is taken into use again.",
    )
    return card(
        "Rename or archive a list",
        "",
        html.Div(
            [
                chosen,
                text_field("list-new-name", "New name", maxLength=LONGEST_LIST_NAME),
                html.Div(
                    [html.Button("Rename", id="list-rename", className="button"), archive],
                    className="buttons",
                ),
            ],
            className="form",
        ),
    )


def connect_lists_page(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callbacks of the page. Each shows the lists again when it is done."""
    for trigger, fields, deed in (
        (Input("list-make", "n_clicks"), ("list-made-name",), _make),
        (Input("list-rename", "n_clicks"), ("list-chosen", "list-new-name"), _rename),
        (Input("list-archive", "submit_n_clicks"), ("list-chosen",), _archive),
        (Input("list-restore", "n_clicks"), ("list-chosen",), _restore),
    ):
        app.callback(
            Output("lists-cards", "children", allow_duplicate=True),
            Output(TOAST, "data", allow_duplicate=True),
            Output("list-fault", "children", allow_duplicate=True),
            trigger,
            State("lists-archived", "data"),
            *(State(name, "value") for name in fields),
            prevent_initial_call=True,
        )(partial(_done, process, deed))


Deed = Callable[[Conn, Actor, datetime, tuple[str, ...]], Awaitable[Toast]]


async def _done(process: WebProcess, deed: Deed, clicks: object, archived: object, *given: object) -> object:
    """Do what a form asks for, and return the cards, what was done, and why it was not."""
    actor = access.acting()
    if not clicks:
        return no_update, no_update, no_update
    access.require_scope(actor, Scope.WRITE)
    texts = tuple(one.strip() if isinstance(one, str) else "" for one in given)
    try:
        async with transaction(process.pool) as conn:
            toast = await deed(conn, actor, process.clock(), texts)
            rows = await all_lists(conn)
    except (WrongInput, StorageError) as error:
        return no_update, no_update, str(error)
    return _cards(rows, actor, archived=archived is True), toast.as_json(), ""


async def _make(conn: Conn, actor: Actor, now: datetime, given: tuple[str, ...]) -> Toast:
    access.require(actor, MAKE)
    name = _valid(given[0])
    await make_list(conn, name, actor.name, now)
    return Toast(f"The list {clean(name, LONGEST_LIST_NAME)} is made. It has no accounts yet.")


async def _rename(conn: Conn, actor: Actor, now: datetime, given: tuple[str, ...]) -> Toast:
    access.require(actor, CHANGE)
    name, new = _chosen(given[0]), _valid(given[1])
    rules = await rename_list(conn, name, new, actor.name, now)
    old, said = clean(name, LONGEST_LIST_NAME), clean(new, LONGEST_LIST_NAME)
    named = ", ".join(clean(rule, 80) for rule in rules)
    still = f" These alert rules still name {old}, so they no longer match it: {named}." if rules else ""
    return Toast(f"The list {old} is now called {said}.{still}")


async def _archive(conn: Conn, actor: Actor, now: datetime, given: tuple[str, ...]) -> Toast:
    access.require(actor, CHANGE)
    name = _chosen(given[0])
    await archive_list(conn, name, actor.name, now, archived=True)
    words = f"The list {clean(name, LONGEST_LIST_NAME)} is archived. Its accounts are read as before."
    return Toast(words, await _undo(conn, name, archived=False))


async def _restore(conn: Conn, actor: Actor, now: datetime, given: tuple[str, ...]) -> Toast:
    access.require(actor, CHANGE)
    name = _chosen(given[0])
    await archive_list(conn, name, actor.name, now, archived=False)
    words = f"The list {clean(name, LONGEST_LIST_NAME)} is in use again."
    return Toast(words, await _undo(conn, name, archived=True))


async def _undo(conn: Conn, name: str, *, archived: bool) -> Undo:
    list_id = await list_called(conn, name)
    return Undo(f"/api/v1/lists/{list_id}", body={"archived": archived}, method="PATCH")


def _chosen(name: str) -> str:
    if not name:
        raise WrongInput("Write the name of a list.")
    return name


def _valid(name: str) -> str:
    if (fault := list_name_fault(name)) is not None:
        raise WrongInput(fault)
    return name

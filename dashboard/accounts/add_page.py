"""Adding accounts: names are pasted or uploaded, looked at line by line, and only then watched."""

from base64 import b64decode
from collections.abc import Sequence
from functools import partial
from typing import Any

from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.names.table import GRID, SEEN, ShownCheck, check_table, open_text_check, row_of
from dashboard.ui.cards import card
from dashboard.ui.form_input import WrongInput
from dashboard.ui.pages import PageCallbacks
from storage.accounts.name_checks import lines_of, name_check, watch_lines
from storage.model.core.accounts import Platform
from storage.model.core.people import Actor, Role, Scope
from storage.model.platforms.registry import USUAL_PLATFORM
from storage.model.tables import csv_cells
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import TableError
from storage.model.tables.name_check import MOST_LINES, CheckedLine, without_repeats
from storage.model.tables.tag_and_list_edits import list_name_fault
from storage.model.tables.watch_import_plan import DEFAULT_LIST, WatchLineResult
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.target_counts import TargetCount
from storage.model.text.units import either
from storage.postgres.pool import Pool, StorageError, transaction

ADD = Role.ANALYST
LARGEST = 2_000_000
"""Characters of what is pasted or uploaded: about 30,000 lines."""
_LONGEST_FILE_NAME = 100
_PASTED = "pasted names"
_PREVIEW = "preview"


def add_page(
    shown: ShownCheck | None, lists: Sequence[str], tag: list[Component], text: str = ""
) -> Component:
    """The form, and below it the preview of what was pasted. None means that nothing was pasted yet; `text`
    then fills the form in.
    """
    return html.Div(
        [
            html.Div(
                [
                    html.A("Accounts", href="/accounts", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("Add accounts"),
                    *tag,
                ],
                className="bar",
            ),
            html.Div(
                [
                    names_card(
                        "1. Names",
                        "nothing is watched before you have seen what each line means",
                        USUAL_PLATFORM if shown is None else shown.check.platform,
                        text,
                    ),
                    *([] if shown is None else [_preview(shown, lists)]),
                ],
                className="stack add-accounts",
            ),
        ]
    )


def names_card(
    title: str, note: str, platform: Platform | None = USUAL_PLATFORM, text: str = ""
) -> Component:
    """The box for pasted names and the upload of a table. Its button opens the preview on the page
    /accounts/add, where the box still holds what was pasted. A page shows it once at most.

    `platform` is that of plain handles; None: such a handle is ambiguous.
    """
    return card(
        title,
        note,
        html.Div(
            [
                html.Label(
                    [
                        html.Span(
                            "Paste handles, ids and addresses of profiles or posts, in any mix; or a CSV "
                            "table with a header line"
                        ),
                        dcc.Textarea(
                            id="add-text",
                            rows=8,
                            maxLength=LARGEST,
                            spellCheck=False,
                            placeholder="@name\nname.example.org\nhttps://social.example/@name",
                            value=text or None,
                            # What an address fills in is not what was pasted before.
                            persistence=text or True,
                            persistence_type="session",
                            className="mono",
                        ),
                    ],
                    htmlFor="add-text",
                    className="wide",
                ),
                html.Div(
                    [
                        html.Div(
                            [
                                html.Label(
                                    "Platform of plain handles, such as @name", htmlFor="add-platform"
                                ),
                                dcc.Input(
                                    id="add-platform",
                                    type="text",
                                    list="add-platforms",
                                    value="" if platform is None else PLATFORM_NAME[platform],
                                    placeholder="None",
                                    autoComplete="off",
                                    maxLength=40,
                                    className="select",
                                ),
                                html.Datalist(
                                    [html.Option(value=PLATFORM_NAME[p]) for p in Platform],
                                    id="add-platforms",
                                ),
                            ],
                            className="field",
                        ),
                        dcc.Upload(html.Button("Upload a file", className="button"), id="add-file"),
                        html.Button("Preview", id="add-preview", className="button primary"),
                    ],
                    className="add-row",
                ),
                html.P(id="add-fault", role="alert", className="refused"),
                dcc.Store(id="add-source", data=_PASTED),
                html.P(
                    "Columns of a table: platform and handle; optional: account_id, list, tags, followers. "
                    f"Names are looked up at {either(list(PLATFORM_NAME.values()))}.",
                    className="nothing",
                ),
            ],
            className="form",
        ),
    )


def _preview(shown: ShownCheck, lists: Sequence[str]) -> Component:
    has_posts = any(line.is_post for line in shown.lines)
    chosen, one = ("accounts and posts", "account or a post") if has_posts else ("accounts", "account")
    return html.Div(
        [
            html.Div(
                card("2. What each line means", clean(shown.check.source, 80), check_table(shown)),
                id=_PREVIEW,
            ),
            card(
                f"3. Watch the chosen {chosen}",
                f"lines that mean an {one} are chosen; clear those that you do not want",
                html.Div(
                    [
                        html.Div(
                            [
                                html.Label("List", htmlFor="add-list"),
                                dcc.Dropdown(
                                    [{"label": clean(name, 80), "value": name} for name in lists],
                                    id="add-list",
                                    placeholder=f"{DEFAULT_LIST}, for accounts that are on no list",
                                ),
                            ],
                            className="field",
                        ),
                        _field("add-new-list", "Or a new list"),
                        _field("add-tags", "Tags, with spaces between"),
                        html.Button(f"Watch the chosen {chosen}", id="add-watch", className="button primary"),
                    ],
                    className="form add-row",
                ),
                html.P(id="add-done", role="status"),
                dcc.Store(id="add-chosen"),
            ),
        ],
        className="stack",
        key=f"check {shown.check.check_id}",
    )


def _field(name: str, label: str) -> Component:
    return html.Div(
        [
            html.Label(label, htmlFor=name),
            dcc.Input(id=name, type="text", autoComplete="off", maxLength=400, className="select"),
        ],
        className="field",
    )


def connect_add_page(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callbacks of the page."""
    app.callback(
        Output("add-text", "value"),
        Output("add-source", "data"),
        Output("add-fault", "children", allow_duplicate=True),
        Input("add-file", "contents"),
        State("add-file", "filename"),
        prevent_initial_call=True,
    )(_uploaded)
    app.callback(
        Output("add-fault", "children"),
        Output("url", "pathname"),
        Output("url", "hash"),
        Input("add-preview", "n_clicks"),
        State("add-text", "value"),
        State("add-platform", "value"),
        State("add-source", "data"),
        prevent_initial_call=True,
    )(partial(_previewed, process))
    app.clientside_callback(
        ClientsideFunction("blockline", "chosen"),
        Output("add-chosen", "data"),
        Input("add-watch", "n_clicks"),
        State(GRID, "selectedRows"),
        prevent_initial_call=True,
    )
    app.callback(
        Output("add-done", "children"),
        Output("add-done", "className"),
        Output(GRID, "rowTransaction", allow_duplicate=True),
        Input("add-chosen", "data"),
        State(SEEN, "data"),
        State("add-list", "value"),
        State("add-new-list", "value"),
        State("add-tags", "value"),
        prevent_initial_call=True,
    )(partial(_watched, process))


def _analyst() -> Actor:
    """Who calls. Raises Forbidden for a role or a token that may not watch accounts."""
    actor = access.acting()
    access.require(actor, ADD)
    access.require_scope(actor, Scope.WRITE)
    return actor


def _uploaded(contents: str | None, name: str | None) -> tuple[object, ...]:
    """The text of a file into the field, so that one sees what is looked up."""
    _analyst()
    if not contents:
        return no_update, no_update, no_update
    try:
        text = b64decode(contents.partition(",")[2]).decode("utf-8-sig")
    except ValueError:
        return no_update, no_update, "The file is not text in UTF-8. Save it as CSV in UTF-8."
    if len(text) > LARGEST:
        return no_update, no_update, f"The file has {len(text):,} characters. The most is {LARGEST:,}."
    return text, source_of(name), ""


def source_of(given: object) -> str:
    """The source of names for the audit log: the name of the file on one short line, or `_PASTED`."""
    return clean(given, _LONGEST_FILE_NAME) if isinstance(given, str) and given.strip() else _PASTED


async def _previewed(
    process: WebProcess, clicks: int | None, text: object, platform: object, source: object
) -> tuple[object, object, object]:
    """Store a check of what was pasted, and open the page at its preview."""
    actor = _analyst()
    if not clicks:  # Dash also calls when the button comes with a page
        return no_update, no_update, no_update
    try:
        check_id = await _opened(process, text, platform, source_of(source), actor.name)
    except (WrongInput, TableError, StorageError) as error:
        return str(error), no_update, no_update
    return "", f"/accounts/add/{check_id}", f"#{_PREVIEW}"


async def _opened(process: WebProcess, text: object, platform: object, source: str, actor: str) -> int:
    if not isinstance(text, str) or not text.strip():
        raise WrongInput("Paste at least one name, or upload a file.")
    if len(text) > LARGEST or "\0" in text:
        raise WrongInput(f"The text is longer than {LARGEST:,} characters, or not text.")
    whole = text.encode(errors="replace").decode()
    return await open_text_check(process, whole, source, _platform(platform), actor)


def _platform(words: object) -> Platform | None:
    """The platform of a name or key; None for no words. Raises WrongInput for what names no platform."""
    wanted = words.strip().casefold() if isinstance(words, str) else ""
    if not wanted:
        return None
    for platform in Platform:
        if wanted in {platform.value, PLATFORM_NAME[platform].casefold()}:
            return platform
    raise WrongInput(
        f"“{clean(str(words), 40)}” is not a platform. Choose {either(list(PLATFORM_NAME.values()))}, or "
        "leave the field empty."
    )


async def _watched(
    process: WebProcess, chosen: Any, seen: Any, list_name: object, new_list: object, tags: object
) -> tuple[object, ...]:
    """Watch the chosen lines, and show on each what was done."""
    actor = _analyst()
    try:
        check_id, positions = _chosen(chosen, seen)
        lists = _list(list_name, new_list)
        tagged = csv_cells.tags(tags) if isinstance(tags, str) else ()
        watched, rows = await _watch(process.pool, process, check_id, positions, lists, tagged, actor.name)
    except CellError as error:
        return _sentence(str(error)), "refused", no_update
    except (WrongInput, StorageError) as error:
        return str(error), "refused", no_update
    said = [
        f"{watched_words(watched)} ",
        html.A("See their first readings", href="/first-run", className="under"),
    ]
    return said, "verdict", {"update": rows, "async": False}


def watched_words(watched: Sequence[tuple[CheckedLine, WatchLineResult]]) -> str:
    """Say how many accounts and posts are watched now, and how many of each this changed."""
    accounts = [result for line, result in watched if not line.is_post]
    posts = [result for line, result in watched if line.is_post]
    changed = [
        f" {nouns} that this changed: {sum(one.changed for one in results):,}."
        for nouns, results in (("Accounts", accounts), ("Posts", posts))
        if results
    ]
    return f"Watched: {TargetCount(len(accounts), len(posts)).words()}.{''.join(changed)}"


async def _watch(
    pool: Pool,
    process: WebProcess,
    check_id: int,
    positions: Sequence[int],
    lists: tuple[str, ...],
    tags: tuple[str, ...],
    actor: str,
) -> tuple[Sequence[tuple[CheckedLine, WatchLineResult]], list[dict[str, Any]]]:
    """Watch the lines. Return one line per account or post with its result, and the rows of all lines."""
    async with transaction(pool) as conn:
        check = await name_check(conn, check_id)
        if check is None:
            raise WrongInput("This preview is no longer stored. Press Preview again.")
        results = await watch_lines(conn, check, positions, lists, tags, actor, process.clock())
        wanted = set(positions)
        lines = [line for line in await lines_of(conn, check_id) if line.position in wanted]
    return list(zip(without_repeats(lines), results, strict=True)), [row_of(line) for line in lines]


def _chosen(chosen: Any, seen: Any) -> tuple[int, list[int]]:
    try:
        check_id, positions = int(seen["check"]), [int(one) for one in chosen["positions"]]
    except (KeyError, TypeError, ValueError) as error:
        raise WrongInput("Press Preview first.") from error
    if not positions:
        raise WrongInput("Choose at least one line that means an account or a post.")
    if len(positions) > MOST_LINES or not all(0 < one <= MOST_LINES for one in positions):
        raise WrongInput("Choose lines of the preview.")
    return check_id, positions


def _list(list_name: object, new_list: object) -> tuple[str, ...]:
    """The list to put the accounts on; empty for none. Raises WrongInput for a name that no list can have."""
    new = new_list.strip() if isinstance(new_list, str) else ""
    if new and list_name:
        raise WrongInput("Choose a list, or write the name of a new one, not both.")
    if new and (fault := list_name_fault(new)) is not None:
        raise WrongInput(fault)
    name = new or (list_name if isinstance(list_name, str) else "")
    return (name,) if name else ()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]

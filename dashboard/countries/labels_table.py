# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""The accounts and posts that the labelers of a country withhold or withheld, and how one watches them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from dash import ALL, ClientsideFunction, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.asgi.problem_json import API
from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.names.table import open_text_check
from dashboard.ui import words
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.pages import PageCallbacks, number_in
from storage.countries.label_census import (
    LabelDay,
    LabeledSubject,
    LabelFilter,
    LabelPosition,
    withheld_and_unwatched,
)
from storage.model.core.labels import LabeledKind
from storage.model.core.people import Role, Scope
from storage.model.platforms.registry import DECLARED
from storage.model.tables.csv_rows import TableError
from storage.model.tables.name_check import MOST_LINES
from storage.model.text.countries import country_name, official_names
from storage.model.text.states import clean
from storage.model.text.units import number
from storage.postgres.pool import StorageError, transaction

WATCH = Role.ANALYST
PAGE = 50
SHOWN_WORDS = {
    "": "All",
    "withheld": "Withheld",
    "lifted": "Lifted",
    "relabeled": "Labeled again",
    "watched": "Watched",
    "unwatched": "Not watched",
}
KINDS = {"": None, "accounts": LabeledKind.ACCOUNT, "posts": LabeledKind.POST}
_NOUNS = {LabeledKind.ACCOUNT: "account", LabeledKind.POST: "post", LabeledKind.RECORD: "other record"}
_CHOICE = "label-choice"


@dataclass(frozen=True, slots=True)
class ShownLabels:
    """What the page shows, as its address asks."""

    subjects: tuple[LabeledSubject, ...]
    has_more: bool
    days: tuple[LabelDay, ...]
    since: date
    query: Mapping[str, str]
    """The valid part of what the address asks for."""


def labels_address(country: str, **query: str) -> str:
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"/countries/{country}/labels" + (f"?{asked}" if asked else "")


def label_filter(show: str) -> LabelFilter:
    match show:
        case "withheld" | "lifted":
            return LabelFilter(is_lifted=show == "lifted")
        case "watched" | "unwatched":
            return LabelFilter(is_watched=show == "watched")
        case "relabeled":
            return LabelFilter(is_relabeled=True)
        case _:
            return LabelFilter()


def position_in(text: str) -> LabelPosition | None:
    """Where a page ends, as addresses write it; None for none, or for anything else."""
    at, _, label = text.partition("~")
    label_id = number_in(label)
    try:
        stated_at = datetime.fromisoformat(at)
    except ValueError:
        return None
    if label_id is None or stated_at.tzinfo is None:
        return None
    return LabelPosition(stated_at, label_id)


def subjects_card(shown: ShownLabels, country: str, unwatched: int, *, may_watch: bool) -> Component:
    """`unwatched` is how many accounts and posts are withheld in the country and not watched."""
    title, note = "Accounts and posts", "newest statement first"
    filters = _filters(shown, country)
    if not shown.subjects:
        return empty_card(title, note, "No label that was received matches.", above=filters)
    columns = (
        "Subject",
        "Label",
        "Stated since",
        "First received",
        "Lifted",
        "Readings",
        *(["Choose"] if may_watch else []),
    )
    rows = [
        (*_row(one, may_pack=may_watch), *([_choice(one, n)] if may_watch else []))
        for n, one in enumerate(shown.subjects)
    ]
    choices = sum(_can_be_chosen(one) for one in shown.subjects)
    above = html.Div(
        [filters, *([_watch_form(choices, unwatched)] if may_watch and (choices or unwatched) else [])]
    )
    return table_card(title, note, columns, rows, *_pages(shown, country), above=above)


def _row(one: LabeledSubject, *, may_pack: bool) -> tuple[Cell, ...]:
    value = html.Span(clean(one.value, 60), className="mono label-value")
    address = f"{API}/labels/{one.label_id}/evidence-pack"
    pack = html.Small(
        html.A(
            "Evidence",
            href=address,
            className="under",
            title="Download the stored labels about it, with signatures",
        )
    )
    return (
        _subject(one),
        html.Div([value, html.Div(pack)]) if may_pack else value,
        "not known: only its withdrawal was received" if one.since is None else words.stamp(one.since),
        words.stamp(one.first_received_at),
        "not stated" if one.lifted_at is None else f"stated: {words.stamp(one.lifted_at)}",
        _readings(one),
    )


def _subject(one: LabeledSubject) -> Component:
    profile = [html.Div(html.Small(said))] if (said := profile_words(one)) else []
    if one.account_id is None or one.handle is None:
        kind = _NOUNS[one.kind].capitalize()
        named = html.Span([f"{kind} ", html.Span(clean(one.subject, 300), className="mono quoted")])
    else:
        named = html.A(f"@{clean(one.handle, 120)}", href=f"/account/{one.account_id}", className="handle")
    return html.Div([named, *profile])


def profile_words(one: LabeledSubject) -> str:
    """Who it is: "By @name.example, 12,400 followers (3 Nov 2026)". Empty: its profile was not read."""
    if one.profile_read_at is None or one.profile_is_shown is None:
        return ""
    read_on = words.day(one.profile_read_at)
    if not one.profile_is_shown:
        whose = " of its author" if one.kind is LabeledKind.POST else ""
        return f"No public profile{whose} was shown on {read_on}"
    by = "By " if one.kind is LabeledKind.POST else ""
    who = "an account without a valid handle" if by else "No valid handle"
    if one.profile_handle is not None:
        who = f"@{clean(one.profile_handle, 120)}"
    size = "" if one.profile_followers is None else f", {number(one.profile_followers, 'follower')}"
    return f"{by}{who}{size} ({read_on})"


def _readings(one: LabeledSubject) -> str:
    if one.account_id is None:
        return "label only: not read by us"
    return "watched" if one.is_watched else "stored, not watched"


def _can_be_chosen(one: LabeledSubject) -> bool:
    return not one.is_watched and one.kind is not LabeledKind.RECORD


def _watch_form(choices: int, unwatched: int) -> Component:
    """`choices` are those of this page, `unwatched` all that are withheld."""
    every: dict[str, Any] = {"label": f"Choose all that are not watched ({choices})", "value": "all"}
    most = f"all {unwatched:,}" if unwatched <= MOST_LINES else f"the newest {MOST_LINES:,} of {unwatched:,}"
    rest = f"Watch {most} that are withheld and not watched"
    some: list[Component] = [
        dcc.Checklist([every], [], id="label-all", className="checklist"),  # pyright: ignore[reportArgumentType]
        html.Button("Watch the chosen ones", id="label-watch", className="button"),
    ]
    return html.Div(
        [
            *(some if choices else []),
            *([html.Button(rest, id="label-watch-rest", className="button")] if unwatched else []),
            html.P(id="label-fault", role="alert", className="refused"),
        ],
        className="form choose",
    )


def _choice(one: LabeledSubject, n: int) -> Cell:
    """A box for what can be watched and is not yet."""
    if not _can_be_chosen(one):
        return ""
    name = html.Span(f"Choose {clean(one.subject, 300)}", className="hidden")
    box: dict[str, Any] = {"label": name, "value": one.subject}
    return dcc.Checklist([box], [], id={"type": _CHOICE, "index": n})  # pyright: ignore[reportArgumentType]


def _filters(shown: ShownLabels, country: str) -> Component:
    chosen = {name: shown.query[name] for name in ("kind", "show")}
    kinds = {"": "Accounts and posts", "accounts": "Accounts", "posts": "Posts"}
    return html.Div(
        [
            html.Nav(
                [
                    html.A(
                        text,
                        href=labels_address(country, **{**chosen, name: one}),
                        **({"aria-current": "true"} if one == chosen[name] else {}),  # pyright: ignore[reportArgumentType]
                    )
                    for one, text in offered.items()
                ],
                className="filters",
                **{"aria-label": label},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
            )
            for label, name, offered in (("Kind", "kind", kinds), ("Shown", "show", SHOWN_WORDS))
        ]
    )


def _pages(shown: ShownLabels, country: str) -> list[Component]:
    query = {name: shown.query[name] for name in ("kind", "show")}
    links: list[Component] = []
    if "after" in shown.query:
        links.append(html.A("Newest", href=labels_address(country, **query), className="under"))
    if shown.has_more:
        last = shown.subjects[-1]
        after = f"{last.stated_at.isoformat()}~{last.label_id}"
        older = labels_address(country, **query, after=after)
        links.append(html.A(f"Older than these {PAGE}", href=older, className="under"))
    name: dict[str, Any] = {"aria-label": "Pages"}
    return [html.Nav(links, className="label-pages", **name)] if links else []


def connect_labels_page(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callbacks of the box that chooses all subjects of the page, and of the buttons that take the
    chosen ones, or all that are withheld, to the page that adds accounts.
    """
    app.callback(
        Output("label-fault", "children", allow_duplicate=True),
        Output("url", "pathname", allow_duplicate=True),
        Output("url", "search", allow_duplicate=True),
        Output("url", "hash", allow_duplicate=True),
        Input("label-watch-rest", "n_clicks"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )(partial(_preview_rest, process))
    app.callback(
        Output("url", "pathname", allow_duplicate=True),
        Output("url", "search", allow_duplicate=True),
        Output("label-fault", "children"),
        Input("label-watch", "n_clicks"),
        State({"type": _CHOICE, "index": ALL}, "value"),
        prevent_initial_call=True,
    )(_chosen)
    app.clientside_callback(
        ClientsideFunction("blockline", "chooseAll"),
        Output({"type": _CHOICE, "index": ALL}, "value"),
        Input("label-all", "value"),
        State({"type": _CHOICE, "index": ALL}, "options"),
        prevent_initial_call=True,
    )


def _chosen(clicks: int | None, boxes: Sequence[Sequence[str] | None]) -> tuple[object, object, object]:
    if not clicks:  # Dash also calls when the button comes with a page
        return no_update, no_update, no_update
    subjects = [subject for box in boxes for subject in box or ()]
    if not subjects:
        return no_update, no_update, "Choose at least one account or post."
    return "/accounts/add", f"?names={quote(chr(10).join(subjects), safe='')}", ""


async def _preview_rest(
    process: WebProcess, clicks: int | None, path: object
) -> tuple[object, object, object, object]:
    """Store a check of all that is withheld and not watched, and open the page that adds accounts at it."""
    actor = access.acting()
    access.require(actor, WATCH)
    access.require_scope(actor, Scope.WRITE)
    country = path.split("/")[2] if isinstance(path, str) and path.startswith("/countries/") else ""
    if not clicks or country not in official_names():
        return no_update, no_update, no_update, no_update
    try:
        async with transaction(process.pool) as conn:
            found = await withheld_and_unwatched(conn, country, MOST_LINES, process.clock())
        # A subject of another form may be read as several names.
        rest = [subject for platform, subject in found if DECLARED[platform].is_native_id(subject)]
        if not rest:
            none_left = "Nothing more that is known to be withheld can be watched."
            return none_left, no_update, no_update, no_update
        source = f"labels in {country_name(country)}"
        check_id = await open_text_check(process, "\n".join(rest), source, None, actor.name)
    except (TableError, StorageError) as error:
        return str(error), no_update, no_update, no_update
    return "", f"/accounts/add/{check_id}", "", "#preview"

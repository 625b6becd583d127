"""The page of causes: those that stand, the newest first, and files with causes that are taken in."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dash import Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.causes.routes import WRITE_CAUSES
from dashboard.ui import words
from dashboard.ui.cards import MOST_ROWS, Cell, card, empty_card, not_shown, table_card
from dashboard.ui.pages import Drawing, PageCallbacks, PageRequest
from storage.causes.cause_import import CauseImport, record_notice, record_table
from storage.causes.ledger import NamedCause, newest_causes, standing_by_confidence
from storage.model.causes.causes import Confidence
from storage.model.causes.platform_notices import LARGEST
from storage.model.causes.words import cause_words
from storage.model.core.people import Actor, Scope
from storage.model.tables.csv_rows import TableError
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.units import number
from storage.postgres.pool import Conn, StorageError, transaction

_LONGEST_FILE_NAME = 100
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class ShownCauses:
    """What the page shows."""

    newest: Sequence[NamedCause]
    counts: Mapping[Confidence, int]
    """How many stand, the surest first."""


async def read_causes(asked: PageRequest) -> Drawing | None:
    """Read the page; None below its address."""
    if asked.more:
        return None
    return partial(causes_page, await _shown(asked.conn), asked.actor, asked.tag)


async def _shown(conn: Conn) -> ShownCauses:
    return ShownCauses(await newest_causes(conn, MOST_ROWS), await standing_by_confidence(conn))


def causes_page(found: ShownCauses, actor: Actor, tag: list[Component]) -> Component:
    """Return the page."""
    may_write = actor.role.includes(WRITE_CAUSES)
    return html.Div(
        [
            html.Div([html.H1("Causes"), *tag], className="bar"),
            html.Div(
                [*([_upload_card()] if may_write else []), html.Div(_table(found), id="causes-stored")],
                className="stack",
            ),
        ]
    )


def counts_words(counts: Mapping[Confidence, int]) -> str:
    """Say how many causes stand: "3 causes: 2 stated by the platform, 1 reported"."""
    each = ", ".join(f"{count:,} {confidence}" for confidence, count in counts.items())
    return f"{number(sum(counts.values()), 'cause')}: {each}"


def _table(found: ShownCauses) -> Component:
    if not found.newest:
        return empty_card(
            "Recorded causes",
            "stated by people and documents, never concluded",
            "No cause is recorded. Record one on the page of an account or an order, or import a file.",
        )
    rows: list[tuple[Cell, ...]] = [
        (
            str(one.cause.cause_id),
            _about(one),
            cause_words(one.cause.text),
            words.stamp(one.cause.recorded_at),
            clean(one.cause.recorded_by, 80),
        )
        for one in found.newest
    ]
    return table_card(
        "Recorded causes",
        counts_words(found.counts),
        ("No.", "About", "Cause", "Recorded", "By"),
        rows,
        *not_shown(sum(found.counts.values()), "causes", "The export “causes” has all."),
    )


def _about(one: NamedCause) -> Component:
    subject = one.cause.subject
    if one.platform is None:
        return html.A(f"Order {clean(one.name, 80)}", href=f"/orders/{subject.order_id}", className="under")
    name = html.A(clean(one.name, 80), href=f"/account/{one.account_id}#causes", className="under")
    of = f", change {subject.change_id}" if subject.change_id is not None else ""
    return html.Span([name, f" on {PLATFORM_NAME[one.platform]}{of}"])


def _upload_card() -> Component:
    return html.Div(
        card(
            "Import a file",
            "a CSV table of causes, or a platform's notice to an owner as a forwarded email (.eml)",
            dcc.Upload(
                "Drop a file here, or press to choose one",
                id="causes-file",
                className="drop-zone",
                className_active="drop-zone over",
            ),
            html.Div(id="causes-said", className="said below", role="status"),
            html.P(
                "Columns of a table: kind, said_by, source, stated_on, and platform with handle, or change, "
                "or order. If a line is refused, nothing of the table is stored.",
                className="nothing",
            ),
        ),
        id="import",
    )


def connect_causes_page(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callback of the upload."""
    app.callback(
        Output("causes-said", "children"),
        Output("causes-stored", "children"),
        Input("causes-file", "contents"),
        State("causes-file", "filename"),
        prevent_initial_call=True,
    )(partial(_uploaded, process))


async def _uploaded(process: WebProcess, contents: object, name: object) -> tuple[Any, Any]:
    """Record what a file says; what became of it, and the table with it."""
    actor = access.acting()
    access.require(actor, WRITE_CAUSES)
    access.require_scope(actor, Scope.WRITE)
    if not isinstance(contents, str) or not contents:
        return no_update, no_update
    called = clean(name, _LONGEST_FILE_NAME) if isinstance(name, str) and name.strip() else "file"
    try:
        content = b64decode(contents.partition(",")[2])
    except ValueError:
        return _refused("The file did not arrive whole. Upload it again."), no_update
    if len(content) > LARGEST:
        return _refused(f"The file has {len(content):,} bytes; the limit is {LARGEST:,}."), no_update
    record = record_notice if called.lower().endswith(".eml") else record_table
    try:
        done = await record(process.pool, content, called, actor.name, process.clock())
        async with transaction(process.pool) as conn:
            shown = await _shown(conn)
    except (TableError, StorageError) as error:
        return _refused(str(error)), no_update
    return import_outcome(called, done), _table(shown)


def import_outcome(name: str, done: CauseImport) -> Component:
    """What became of a file, in words."""
    if done.problems:
        said = [str(problem) for problem in done.problems[:_MOST_PROBLEMS]]
        if len(done.problems) > _MOST_PROBLEMS:
            said.append(f"Further refused lines: {len(done.problems) - _MOST_PROBLEMS:,}.")
        return _refused("Nothing was stored.", *said)
    new = sum(one.recorded.is_new for one in done.causes)
    before = len(done.causes) - new
    again = f" Recorded before: {before:,}." if before else ""
    unused = f" Columns that are not used: {', '.join(done.ignored)}." if done.ignored else ""
    return html.P(f"Recorded from {name}: {number(new, 'cause')}.{again}{unused}", className="verdict")


def _refused(*sentences: str) -> Component:
    return html.Div([html.P(sentence) for sentence in sentences], className="refused", role="alert")

"""The part of a form that takes the names of an order: pasted or uploaded, and checked line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.settings import DashboardSettings
from dashboard.names.table import ShownCheck, check_table
from dashboard.ui.cards import card, td
from dashboard.ui.inputs import FieldFault, choice_field, long_field, text_field
from storage.accounts.name_checks import open_check
from storage.model.core.accounts import Platform
from storage.model.orders.pasted_names import AsideLine, check_lines_of
from storage.model.platforms.registry import USUAL_PLATFORM
from storage.model.tables.name_check import CheckLine
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.units import number
from storage.postgres.pool import Conn

LARGEST = 2_000_000
"""Characters of the names that are pasted: about 30,000 lines."""
MOST_ASIDE = 300
"""Lines without a name that are shown."""
_PASTED = "pasted names"

VALUES = (
    ("order-names", "value"),
    ("order-names-platform", "value"),
    ("order-names-source", "value"),
)
"""The component and the property of each value, in the order of `NamesForm`."""


@dataclass(frozen=True, slots=True)
class NamesForm:
    """The names as they are filled in."""

    text: str | None = ""
    platform: str | None = None
    source: str | None = ""

    @property
    def is_empty(self) -> bool:
        return not (self.text or "").strip()

    @property
    def digest(self) -> str:
        """By which a check is recognised as that of these names."""
        return sha256(repr((self.text, self.platform, self.source)).encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class ReadNames:
    """The names in the text of a form, and its lines that hold no name."""

    lines: Sequence[CheckLine]
    source: str
    platform: Platform | None
    aside: Sequence[AsideLine]
    repeated: int
    """How many repeated names were left out."""


async def read_names(form: NamesForm) -> ReadNames:
    """Read the text of a form in a thread. Call it without a connection, because a long text takes seconds.

    Raises FieldFault, or TableError for a text without names.
    """
    text = form.text or ""
    if len(text) > LARGEST:
        raise FieldFault(f"Names: the text has {len(text):,} characters. The limit is {LARGEST:,}.")
    if form.is_empty:
        raise FieldFault("Names is empty.")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise FieldFault("Names: the text contains a character that is not allowed.")
    platform = Platform(form.platform) if form.platform in list(Platform) else None
    source = " ".join((form.source or "").split())[:200] or _PASTED
    lines, aside, repeated = await off_loop(check_lines_of, text, source, platform)
    return ReadNames(lines, source, platform, aside, repeated)


async def check_names(
    conn: Conn, read: ReadNames, settings: DashboardSettings, actor: str, now: datetime
) -> int:
    """Store a check of the names, and return its number."""
    lines, source, platform = read.lines, read.source, read.platform
    return await open_check(conn, lines, source, platform, settings.platforms, actor, now)


def names_form_card(title: str, note: str, *actions: Component) -> Component:
    """Return the card with the field of the names, and the place of the check's result below it."""
    platforms = [{"label": PLATFORM_NAME[p], "value": p.value} for p in Platform]
    return card(
        title,
        note,
        html.Div(
            [
                long_field(
                    "order-names",
                    "Names",
                    "",
                    "As they stand in the document: handles, ids, addresses of profiles or posts. Page "
                    "numbers, bullets and headings are set aside, and names that a line end cuts are put "
                    "together.",
                    rows=10,
                ),
                html.Div(
                    [
                        dcc.Upload(
                            "Drop a list of names here, or press to choose one",
                            id="order-names-file",
                            className="drop-zone",
                            className_active="drop-zone over",
                        ),
                        html.P(id="order-names-file-said", className="said", role="status"),
                    ],
                    className="field",
                ),
                choice_field(
                    "order-names-platform",
                    "Platform of plain handles",
                    platforms,
                    USUAL_PLATFORM.value,
                    "Of a handle such as @name, where nothing beside it says the platform.",
                    searchable=False,
                ),
                text_field(
                    "order-names-source", "Source of the names", "", "Optional, such as: the Gazette, page 4."
                ),
            ],
            className="order-fields",
        ),
        html.Div(
            [
                html.Button("Check the names", id="order-names-check", type="button", className="button"),
                *actions,
                html.Div(id="order-names-said", className="said", role="status"),
            ],
            className="actions",
        ),
        dcc.Store(id="order-check"),
        html.Div(id="order-names-result"),
    )


def checked_names(shown: ShownCheck, read: ReadNames) -> Component:
    """Return a check line by line, with the lines that hold no name below."""
    return html.Div([check_table(shown, may_choose=False), *_aside(read)], className="names-result")


def _aside(read: ReadNames) -> list[Component]:
    said: list[Component] = []
    if read.repeated:
        said.append(
            html.P(f"Named again, and counted once: {number(read.repeated, 'name')}.", className="nothing")
        )
    if not read.aside:
        return said
    rows = [
        html.Tr(
            [
                html.Th(f"Line {line.line:,}", scope="row"),
                td(html.Span(clean(line.words, 200), className="quoted"), "As written"),
                td(line.reason.value, "Reason"),
            ]
        )
        for line in read.aside[:MOST_ASIDE]
    ]
    more = len(read.aside) - MOST_ASIDE
    table = html.Table(
        [html.Thead(html.Tr([html.Th("Line"), html.Th("As written"), html.Th("Reason")])), html.Tbody(rows)],
        className="labelled",
    )
    title = f"{number(len(read.aside), 'line')} without a name"
    left = [html.P(f"{more:,} more are not shown.", className="not-said")] if more > 0 else []
    folded = [html.Summary(title), html.Div(table, className="table-scroll narrow"), *left]
    return [*said, html.Details(folded, className="fold-form")]

"""The table of a name check: one row per name, which is current while platforms are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_ag_grid  # pyright: ignore[reportMissingTypeStubs]
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.process import WebProcess
from storage.accounts.name_checks import NameCheck, lines_of, name_check, open_check
from storage.model.core.accounts import Platform
from storage.model.tables.name_check import CheckedLine, LineStatus, check_lines, counts
from storage.model.text.states import PLATFORM_NAME, capital, clean
from storage.model.text.units import number
from storage.postgres.pool import Conn, transaction
from storage.work.workers import HEARD_WITHIN, database_now, heard_of

GRID, TICK, SEEN, SUMMARY, NEW = "names-grid", "names-tick", "names-seen", "names-summary", "names-new"
EVERY_MS = 2_000
"""How often a short table looks for answers while names wait."""
NO_WORKER = "Names wait, because no process with the role collect is running. Start one with “blockline run”."
_HEADERS = {
    "line": "Line",
    "words": "As written",
    "platform": "Platform",
    "status": "Result",
    "what": "Account",
}
_WITH_POSTS = {**_HEADERS, "what": "Account or post"}


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """A name check as read for a page."""

    check: NameCheck
    lines: Sequence[CheckedLine]
    waits_because: str
    """Why no platform is asked just now, as a sentence; empty if nothing is in the way."""


async def open_text_check(
    process: WebProcess, text: str, source: str, platform: Platform | None, actor: str
) -> int:
    """Store a check of the names in a text, and return its number. `source` and `platform` are as in
    `NameCheck`. Raises TableError and StorageError, with sentences.
    """
    lines = await off_loop(check_lines, text, source, platform)
    async with transaction(process.pool) as conn:
        read = process.settings.platforms
        return await open_check(conn, lines, source, platform, read, actor, process.clock())


async def read_check(conn: Conn, check_id: int) -> ShownCheck | None:
    """Read a check with its lines; None if there is none of that number."""
    check = await name_check(conn, check_id)
    if check is None:
        return None
    return ShownCheck(check, await lines_of(conn, check_id), await waits_because(conn))


async def waits_because(conn: Conn) -> str:
    """Say why names are not looked up just now; empty if a process is there that does it."""
    return "" if await heard_of(conn, await database_now(conn) - HEARD_WITHIN) else NO_WORKER


def check_table(shown: ShownCheck, *, may_choose: bool = True) -> Component:
    """The table of a check, with its counts above. A page shows one check at most.

    Lines that mean an account can be chosen, and all of them are. The chosen rows are the property
    `selectedRows` of the component `GRID`; `id` of a row is the position of its line. Without `may_choose`,
    the table only shows the lines.
    """
    rows = [row_of(line) for line in shown.lines]
    headers = _WITH_POSTS if any(line.is_post for line in shown.lines) else _HEADERS
    grid = dash_ag_grid.AgGrid(
        id=GRID,
        columnDefs=[_column(field, header) for field, header in headers.items()],
        rowData=rows,
        selectedRows=[row for row in rows if row["may"]] if may_choose else [],
        getRowId="params.data.id",
        columnSize="responsiveSizeToFit",
        dashGridOptions={
            **(_CHOOSING if may_choose else _SHOWING),
            "domLayout": "autoHeight" if len(rows) <= _SHORT else "normal",
            "ensureDomOrder": True,
            "enableCellTextSelection": True,
            "animateRows": False,
            "suppressDragLeaveHidesColumns": True,
            "theme": {"function": "blocklineTheme(agGrid)"},
        },
        className="names-grid",
        style={"height": None if len(rows) <= _SHORT else "60vh"},
    )
    return html.Div(
        [
            html.Div(summary(shown.lines, shown.waits_because), id=SUMMARY, role="status"),
            grid,
            dcc.Store(id=SEEN, data={"check": shown.check.check_id, "open": still_open(shown.lines)}),
            dcc.Store(id=NEW),
            dcc.Interval(
                id=TICK, interval=every_ms(len(rows)), disabled=not any(line.is_open for line in shown.lines)
            ),
        ],
        className="names",
    )


def every_ms(lines: int) -> int:
    """Return how often a table with this many lines looks for answers.

    Each look reads all lines. With 20,000, one every two seconds would leave little time for other pages.
    """
    return max(EVERY_MS, lines)


_CHOOSING: Mapping[str, Any] = {
    "rowSelection": {
        "mode": "multiRow",
        "checkboxes": True,
        "headerCheckbox": True,
        "hideDisabledCheckboxes": True,
        "selectAll": "filtered",
        "isRowSelectable": {"function": "params.data.may"},
    }
}
_SHOWING: Mapping[str, Any] = {"suppressCellFocus": True, "suppressHeaderFocus": True}
"""Else Tab goes through all cells, and from the last header to none."""
_SHORT = 30
"""Rows up to which the table is as high as they are."""


def _column(field: str, header: str) -> dict[str, Any]:
    wide = field in {"words", "what"}
    return {
        "field": field,
        "headerName": header,
        "minWidth": 300 if field == "what" else 120 if wide else 70,
        "flex": 3 if field == "what" else 1 if wide else None,
        "width": 80 if field == "line" else 130,
        "wrapText": True,
        "autoHeight": wide or field == "status",
        "tooltipField": field if wide else None,
        "suppressHeaderMenuButton": True,
        "filter": field == "status",
    }


def row_of(line: CheckedLine) -> dict[str, Any]:
    """The row of a line: plain text, which the grid never takes for markup."""
    return {
        "id": str(line.position),
        "line": line.said.line,
        "words": clean(line.said.words, 200),
        "platform": "" if line.said.platform is None else PLATFORM_NAME[line.said.platform],
        "status": capital(line.status.value),
        "what": f"{line.words.removesuffix('.')}. Done: {line.done}." if line.done else line.words,
        "may": line.found is not None,
    }


def still_open(lines: Sequence[CheckedLine]) -> dict[str, str]:
    """The rows of which an answer is still to come, each with when its platform was last asked.

    The next look compares: what became of a line may be stored later than that of one asked after it.
    """
    return {
        str(line.position): "" if line.asked_at is None else line.asked_at.isoformat()
        for line in lines
        if line.is_open
    }


def summary(lines: Sequence[CheckedLine], why: str) -> list[Component]:
    """How many names have which result, and what the reader waits for."""
    counted: Mapping[LineStatus, int] = counts(lines)
    parts = ", ".join(f"{n:,} {status.value}" for status, n in counted.items())
    posts = sum(line.is_post for line in lines)
    among = f" Posts among them: {posts:,}." if posts else ""
    said: list[Component] = [
        html.P(f"{capital(number(len(lines), 'name'))}: {parts}.{among}", className="verdict")
    ]
    waiting = sum(line.is_open for line in lines)
    if waiting:
        asking = (
            why or f"{capital(number(waiting, 'name'))} still to be answered. Answers appear as they arrive."
        )
        said.append(html.P(asking, className="nothing"))
    return said

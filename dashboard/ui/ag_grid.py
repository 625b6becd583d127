"""AG Grid, as dash-ag-grid brings it: its script of a megabyte is fetched only where a table needs it.

Dash's own component copies every row and every selection back into Dash, which at 10,000 rows takes longer
than drawing them. So it is shown empty and out of sight, hands the library to a script of ours, and that one
makes the grid. No expression is evaluated but the call of one registered function.
"""

import re

import dash_ag_grid  # pyright: ignore[reportMissingTypeStubs]
from dash import html
from dash.development.base_component import Component

_TAG = re.compile(r'<script src="(/_dash-component-suites/dash_ag_grid/dash_ag_grid\.[^"]*)"></script>\n?')


def on_demand(scripts: str) -> tuple[str, str]:
    """The script tags of a document without AG Grid's; and the address in it, for who needs the grid."""
    (tag,) = _TAG.finditer(scripts)
    return scripts.replace(tag[0], ""), tag[1]


def grid_library() -> Component:
    """Hands AG Grid to the function `blocklineTakeGrid`, once it is there."""
    source = dash_ag_grid.AgGrid(
        id="grid-source",
        columnDefs=[],
        dashGridOptions={"theme": {"function": "blocklineTakeGrid(agGrid)"}},
    )
    return html.Div(source, hidden=True)

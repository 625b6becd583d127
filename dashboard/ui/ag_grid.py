# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""AG Grid, as dash-ag-grid brings it: its script of a megabyte is fetched only where a table needs it.

Dash's own component copies every row and every selection back into Dash, which at 10,000 rows takes longer
than drawing them. So it is shown empty and out of sight, hands the library to a script of ours, and that one
makes the grid. No expression is evaluated but the call of one registered function.
"""

from pathlib import Path
from typing import Any

import dash_ag_grid
from dash import html
from dash.development.base_component import Component
from dash.fingerprint import build_fingerprint

_SCRIPT = "dash_ag_grid.min.js"


def on_demand() -> str:
    """Take the script out of the document of every Dash app; returns its address, for who needs the grid."""
    resources: list[dict[str, Any]] = dash_ag_grid._js_dist  # pyright: ignore[reportPrivateUsage]
    for resource in resources:
        if resource["relative_package_path"] == _SCRIPT:
            resource["dynamic"] = True
    changed = int((Path(dash_ag_grid.__file__).parent / _SCRIPT).stat().st_mtime)
    name = build_fingerprint(_SCRIPT, dash_ag_grid.__version__, changed)
    return f"/_dash-component-suites/dash_ag_grid/{name}"


def grid_library() -> Component:
    """Hands AG Grid to the function `blocklineTakeGrid`, once it is there."""
    source = dash_ag_grid.AgGrid(
        id="grid-source",
        columnDefs=[],
        dashGridOptions={"theme": {"function": "blocklineTakeGrid(agGrid)"}},
    )
    return html.Div(source, hidden=True)

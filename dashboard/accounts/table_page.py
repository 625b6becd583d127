"""All accounts: the frame of the table, which a script fills, since only it can hold 10,000 rows."""

from dash import html
from dash.development.base_component import Component

from dashboard.ui.ag_grid import grid_library
from storage.model.core.people import Actor, Role


def accounts_page(actor: Actor, tag: list[Component]) -> Component:
    may_edit = {"data-edit": "yes"} if actor.role.includes(Role.ANALYST) else {}
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Accounts"),
                    *tag,
                    html.Span("", id="accounts-count", className="muted", role="status"),
                    html.Span(className="grow"),
                    html.A("Lists", href="/accounts/lists", className="button"),
                    *(
                        [html.A("Add accounts", href="/accounts/add", className="button primary")]
                        if may_edit
                        else []
                    ),
                ],
                className="bar",
            ),
            html.Div(
                [
                    html.P(id="accounts-behind", className="ac-behind", role="status", hidden=True),
                    html.Div(id="accounts-tools"),
                    html.Div(id="accounts-bulk"),
                    html.Div(html.Div(className="skeleton"), id="accounts-grid"),
                ],
                className="card accounts",
                **may_edit,  # pyright: ignore[reportArgumentType]  # a wildcard attribute
            ),
            grid_library(),
        ]
    )

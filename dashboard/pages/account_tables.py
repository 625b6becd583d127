"""The exact tables of one account: its changes, its gaps, its handles. They hold what the figure shows."""

from dash import html
from dash.development.base_component import Component

from dashboard import words
from storage.model.coverage import Gap
from storage.reports import LiveChange
from storage.reports_account import AccountDetail


def changes_table(account: AccountDetail) -> list[Component]:
    return [
        html.Div(
            [
                html.H2("Changes"),
                html.Span("each lies between two readings; both are kept", className="faint"),
            ],
            className="card-head",
        ),
        html.Div(
            html.Table(
                [
                    html.Thead(
                        html.Tr(
                            [
                                html.Th("Change"),
                                html.Th("From"),
                                html.Th("To"),
                                html.Th("Last reading of the old"),
                                html.Th("First reading of the new"),
                                html.Th("Window", className="n"),
                                html.Th("Outcome"),
                                html.Th("Recorded"),
                            ]
                        )
                    ),
                    html.Tbody([_row(c) for c in account.changes]),
                ]
            ),
            className="table-scroll",
        ),
    ]


def _row(change: LiveChange) -> Component:
    window = "–" if change.last_seen_old is None else words.span(change.first_seen_new - change.last_seen_old)
    return html.Tr(
        [
            html.Td(words.KIND_NAME[change.kind]),
            html.Td(words.state(change.old) if change.old else "–"),
            html.Td(words.state(change.new)),
            html.Td(words.exact(change.last_seen_old) if change.last_seen_old else "none"),
            html.Td(words.exact(change.first_seen_new)),
            html.Td(window, className="n"),
            html.Td(_outcome(change)),
            html.Td(words.stamp(change.recorded_at)),
        ]
    )


def _outcome(change: LiveChange) -> list[Component | str]:
    if change.outcome is None:
        return [
            html.Span("provisional", className="chip"),
            html.Small(f"{words.readings(change.readings)} so far, no mail yet"),
        ]
    head: Component | str = (
        "confirmed" if change.outcome == "confirmed" else html.Span("not confirmed", className="chip")
    )
    why = words.reason(change.reason or "", change.readings)
    mailed = (
        [html.Small(html.A("mailed", href=f"/mail/{change.mail_id}", className="under"))]
        if change.mail_id
        else []
    )
    when = f" {words.stamp(change.decided_at)}" if change.decided_at else ""
    return [head, when, html.Small(why), *mailed]


def gaps_card(gaps: tuple[Gap, ...]) -> list[Component]:
    if not gaps:
        return []
    return [
        html.Div(
            [
                html.Div(
                    [html.H2("Not checked"), html.Span("no reading, so no statement", className="faint")],
                    className="card-head",
                ),
                html.Div(
                    html.Table(
                        [
                            html.Thead(
                                html.Tr(
                                    [
                                        html.Th("Last reading before"),
                                        html.Th("First reading after"),
                                        html.Th("Length", className="n"),
                                    ]
                                )
                            ),
                            html.Tbody(
                                [
                                    html.Tr(
                                        [
                                            html.Td(words.exact(g.since)),
                                            html.Td(words.exact(g.until)),
                                            html.Td(words.span(g.until - g.since), className="n"),
                                        ]
                                    )
                                    for g in reversed(gaps)
                                    if g.until is not None
                                ]
                            ),
                        ]
                    ),
                    className="table-scroll",
                ),
            ],
            className="card narrow",
        )
    ]


def renames_card(account: AccountDetail) -> list[Component]:
    if not account.renames:
        return []
    return [
        html.Div(
            [
                html.Div(
                    [html.H2("Handles"), html.Span("the account's id stayed the same", className="faint")],
                    className="card-head",
                ),
                html.Div(
                    html.Table(
                        [
                            html.Thead(html.Tr([html.Th("Old"), html.Th("New"), html.Th("Changed")])),
                            html.Tbody(
                                [
                                    html.Tr(
                                        [
                                            html.Td(f"@{r.old}"),
                                            html.Td(f"@{r.new}"),
                                            html.Td(words.between(r.last_seen_old, r.first_seen_new)),
                                        ]
                                    )
                                    for r in account.renames
                                ]
                            ),
                        ]
                    ),
                    className="table-scroll",
                ),
            ],
            className="card narrow",
        )
    ]

"""Cards: a heading with its note, and below it a table, other content, or a sentence that there is none.

A table stacks on a narrow screen, where each cell says its column's name.
"""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.ui.terms import plain

Cell = Component | str

MOST_ROWS = 100
"""Rows that a table of a page shows where there may be thousands."""

NOTHING = "–"
"""A cell of which there is nothing to say. The card of a narrow screen leaves it out."""

NO_SUCH_PAGE = "There is no such page."

Content = str | Component | Sequence[str | Component]


def missing_page(what: str) -> Component:
    """For an address that leads nowhere."""
    return html.Div(
        html.Div(
            [
                html.H2("Page not found"),
                html.P(what),
                html.P(html.A("Back to the live page", href="/", className="under")),
            ],
            className="card empty",
        ),
        className="page-top",
    )


def away_page(why: str) -> Component:
    """For a page that cannot be read just now. The page's script asks again as soon as it hears anything."""
    return html.Div(
        html.Div(
            [
                html.H2("No answer just now"),
                html.P(why),
                html.P("This page tries again by itself. No figure is shown until it is known."),
            ],
            className="card empty away",
            role="status",
        ),
        className="page-top",
    )


def table_card(
    title: str,
    note: str,
    columns: tuple[str | Component, ...],
    rows: list[tuple[Cell, ...]],
    *below: Component,
    above: Component | None = None,
) -> Component:
    """A card with one table; on a narrow screen each cell follows its column's name.

    A column is a word, or a `term` of the glossary.
    """
    head = html.Thead(html.Tr([html.Th(c) for c in columns]))
    body = [
        html.Tr(
            [
                td(cell, column, "none" if cell == NOTHING else "")
                for column, cell in zip(columns, row, strict=True)
            ]
        )
        for row in rows
    ]
    return html.Div(
        [
            html.Div([html.H2(title), html.Span(note, className="faint")], className="card-head"),
            *([above] if above is not None else []),
            html.Table([head, html.Tbody(body)], className="labelled"),
            *below,
        ],
        className="card narrow",
    )


def not_shown(count: int, of: str, *where: Cell) -> list[Component]:
    """The sentence below a table of the newest `MOST_ROWS` of `count`; nothing if it shows them all. `of` is
    a plural in s.

    `where` says what has the others.
    """
    left = count - MOST_ROWS
    if left <= 0:
        return []
    rest = [" ", *where] if where else []
    them = f"1 older {of.removesuffix('s')} is" if left == 1 else f"{left:,} older {of} are"
    return [html.P([f"{them} not shown.", *rest], className="not-said")]


def empty_card(
    title: str, note: str, sentence: str, *below: Component, above: Component | None = None
) -> Component:
    """The same card when its table would have no row."""
    return html.Div(
        [
            html.Div([html.H2(title), html.Span(note, className="faint")], className="card-head"),
            *([above] if above is not None else []),
            html.P(sentence, className="nothing"),
            *below,
        ],
        className="card narrow",
    )


def card(title: str, note: str, *content: Component) -> Component:
    """A card with its heading; `note` stands beside it."""
    return html.Section(
        [html.Div([html.H2(title), html.Span(note, className="faint")], className="card-head"), *content],
        className="card",
    )


def facts_list(facts: Sequence[tuple[str, str | Component, str | Component]]) -> Component:
    """Facts side by side: the name of each, what it is, and a note or nothing."""
    return html.Dl(
        [
            html.Div([html.Dt(name), html.Dd(value), *([html.Dd(note)] if note else [])])
            for name, value, note in facts
        ],
        className="facts",
    )


def td(content: Content, label: str | Component, look: str = "") -> Component:
    """A cell of the column called `label`."""
    named = {"data-label": plain(label)}
    return html.Td(content, className=look, **named)  # pyright: ignore[reportArgumentType]  # a wildcard attribute

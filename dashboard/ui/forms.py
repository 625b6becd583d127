"""The forms of the Alerts page: plain HTML that posts to `/api/alerts`."""

from typing import Any
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from dashboard.ui.form_input import LONGEST_NOTE

DURATION_OR_END = "Duration or end"
"""The label of the field with the end of a mute or of a maintenance window."""
START = "From"
"""The label of the field with its start."""


def form(
    act: str,
    fields: list[Component],
    label: str,
    back: str = "/alerts",
    sends: tuple[str, str] | None = None,
) -> Component:
    """A form that does one thing. `sends` is a field, by name and value, that goes with its button."""
    named: dict[str, Any] = {"name": sends[0], "value": sends[1]} if sends is not None else {}
    return html.Form(
        [*fields, html.Button(label, type="submit", className="button", **named)],
        action=f"/api/alerts/{act}?back={quote(back)}",
        method="post",
        className="form",
    )


def line(name: str, label: str, hint: str = "", *, required: bool = False, value: str = "") -> Component:
    """A field for one line of text; `value` is what is in it at first."""
    wild: dict[str, Any] = {"data-line": ""}
    return html.Label(
        [
            html.Span(label),
            html.Textarea(
                value or None,
                name=name,
                rows=1,
                placeholder=hint,
                required=required,
                maxLength=LONGEST_NOTE,
                spellCheck="false",
                **wild,
            ),
        ]
    )


def file_field(name: str, label: str, most: int) -> Component:
    """A field for one file of at most `most` bytes. Dash has none for a form; the pages' script makes it."""
    place: dict[str, Any] = {"data-file": name, "data-most": str(most)}
    return html.Label([html.Span(label), html.Span(**place)])


def choice(name: str, label: str, options: dict[str, str], chosen: str) -> Component:
    """A field with a few values, by value and words."""
    return html.Label(
        [
            html.Span(label),
            html.Select(
                [html.Option(text, value=value, selected=value == chosen) for value, text in options.items()],
                name=name,
                className="select",
            ),
        ]
    )

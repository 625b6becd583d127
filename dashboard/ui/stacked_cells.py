"""Cells of tables that stack on a narrow screen, where each says its column's name."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

Content = str | Component | Sequence[str | Component]


def td(content: Content, label: str, look: str = "") -> Component:
    """A cell of the column called `label`."""
    named = {"data-label": label}
    return html.Td(content, className=look, **named)  # pyright: ignore[reportArgumentType]  # a wildcard attribute

"""Cards with tables: what a narrow screen shows of a row."""

from typing import Any

from dash import html

from dashboard.ui.cards import NOTHING, table_card


def test_a_cell_of_which_there_is_nothing_to_say_is_marked_for_narrow_screens() -> None:
    """The card of a phone leaves it out, and a zero or a word stays."""
    row = (NOTHING, "0", html.Div(NOTHING))
    card: Any = table_card("Emails", "newest first", ("Error", "Attempts", "Rule"), [row])
    table: Any = card.children[-1]
    (line,) = table.children[1].children
    assert [cell.className for cell in line.children] == ["none", "", ""]

"""The page that says what each rule would do with the newest group of an incident, and why."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.ui.cards import empty_card, table_card
from storage.model.alerts.group_explanation import (
    GroupExplanation,
    RuleOutcome,
    decided_words,
    group_words,
    match_outcome_words,
    would_notify_words,
)
from storage.model.text.states import clean

RULES = "rules"
"""The last part of the address of the page."""
_TITLE = "What would each rule do?"


def rules_page(key: str, subject: str, found: GroupExplanation | None, tag: list[Component]) -> Component:
    """Return the page. `found` is None if no group of the incident was sent."""
    shown = _card(found) if found is not None else empty_card(_TITLE, "", "No group of it was sent yet.")
    return html.Div(
        [
            html.Div(
                [
                    html.A("Incidents", href="/incidents", className="under"),
                    html.Span("/", className="faint"),
                    html.A(subject, href=f"/incidents/{key}", className="under"),
                    html.Span("/", className="faint"),
                    html.Span("Rules"),
                    *tag,
                ],
                className="bar",
            ),
            html.Div(shown, className="stack incident"),
        ]
    )


def _card(found: GroupExplanation) -> Component:
    if not found.rules:
        return empty_card(_TITLE, "", "There are no alert rules yet.")
    return table_card(
        _TITLE,
        group_words(found),
        ("Rule", "Now", "Would notify", "Decision then"),
        [_row(one) for one in found.rules],
    )


def _row(outcome: RuleOutcome) -> tuple[Component | str, ...]:
    return (
        clean(outcome.rule, 80),
        _lines(match_outcome_words(outcome)),
        would_notify_words(outcome),
        _lines(decided_words(outcome)),
    )


def _lines(said: Sequence[str]) -> Component:
    first, *rest = said
    return html.Div([first, *(html.Small(one) for one in rest)])

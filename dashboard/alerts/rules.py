"""The alert rules as a table, each with the text that it is edited as."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.auth import access
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.forms import SAMPLE, form, text
from storage.model.alerts.conditions import UnreadableRule
from storage.model.alerts.rule_toml import toml_of
from storage.model.alerts.rule_words import absent_words, manner_words, match_words
from storage.model.alerts.rules import AbsentNames, StoredRule
from storage.model.core.people import Actor
from storage.model.text.states import capital, clean


def rules_card(
    rules: Sequence[StoredRule], unreadable: Sequence[UnreadableRule], absent: AbsentNames, actor: Actor
) -> Component:
    may = actor.role.includes(access.RULES)
    below = [_add()] if may else []
    note = "applied from first to last; each recipient is notified by the first rule that matches"
    if not rules and not unreadable:
        return empty_card("Rules", note, "No rules, so no alerts are sent. Add a rule.", *below)
    rows = [*(_row(r, absent, may=may) for r in rules), *(_unreadable_row(r, may=may) for r in unreadable)]
    columns = ("Rule", "Matches", "Recipients", "Delivery", "Status")
    return table_card("Rules", note, columns, rows, *below)


def _row(stored: StoredRule, absent: AbsentNames, *, may: bool) -> tuple[Cell, ...]:
    rule = stored.rule
    return (
        html.Div([html.B(clean(rule.name, 80)), *(_edit(stored) if may else [])]),
        html.Div(
            [
                match_words(rule.match),
                *(html.Small(f"{capital(said)}.") for said in absent_words(rule.match, absent)),
            ]
        ),
        html.Div([html.Div(clean(r, 120)) for r in rule.recipients] or "none"),
        html.Div([html.Div(words) for words in manner_words(rule)]),
        _stands(stored, may=may),
    )


def _unreadable_row(rule: UnreadableRule, *, may: bool) -> tuple[Cell, ...]:
    removable = may and not rule.from_settings
    return (
        html.B(clean(rule.name, 80)),
        clean(f"cannot be read: {rule.why}", 300),
        "none",
        "",
        form("rules/remove", [], "Remove rule", sends=("rule", rule.name)) if removable else "",
    )


def _stands(stored: StoredRule, *, may: bool) -> Component:
    switch = html.Span(
        "On" if stored.enabled else "Off", className=f"switch {'on' if stored.enabled else 'off'}"
    )
    if stored.from_settings:
        return html.Div([switch, html.Small("from the settings; change it there")])
    if not may:
        return html.Div([switch, html.Small("added on this page or by command")])
    act, label = ("rules/disable", "Switch off") if stored.enabled else ("rules/enable", "Switch on")
    return html.Div(
        [
            switch,
            html.Small("added on this page or by command"),
            form(act, [], label, sends=("rule", stored.rule.name)),
        ]
    )


def _edit(stored: StoredRule) -> list[Component]:
    """The text of the rule: to change when it was made by hand, else to read."""
    content = toml_of(stored.rule)
    if stored.from_settings:
        return [
            html.Details(
                [html.Summary("View as text"), html.Pre(content, className="mail-text")], className="fold"
            )
        ]
    return [
        html.Details(
            [
                html.Summary("Edit"),
                form("rules", [text("toml", "Rule (a new name creates another rule)", content)], "Save"),
                form("rules/remove", [], "Remove rule", sends=("rule", stored.rule.name)),
            ],
            className="fold",
        )
    ]


def _add() -> Component:
    return html.Details(
        [
            html.Summary("Add a rule"),
            html.Div(
                form(
                    "rules",
                    [text("toml", "Rule as TOML, as written below [[rules]] in the settings", SAMPLE)],
                    "Add",
                ),
                className="forms",
            ),
        ],
    )

"""The alert rules as a table, each with the link to its page."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.alerts.rule_page import NEW, rule_address
from dashboard.auth import access
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.forms import form
from storage.model.alerts.conditions import UnreadableRule
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
    by_hand = [r for r in rules if not r.from_settings]
    rows = [
        *(_row(r, absent, may=may, is_first=r in by_hand[:1], is_last=r in by_hand[-1:]) for r in rules),
        *(_unreadable_row(r, may=may) for r in unreadable),
    ]
    columns = ("Rule", "Matches", "Recipients", "Delivery", "Status", *(("Order",) if may else ()))
    return table_card("Rules", note, columns, rows, *below)


def _row(
    stored: StoredRule, absent: AbsentNames, *, may: bool, is_first: bool, is_last: bool
) -> tuple[Cell, ...]:
    rule = stored.rule
    return (
        html.A(html.B(clean(rule.name, 80)), href=rule_address(stored.rule_id), className="under"),
        html.Div(
            [
                match_words(rule.match),
                *(html.Small(f"{capital(said)}.") for said in absent_words(rule.match, absent)),
            ]
        ),
        html.Div([html.Div(clean(r, 120)) for r in rule.recipients] or "none"),
        html.Div([html.Div(words) for words in manner_words(rule)]),
        _stands(stored, may=may),
        *((_order(stored, is_first=is_first, is_last=is_last),) if may else ()),
    )


def _unreadable_row(rule: UnreadableRule, *, may: bool) -> tuple[Cell, ...]:
    removable = may and not rule.from_settings
    return (
        html.B(clean(rule.name, 80)),
        clean(f"cannot be read: {rule.why}", 300),
        "none",
        "",
        form("rules/remove", [], "Remove rule", sends=("rule", rule.name)) if removable else "",
        *(("",) if may else ()),
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


def _order(stored: StoredRule, *, is_first: bool, is_last: bool) -> Cell:
    """The buttons that move a rule. Those of the settings stay first, in the order of the settings."""
    name = stored.rule.name
    moves = [("rules/up", "Move up", is_first), ("rules/down", "Move down", is_last)]
    shown = [form(act, [], label, sends=("rule", name)) for act, label, is_there in moves if not is_there]
    return html.Div(shown) if shown and not stored.from_settings else ""


def _add() -> Component:
    return html.Div(html.A("New rule", href=f"/alerts/rules/{NEW}", className="button"), className="actions")

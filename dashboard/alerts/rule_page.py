"""The page of one alert rule: what it does in a sentence, its form, its text, and a preview on the past."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.alerts.rule_form import RuleChoices, RuleForm, rule_fields, sentences_of, text_of
from dashboard.auth import access
from dashboard.ui import words
from dashboard.ui.cards import card
from dashboard.ui.inputs import text_field
from storage.alerts.rules import absent_names, load_rules, names_for_rules
from storage.model.alerts.rule_preview import PREVIEW_LIMITS, PreviewedGroup, RulePreview, preview_words
from storage.model.alerts.rule_toml import toml_of
from storage.model.alerts.rule_words import absent_words
from storage.model.alerts.rules import AbsentNames, AlertRule, StoredRule, is_channel, is_recipient
from storage.model.alerts.silenced_rules import silenced_by, silenced_words
from storage.model.core.people import Actor
from storage.model.text.states import capital, clean
from storage.model.text.units import number
from storage.postgres.pool import Conn

NEW = "new"
"""The last part of the address of the page of a new rule."""


@dataclass(frozen=True, slots=True)
class RulePage:
    """What the page of a rule shows."""

    stored: StoredRule | None
    """None: a new rule."""
    rule: AlertRule
    """The rule that the form shows first."""
    choices: RuleChoices
    absent: AbsentNames
    is_first: bool
    is_last: bool
    silenced: Sequence[str] = ()
    """Names of the earlier rules because of which it never notifies anybody."""


async def read_rule_page(conn: Conn, rule_id: int | None, copied: int | None = None) -> RulePage | None:
    """Read what the page shows. `rule_id` None is a new rule, filled in like rule `copied`, if that is one.

    None means that there is no such rule, or that it cannot be read.
    """
    known = await load_rules(conn)
    names = await names_for_rules(conn)
    choices = RuleChoices(names.lists, names.orders, names.archived)
    wanted = copied if rule_id is None else rule_id
    found = next((s for s in known if s.rule_id == wanted), None)
    if found is None:
        return None if rule_id is not None else RulePage(None, _EMPTY, choices, AbsentNames(), True, True)
    absent = await absent_names(conn, [found.rule])
    if rule_id is None:
        name = copy_name(found.rule.name, {s.rule.name for s in known})
        return RulePage(None, replace(found.rule, name=name), choices, absent, True, True)
    by_hand = [s.rule_id for s in known if not s.from_settings]
    silenced = [clean(one.rule.name, 80) for one in silenced_by(found, known)]
    ends = by_hand[:1] == [found.rule_id], by_hand[-1:] == [found.rule_id]
    return RulePage(found, found.rule, choices, absent, *ends, silenced)


_EMPTY = replace(AlertRule(()), name="New rule")


def copy_name(name: str, taken: set[str]) -> str:
    """Return a free name for a copy of a rule: "Desk (copy)", "Desk (copy 2)"."""
    numbered = [name[:65] + " (copy)", *(f"{name[:65]} (copy {n})" for n in range(2, len(taken) + 3))]
    return next(one for one in numbered if one not in taken)


def rule_page(found: RulePage, actor: Actor, tag: list[Component]) -> Component:
    """Return the page. Who may not change rules sees it without the buttons."""
    stored = found.stored
    may = actor.role.includes(access.RULES)
    editable = may and (stored is None or not stored.from_settings)
    form = RuleForm.of(found.rule) if stored is not None or found.rule is not _EMPTY else _blank()
    return html.Div(
        [
            html.Div(
                [
                    html.A("Alerts", href="/alerts", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("New rule" if stored is None else f"Rule {clean(stored.rule.name, 80)}"),
                    *tag,
                ],
                className="bar",
            ),
            html.Div(
                [
                    dcc.Store(id="rule-id", data=None if stored is None else stored.rule_id),
                    dcc.Store(id="rule-shown", data=None if stored is None else toml_of(stored.rule)),
                    *([_state_card(stored, found, may=may)] if stored is not None else []),
                    _form_card(found, form, editable=editable),
                    *([_preview_card(), _test_card(actor)] if may else []),
                    _text_card(form, editable=editable),
                ],
                className="stack alerts order-form rule-form",
            ),
        ],
        key=f"rule {NEW if stored is None else stored.rule_id}",
    )


def _blank() -> RuleForm:
    return replace(RuleForm.of(_EMPTY), name="")


def _state_card(stored: StoredRule, found: RulePage, *, may: bool) -> Component:
    switch = html.Div(switch_words(enabled=stored.enabled), id="rule-switched", role="status")
    if stored.from_settings:
        where = html.P("This rule is set in the settings. Change it there; this page only shows it.")
        more = [_duplicate(stored)] if may else []
        return card(
            "Status",
            "rules of the settings are tried first",
            html.Div([switch, where, *more], className="rule-state"),
        )
    if not may:
        return card("Status", "only an admin can change rules", html.Div([switch], className="rule-state"))
    return card(
        "Status",
        "rules are tried from first to last; each recipient is notified by the first that matches",
        html.Div(
            [
                switch,
                _button("Switch off" if stored.enabled else "Switch on", "rule-switch"),
                _button("Move up", "rule-up", disabled=found.is_first),
                _button("Move down", "rule-down", disabled=found.is_last),
                _duplicate(stored),
                html.Details(
                    [
                        html.Summary("Remove"),
                        html.P("Its past decisions and emails stay."),
                        _button("Remove this rule", "rule-remove"),
                    ],
                    className="fold",
                ),
                html.Div(id="rule-state-said", className="said", role="status"),
            ],
            className="rule-state",
        ),
    )


def switch_words(*, enabled: bool) -> Component:
    """Whether a rule is on, as the page says it."""
    return html.Span(
        "On" if enabled else "Off: it sends nothing", className=f"switch {'on' if enabled else 'off'}"
    )


def _button(label: str, name: str, *, disabled: bool = False) -> Component:
    return html.Button(label, id=name, type="button", className="button", disabled=disabled)


def _duplicate(stored: StoredRule) -> Component:
    return html.A("Duplicate", href=f"/alerts/rules/{NEW}?copy={stored.rule_id}", className="button")


def _form_card(found: RulePage, form: RuleForm, *, editable: bool) -> Component:
    fields = rule_fields(form, found.choices, is_new=found.stored is None)
    button = "Save the new rule" if found.stored is None else "Save"
    absent = [
        html.P(capital(said) if said.endswith("?") else f"{capital(said)}.", className="amber")
        for said in absent_words(found.rule.match, found.absent, found.choices.lists, found.choices.orders)
    ]
    if found.silenced:
        absent.append(html.P(silenced_words(found.silenced), className="amber"))
    return card(
        "What it does",
        "changes with each field",
        html.P(sentences_of(form), id="rule-sentence", className="rule-sentence"),
        *absent,
        html.Fieldset(fields, disabled=not editable),
        html.Div(
            [
                *(
                    [html.Button(button, id="rule-save", type="button", className="button primary")]
                    if editable
                    else []
                ),
                html.Div(id="rule-save-said", className="said", role="status"),
            ],
            className="actions",
        ),
    )


def _text_card(form: RuleForm, *, editable: bool) -> Component:
    note = "the same rule, as below [[rules]] in a settings file"
    area = dcc.Textarea(
        id="rule-toml", value=text_of(form) or "", rows=10, spellCheck=False, readOnly=not editable
    )
    read = html.Button("Read this text into the form", id="rule-toml-read", type="button", className="button")
    return card(
        "As text",
        note,
        html.Div(
            html.Label(
                [
                    html.Span("Rule as TOML"),
                    area,
                    html.Small("Each change of a field writes this text again.") if editable else "",
                ],
                className="field long",
            ),
            className="order-fields",
        ),
        html.Div(
            [*([read] if editable else []), html.Div(id="rule-toml-said", className="said", role="status")],
            className="actions",
        ),
    )


def _preview_card() -> Component:
    return card(
        "On the past",
        "nothing is sent and nothing is stored",
        html.Div(
            [
                _button("Count what it would have sent", "rule-preview"),
                html.Div(id="rule-preview-said", className="said", role="status"),
            ],
            className="actions",
        ),
    )


def preview_content(preview: RulePreview) -> Component:
    """The result of a preview: the sentence, and the largest groups."""
    shown = [html.Li(_group_line(one)) for one in preview.largest if one.count]
    title = "The largest group:" if len(shown) == 1 else f"The {number(len(shown), 'largest group')}:"
    return html.Div(
        [
            html.P(preview_words(preview), className="rule-sentence"),
            *([html.P(title), html.Ol(shown)] if shown else []),
            html.Small(PREVIEW_LIMITS),
        ]
    )


def _group_line(one: PreviewedGroup) -> list[Component | str]:
    left = one.count.total - len(one.handles)
    names = ", ".join(f"@{clean(handle, 60)}" for handle in one.handles)
    more = f" and {number(left, 'other')}" if left else ""
    return [
        html.B(clean(one.headline, 200)),
        html.Div([words.stamp(one.at), f", {one.count.words()}: {names}{more}"]),
    ]


def _test_card(actor: Actor) -> Component:
    mine = actor.name if is_recipient(actor.name) and not is_channel(actor.name) else ""
    return card(
        "Test email",
        "about the newest changes that it matches, marked as a test; it need not be saved for that",
        html.Div(
            text_field("rule-test-to", "Your address", mine, "Such as you@example.org.", inputMode="email"),
            className="order-fields",
        ),
        html.Div(
            [
                _button("Send a test email to me", "rule-test"),
                html.Div(id="rule-test-said", className="said", role="status"),
            ],
            className="actions",
        ),
    )


def rule_address(rule_id: int) -> str:
    """The address of a rule's page."""
    return f"/alerts/rules/{quote(str(rule_id))}"

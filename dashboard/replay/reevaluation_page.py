"""The page on which stored readings are re-evaluated with other rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.auth import access
from dashboard.replay.reevaluation import RUN_EXPIRED, ReevaluationRun, ReevaluationRuns, address
from dashboard.replay.reevaluation_form import in_force
from dashboard.replay.reevaluation_result_page import differences, outcome, scope
from dashboard.ui import words
from dashboard.ui.alert_words import actor_words
from dashboard.ui.forms import choice
from storage.alerts.rules import load_rules
from storage.export.exports import list_names
from storage.model.alerts.rules import StoredRule
from storage.model.core.people import Actor
from storage.model.text.states import clean
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class ReevaluationPage:
    """What the page shows."""

    lists: Sequence[str]
    rules: Sequence[StoredRule]
    thresholds: str
    run: ReevaluationRun | None
    """The run asked for; the newest if none is asked for."""
    spent: str
    others: Sequence[ReevaluationRun]
    is_gone: bool
    """Whether a run was asked for that is no longer kept."""


async def read_reevaluation_page(
    conn: Conn, runs: ReevaluationRuns, query: Mapping[str, str]
) -> ReevaluationPage:
    key = query.get("run")
    is_new = key == "" or (key is None and not query.keys().isdisjoint(("from", "to", "list")))
    newest = None if is_new else next(iter(runs.kept), None)
    run = runs.of(key) if key else newest
    return ReevaluationPage(
        await list_names(conn),
        await load_rules(conn),
        runs.decider.thresholds,
        run,
        "" if run is None else words.span(runs.spent(run)),
        [r for r in runs.kept if r is not run],
        bool(key) and run is None,
    )


def reevaluation_page(
    known: ReevaluationPage, query: Mapping[str, str], actor: Actor, tag: list[Component]
) -> Component:
    may = actor.role.includes(access.REEVALUATE)
    body = (
        _body(known, query) if may else [html.P(_NOT_YOURS.format(role=actor.role.value), className="muted")]
    )
    return html.Div(
        [
            html.Div(
                [
                    html.A("Replay", href="/replay", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("Re-evaluate"),
                    *tag,
                    html.Span("What if other rules had applied?", className="muted"),
                ],
                className="bar",
            ),
            html.Div(body, className="stack decide"),
        ]
    )


_NOT_YOURS = "Re-evaluation needs the role analyst. Your role is {role}."
_ABOUT = (
    "Blockline evaluates the stored readings of a period again: detection, confirmation and alert rules. It "
    "stores nothing and sends nothing. Only stored readings count. With other thresholds, Blockline would "
    "have made other re-reads, which are not stored. If you leave the alert rules unchanged, the rules in "
    "force at each moment apply. If you change one rule, all rules below apply to the whole period."
)


def _body(known: ReevaluationPage, query: Mapping[str, str]) -> list[Component]:
    run = known.run
    return [
        *([html.P(RUN_EXPIRED, className="refused")] if known.is_gone else []),
        *([_progress(run, known.spent)] if run is not None else []),
        *(outcome(run.answer.summary) if run is not None and run.answer is not None else []),
        _form(known, query),
        *(differences(run.answer, run.key) if run is not None and run.answer is not None else []),
        *_others(known.others),
    ]


def _form(known: ReevaluationPage, query: Mapping[str, str]) -> Component:
    """The form, filled from the run shown, else from the address, else with the rules in force."""
    run = known.run
    written = "\n".join(in_force(known.thresholds, known.rules)) if run is None else run.text
    since = query.get("from", "") if run is None else _field(run.asked.since)
    until = query.get("to", "") if run is None else _field(run.asked.until)
    chosen = query.get("list", "") if run is None else run.asked.list_name or ""
    lists = {"": "All accounts", **{name: clean(name, 80) for name in known.lists}}
    if chosen not in lists:
        lists[chosen] = clean(chosen, 80)
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Rules and period"),
                    *(
                        [html.A("Reset to rules in force", href=address(""), className="under")]
                        if run
                        else []
                    ),
                ],
                className="card-head",
            ),
            html.P(_ABOUT, className="nothing"),
            html.Form(
                [
                    _line("from", "From (UTC)", since, "first reading"),
                    _line("to", "Until (UTC)", until, "last reading"),
                    choice("list", "Accounts", lists, chosen),
                    _rules(written),
                    html.Button("Re-evaluate", type="submit", className="button primary"),
                ],
                action="/api/replay/rules",
                method="post",
                className="form",
                key=f"{run.key if run else ''} {dict(query)}",
            ),
        ],
        className="card",
    )


def _line(name: str, label: str, value: str, empty: str) -> Component:
    wild: dict[str, Any] = {"data-line": ""}
    return html.Label(
        [
            html.Span(label),
            html.Textarea(value, name=name, rows=1, placeholder=empty, spellCheck="false", **wild),
        ]
    )


def _rules(written: str) -> Component:
    return html.Label(
        [
            html.Span("Rules as TOML: thresholds under [confirmation], alert rules under [[rules]]"),
            html.Textarea(
                written,
                name="rules",
                rows=min(24, max(10, written.count("\n") + 2)),
                spellCheck="false",
                className="mono",
            ),
        ]
    )


def _progress(run: ReevaluationRun, spent: str) -> Component:
    """The progress of a run. While it is not over, the page reloads it by itself."""
    asked = f"Started by {actor_words(run.actor)} {words.stamp(run.at)}"
    if run.took is None:
        wild: dict[str, Any] = {"data-unfinished": ""}
        return html.Div(
            [
                html.P(
                    ["Re-evaluating … ", html.Span(f"for {spent} so far")], className="verdict", role="status"
                ),
                html.P(
                    f"{asked}. This page updates by itself. You can leave it and come back.",
                    className="nothing",
                ),
                html.Form(
                    [html.Button("Stop", type="submit", className="button", name="run", value=run.key)],
                    action="/api/replay/rules/stop",
                    method="post",
                    className="form",
                ),
            ],
            className="card standing",
            **wild,
        )
    if run.why_not is not None:
        return html.Div(
            [
                html.P(run.why_not, className="verdict bad", role="status"),
                html.P(f"{asked}.", className="nothing"),
            ],
            className="card standing",
        )
    on = "" if run.answer is None else scope(run.answer.summary, run.asked.list_name)
    return html.P(f"{asked}, took {spent}. {on}", className="muted", role="status")


def _others(others: Sequence[ReevaluationRun]) -> list[Component]:
    if not others:
        return []
    named: dict[str, Any] = {"aria-label": "Earlier results"}
    links = [
        html.A(f"{words.stamp(run.at)} by {actor_words(run.actor)}", href=address(run.key)) for run in others
    ]
    return [html.Nav([html.Span("Earlier results", className="muted"), *links], className="filters", **named)]


def _field(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S").removesuffix(":00")

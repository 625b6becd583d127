"""The page on which other rules are written, and the stored readings are decided on by them again."""

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
    """What the page tells."""

    lists: Sequence[str]
    rules: Sequence[StoredRule]
    thresholds: str
    run: ReevaluationRun | None
    """The one that is asked for; the newest, when nothing is."""
    spent: str
    others: Sequence[ReevaluationRun]
    is_gone: bool
    """One was asked for that is not kept."""


async def read_reevaluation_page(
    conn: Conn, runs: ReevaluationRuns, query: Mapping[str, str]
) -> ReevaluationPage:
    key = query.get("run")
    anew = key == "" or (key is None and not query.keys().isdisjoint(("from", "to", "list")))
    newest = None if anew else next(iter(runs.kept), None)
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
                    html.H1("Decide again"),
                    *tag,
                    html.Span("what other rules would have confirmed and told", className="muted"),
                ],
                className="bar",
            ),
            html.Div(body, className="stack decide"),
        ]
    )


_NOT_YOURS = "Deciding again takes the role of analyst, and you have that of {role}."
_ABOUT = (
    "The stored readings of a time go once more through detection, confirmation and alert rules. Nothing is "
    "written, and nobody is told. It decides on the readings that there are: other thresholds would have "
    "asked for others. Alert rules that you leave as they stand are those of each moment; if you change one, "
    "all of them are taken as if they had always been there."
)


def _body(known: ReevaluationPage, query: Mapping[str, str]) -> list[Component]:
    run = known.run
    return [
        *([html.P(RUN_EXPIRED, className="refused")] if known.is_gone else []),
        *([_standing(run, known.spent)] if run is not None else []),
        *(outcome(run.answer.summary) if run is not None and run.answer is not None else []),
        _form(known, query),
        *(differences(run.answer, run.key) if run is not None and run.answer is not None else []),
        *_others(known.others),
    ]


def _form(known: ReevaluationPage, query: Mapping[str, str]) -> Component:
    """What was asked last, else what the address says, else everything by the rules in force."""
    run = known.run
    written = "\n".join(in_force(known.thresholds, known.rules)) if run is None else run.text
    since = query.get("from", "") if run is None else _field(run.asked.since)
    until = query.get("to", "") if run is None else _field(run.asked.until)
    chosen = query.get("list", "") if run is None else run.asked.list_name or ""
    lists = {"": "all accounts", **{name: clean(name, 80) for name in known.lists}}
    if chosen not in lists:
        lists[chosen] = clean(chosen, 80)
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Ask"),
                    html.Span("by which rules, and of which time", className="faint"),
                    *(
                        [html.A("Begin with the rules in force", href=address(""), className="under")]
                        if run
                        else []
                    ),
                ],
                className="card-head",
            ),
            html.P(_ABOUT, className="nothing"),
            html.Form(
                [
                    _line("from", "From (UTC)", since, "the first reading"),
                    _line("to", "Until, without it (UTC)", until, "the last reading"),
                    choice("list", "Tell of", lists, chosen),
                    _rules(written),
                    html.Button("Decide again", type="submit", className="button primary"),
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
            html.Span("Rules, as TOML: thresholds under [confirmation], alert rules under [[rules]]"),
            html.Textarea(
                written,
                name="rules",
                rows=min(24, max(10, written.count("\n") + 2)),
                spellCheck="false",
                className="mono",
            ),
        ]
    )


def _standing(run: ReevaluationRun, spent: str) -> Component:
    """How far it has come. While it is not over, the page asks again by itself."""
    asked = f"Asked by {actor_words(run.actor)} {words.stamp(run.at)}"
    if run.took is None:
        wild: dict[str, Any] = {"data-unfinished": ""}
        return html.Div(
            [
                html.P(["Deciding … ", html.Span(f"for {spent} now")], className="verdict", role="status"),
                html.P(
                    f"{asked}. This page goes on by itself; you may leave it and come back.",
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
    return html.P(f"{asked}, decided in {spent}. {on}", className="muted", role="status")


def _others(others: Sequence[ReevaluationRun]) -> list[Component]:
    if not others:
        return []
    named: dict[str, Any] = {"aria-label": "Asked before"}
    links = [
        html.A(f"{words.stamp(run.at)} by {actor_words(run.actor)}", href=address(run.key)) for run in others
    ]
    return [html.Nav([html.Span("Asked before", className="muted"), *links], className="filters", **named)]


def _field(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S").removesuffix(":00")

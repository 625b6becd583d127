"""Health: whether each collector reads, whether its control accounts look right, and what is silent."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.health import words as health_words
from dashboard.health.collectors import (
    CollectorHealth,
    collector_status,
    controls,
    detector_name,
    since,
    worst_first,
)
from dashboard.health.facts import HealthFacts
from dashboard.health.planning_cards import planning_cards
from dashboard.health.reading_cards import (
    budget_card,
    controls_card,
    lateness_cards,
    left_cards,
    reading_card,
)
from dashboard.health.system_cards import database_cards, listener_card, maintenance_card, outbox_cards
from dashboard.health.worker_cards import worker_cards
from dashboard.ui import words
from dashboard.ui.cards import table_card
from dashboard.ui.terms import term
from storage.health.collectors_report import CollectorReport, Disagreement, SilentCountry
from storage.model.alerts.alerts import MailState
from storage.model.alerts.conditions import KnownCondition
from storage.model.core.accounts import Platform
from storage.model.core.late import LATE_SWEEPS
from storage.model.core.people import Actor
from storage.model.platforms.registry import DECLARED
from storage.model.text.collectors import to_do, why_words
from storage.model.text.side_facts import seen_as_words
from storage.model.text.states import PLATFORM_NAME, capital, clean
from storage.model.text.units import number

ROWS = 50
"""Servers shown one by one; of more, only those with an issue, the worst first."""


_MAIL = {
    MailState.QUEUED: "waiting",
    MailState.SENT: "sent",
    MailState.DEAD: "failed permanently",
    MailState.MERGED: "merged into a later email",
}


def health_page(
    facts: HealthFacts,
    process: WebProcess,
    actor: Actor,
    late_after: timedelta,
    tag: list[Component],
) -> Component:
    now = facts.at
    found = worst_first(facts.detectors, now, late_after)
    head = html.Div(
        [
            html.H1("Health"),
            *tag,
            html.Span("Status of collectors, workers, database and outbox", className="muted"),
            html.Span(className="grow"),
            html.A(
                "Sizing", href="/plan", className="button", title="Estimate what more accounts would need"
            ),
        ],
        className="bar",
    )
    cards = [
        html.Div(
            html.Div(html.P(lead_sentence(facts, found)), className="sentences"),
            className="card sentences-page",
        ),
        *_conditions(facts.conditions),
        *(_sources(facts, found) if found else [_empty(), *worker_cards(facts)]),
    ]
    cards += [
        *outbox_cards(facts, process, actor),
        *database_cards(facts, process),
        listener_card(process),
        maintenance_card(facts),
    ]
    return html.Div([head, html.Div(cards, className="stack alerts")])


def lead_sentence(facts: HealthFacts, found: Sequence[tuple[CollectorHealth, CollectorReport]]) -> str:
    """Say how the collectors stand, the worst first, and "all" only where each gave answers. `found` has the
    worst first.
    """
    if facts.conditions:
        first = min(facts.conditions, key=lambda k: k.condition.since).condition
        return f"{number(len(facts.conditions), 'open issue')}. The oldest: {first.sentence}."
    if not found:
        return "Nothing was requested yet, so nothing is known of the platforms."
    bad = [detector for health, detector in found if health is not CollectorHealth.WORKS]
    if bad:
        health, worst = found[0]
        status, _ = collector_status(worst, health)
        of = f"{len(bad):,} of {number(len(found), 'collector')}"
        return f"Not reading: {of}. The worst: {detector_name(worst)} ({status.lower()})."
    newest = max(d.last_answered_at for _, d in found if d.last_answered_at is not None)
    late = health_words.counted(facts.lateness, lambda one: one.later_than(LATE_SWEEPS))
    late_words = f" Late: {late.words()}." if late else ""
    return f"Reading: {number(len(found), 'collector')}. Newest answer: {words.stamp(newest)}.{late_words}"


def _sources(facts: HealthFacts, found: list[tuple[CollectorHealth, CollectorReport]]) -> list[Component]:
    """What is read, how much and how late."""
    now = facts.at
    servers = [f for f in found if DECLARED[f[1].platform].is_one_server(f[1].place)]
    kept = (
        servers if len(servers) <= ROWS else [f for f in servers if f[0] is not CollectorHealth.WORKS][:ROWS]
    )
    shown = [f for f in found if f not in servers or f in kept]
    return [
        *_todos(shown, {k.condition.to_do for k in facts.conditions}),
        _detectors(shown, found, now),
        *worker_cards(facts),
        reading_card(facts),
        budget_card(facts),
        *left_cards(facts),
        *lateness_cards(facts),
        *planning_cards(facts),
        controls_card(facts),
        *_silent(facts.silent, now),
        *_disagreements(facts.disagreements),
    ]


def _empty() -> Component:
    return html.Div(
        [
            html.H2("No requests yet"),
            html.P("A collector appears here with its first request. Start reading with:"),
            html.P(html.Code("blockline run")),
        ],
        className="card empty",
    )


def _conditions(found: Sequence[KnownCondition]) -> list[Component]:
    """Issues of the monitor itself, and whether an email about each was sent."""
    if not found:
        return []
    left = f"; {len(found) - ROWS:,} more" if len(found) > ROWS else ""
    return [
        table_card(
            "Open issues",
            f"problems of Blockline itself, for its operators{left}",
            ("Issue", "Since", "What to do", "Email"),
            [
                (
                    html.Div([k.condition.sentence, *_small(k.condition.detail)]),
                    words.stamp(k.condition.since),
                    k.condition.to_do,
                    _email(k),
                )
                for k in found[:ROWS]
            ],
        )
    ]


def _small(detail: str) -> list[Component]:
    return [html.Small(f"“{clean(detail, 200)}”")] if detail else []


def _email(known: KnownCondition) -> Component | str:
    """The state of the email about it, as far as it is known."""
    if known.told_at is None or known.mail_state is None:
        return "not written yet"
    return html.A(
        f"written {words.stamp(known.told_at)}: {_MAIL[known.mail_state]}", href=f"/mail/{known.mail_id}"
    )


def _todos(found: list[tuple[CollectorHealth, CollectorReport]], shown_above: set[str]) -> list[Component]:
    """What a person can do, once for each platform and reason."""
    stopped = [d for c, d in found if c in {CollectorHealth.STOPPED, CollectorHealth.HELD}]
    reasons = dict.fromkeys((d.platform, _reason(d)) for d in stopped)
    lines = [
        html.P([html.B(f"{PLATFORM_NAME[platform]}, {why_words(reason)}. "), advice])
        for platform, reason in reasons
        if (advice := to_do(platform, reason)) is not None and advice not in shown_above
    ]
    return [html.Div(lines, className="card notice")] if lines else []


def _reason(detector: CollectorReport) -> str | None:
    return detector.reason if not detector.healthy else "held"


def _detectors(
    shown: list[tuple[CollectorHealth, CollectorReport]],
    found: list[tuple[CollectorHealth, CollectorReport]],
    now: datetime,
) -> Component:
    left = [c for c, d in found if (c, d) not in shown]
    works = left.count(CollectorHealth.WORKS)
    rest = f"; {works:,} more servers OK" if works else ""
    if len(left) > works:
        rest += f"; {len(left) - works:,} more not OK"
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Collectors"),
                    html.Span(
                        ["one per platform, server and ", term("vantage point", "vantage point"), rest],
                        className="faint",
                    ),
                ],
                className="card-head",
            ),
            html.Table(
                [
                    html.Thead(
                        html.Tr(
                            [
                                html.Th(term("collector")),
                                html.Th("Status"),
                                html.Th("Since"),
                                html.Th(term("control account", "Control accounts")),
                                html.Th("Last answer"),
                            ]
                        )
                    ),
                    html.Tbody([_row(d, c, now) for c, d in shown]),
                ],
                className="health",
            ),
        ],
        className="card",
    )


def _row(detector: CollectorReport, found: CollectorHealth, now: datetime) -> Component:
    status, more = collector_status(detector, found)
    began, last = since(detector, found), detector.last_answered_at
    return html.Tr(
        [
            html.Th(detector_name(detector), scope="row"),
            html.Td(
                [html.Span(status, className=f"condition {found.value}"), *map(html.Small, more)],
            ),
            html.Td("–", className="none") if began is None else html.Td(words.stamp(began)),
            html.Td(controls(detector, found)),
            html.Td([words.stamp(last), html.Small(words.ago(last, now))] if last else "never"),
        ]
    )


def _silent(silent: Sequence[SilentCountry], now: datetime) -> list[Component]:
    if not silent:
        return []
    return [
        table_card(
            "Silent countries",
            "the latest answers do not say whether accounts are restricted in these countries",
            ("Country", "Platform", "Last answer"),
            [
                (
                    clean(s.country),
                    PLATFORM_NAME[s.platform],
                    f"{words.stamp(s.last_heard)}, {words.ago(s.last_heard, now)}"
                    if s.last_heard
                    else "never",
                )
                for s in silent
            ],
        )
    ]


def _disagreements(found: Sequence[Disagreement]) -> list[Component]:
    if not found:
        return []
    return [
        table_card(
            "Differences by vantage point",
            "accounts with another status when asked from another vantage point",
            ("Account", term("vantage point"), "Status seen", "First seen"),
            [
                (
                    html.A(
                        f"@{clean(d.account.handle, 120)}",
                        href=f"/account/{d.account.account_id}",
                        className="handle",
                    ),
                    clean(d.fact.observer),
                    capital(seen_as_words(d.fact.value, Platform(d.account.platform))),
                    words.between(d.fact.last_absent, d.fact.first_seen),
                )
                for d in found
            ],
        )
    ]

"""The result of a re-evaluation: what differs, how much, and why."""

import json
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.replay.reevaluation_result import (
    ChangeCase,
    ComparedChange,
    MailCase,
    ReevaluationResult,
    ReevaluationSummary,
)
from dashboard.ui import time_markup, words
from dashboard.ui.cards import table_card
from storage.model.bitemporal.reevaluation import CAUSE_WORDS, EFFECT_WORDS, MAIL_CAUSE_WORDS, Effect
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.model.text.states import capital, clean

SHOWN = 50
"""Rows of a table; the CSV file has all of them."""


def outcome(result: ReevaluationSummary) -> list[Component]:
    """The cards that say how much differs."""
    return [_verdict(result), _facts(result)]


def differences(answer: ReevaluationResult, key: str) -> list[Component]:
    """The cards that list what differs, and why. `key` names the run of the answer."""
    cards: list[Component] = []
    if answer.mails:
        cards += [_by_rule(answer.summary), _mails(answer, key)]
    if answer.changes:
        cards.append(_changes(answer, key))
    return cards


def _verdict(result: ReevaluationSummary) -> Component:
    changes, mails = result.changes_otherwise, result.mails_otherwise
    same = f"{_n(result.changes[Effect.SAME], 'change')} and {_n(result.mails.same, 'email')}"
    if not changes and not mails:
        return html.P(
            [html.B("Difference: zero. "), f"{capital(same)} are the same as stored."],
            className="card verdict outcome",
        )
    parts: list[Component | str] = [
        html.B(f"{_n(changes, 'change')} and {_n(mails, 'email')} would differ. "),
        f"{same} are the same as stored.",
    ]
    if result.unexplained:
        one = result.unexplained == 1
        parts.append(
            f" {result.unexplained:,} of the differences {'has' if one else 'have'} no known cause. "
            f"{'It comes' if one else 'They come'} from a fault of Blockline or of the stored data."
        )
    return html.P(parts, className=f"card verdict outcome{' bad' if result.unexplained else ' other'}")


def _n(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def scope(result: ReevaluationSummary, list_name: str | None) -> str:
    """The readings that were evaluated, and the accounts and posts that are reported."""
    rules = result.alert_rules
    read = f"{_n(result.readings, 'reading')} from {words.stamp(result.since)} to {words.stamp(result.until)}"
    whose = "" if list_name is None else f" on the list {clean(list_name, 80)}"
    by = "those in force at each moment" if rules is None else f"the {len(rules):,} below"
    return f"Evaluated: {read}. Reported: {result.reported.words()}{whose}. Alert rules: {by}."


def _facts(result: ReevaluationSummary) -> Component:
    facts = [
        *((capital(EFFECT_WORDS[e]), f"{n:,}", _NOTES[e]) for e, n in result.changes.items() if e in _NOTES),
        ("More emails", f"{result.mails.would_have_gone:,}", "would have been sent"),
        ("Fewer emails", f"{result.mails.would_not_have_gone:,}", "would not have been sent"),
    ]
    left_out = [
        *([f"{_n(n, 'row')} annulled by a correction"] if (n := result.left_out["annulled"]) else []),
        *([f"{_n(n, 'change')} from imported records"] if (n := result.left_out["imported"]) else []),
    ]
    note = [html.P(f"Left out: {' and '.join(left_out)}.", className="nothing")] if left_out else []
    rows = [html.Div([html.Dt(name), html.Dd(value), html.Dd(more)]) for name, value, more in facts]
    return html.Div([html.Dl(rows, className="facts"), *note], className="card")


_NOTES = {
    Effect.EARLIER: "by an earlier reading",
    Effect.LATER: "by a later reading",
    Effect.NEVER: "stored as confirmed",
    Effect.BESIDES: "not stored as confirmed",
    Effect.OTHERWISE: "in interval, evidence or reason",
}


def _changes(answer: ReevaluationResult, key: str) -> Component:
    columns = ("Account", "Difference", "Change", "As stored", "Re-evaluated", "Cause")
    return _long(
        "Changes that differ",
        columns,
        [_change(c) for c in answer.changes[:SHOWN]],
        answer.summary.changes_otherwise,
        key,
    )


def _change(case: ChangeCase) -> dict[str, object]:
    one = case.told or case.stored
    if one is None:
        raise ValueError(
            f"a change of account {case.account} is neither among the stored changes nor among the "
            "re-evaluated ones"
        )
    when = words.between(one.last_seen_old, one.first_seen_new)
    return {
        "cells": [
            {"text": f"@{clean(case.handle)}", "href": f"/account/{case.account}"},
            {"text": capital(EFFECT_WORDS[case.what])},
            {"text": time_markup.pieces(f"{_state(one.new, case.platform)}, {when}")},
            {"text": time_markup.pieces(_side(case.stored))},
            {"text": time_markup.pieces(_side(case.told))},
            {"text": CAUSE_WORDS[case.cause]},
        ]
    }


def _state(text: str, platform: Platform) -> str:
    status, *countries = text.split()
    return words.state(State(Status(status), tuple(countries)), platform, None)


def _side(side: ComparedChange | None) -> str:
    if side is None:
        return "no change"
    if side.outcome is None or side.reason is None:
        return f"provisional after {words.readings(side.readings)}"
    return (
        f"{side.outcome.replace('_', ' ')} by the reading of {words.exact(side.last_agreeing_at)}: "
        f"{words.reason(side.reason, side.readings)}"
    )


def _by_rule(result: ReevaluationSummary) -> Component:
    return table_card(
        "Emails by rule and recipient",
        "",
        ("Rule", "Recipient", "More", "Fewer"),
        [
            (
                clean(r.rule, 80) if r.rule else "not recorded",
                clean(r.recipient, 120),
                f"{r.would_have_gone:,}",
                f"{r.would_not_have_gone:,}",
            )
            for r in result.mails.by_rule
        ],
    )


def _mails(answer: ReevaluationResult, key: str) -> Component:
    columns = ("Email", "Time", "Recipient", "Rule", "Subject", "Cause")
    return _long(
        "Emails that differ",
        columns,
        [_mail(m) for m in answer.mails[:SHOWN]],
        answer.summary.mails_otherwise,
        key,
    )


def _mail(case: MailCase) -> dict[str, object]:
    return {
        "cells": [
            {"text": "Would not be sent" if case.was_sent else "Would be sent"},
            {"text": time_markup.pieces(words.exact(case.at))},
            {"text": clean(case.recipient, 120)},
            {"text": clean(case.rule, 80) if case.rule else "not recorded"},
            {"text": clean(case.headline, 200), "small": _n(len(case.changes), "change")},
            {"text": MAIL_CAUSE_WORDS[case.cause]},
        ]
    }


def _long(
    title: str, columns: Sequence[str], rows: Sequence[dict[str, object]], total: int, key: str
) -> Component:
    note = f"first {len(rows):,} of {total:,}" if total > len(rows) else f"all {total:,}"
    table = json.dumps({"columns": columns, "rows": rows})
    return html.Div(
        [
            html.Div(
                [
                    html.H2(title),
                    html.Span(note, className="faint"),
                    html.A("Export CSV", href=f"/api/replay/rules/{key}.csv", className="under"),
                ],
                className="card-head",
            ),
            html.Div(
                className="table-scroll narrow",
                **{"data-table": table},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
            ),
        ],
        className="card narrow",
    )

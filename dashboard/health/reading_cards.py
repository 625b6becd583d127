"""The parts of the Health page about readings: how many, how late, within which limits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.health import words as health_words
from dashboard.health.facts import HealthFacts
from dashboard.ui import words
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.terms import term
from dashboard.ui.words import share
from storage.accounts.canaries import Origin
from storage.health.canaries_report import Control
from storage.health.collectors_report import CollectorReport
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.model.core.late import late_after
from storage.model.text.collectors import collector_name
from storage.model.text.states import clean
from storage.model.text.units import either
from storage.readings.lateness_report import LOOKED_AT, LOOKED_BACK, Lateness
from storage.readings.rates_report import Rate, RequestTally

ROWS = 50
LATE_NAMED = 20


def verdict(found: health_words.HealthVerdict) -> Component:
    """What is wrong and what to do; or why that is not known; or OK."""
    if found.unproved:
        return html.P(found.unproved, className="verdict unproved")
    if not found.wrong:
        return html.P("OK", className="verdict")
    return html.P([html.B(f"{found.wrong} "), found.to_do], className="verdict bad")


def reading_card(facts: HealthFacts) -> Component:
    title, note = "Readings", "attempts per account, repeated readings included"
    if not facts.rates:
        return empty_card(title, note, "No requests in the last 24 hours.")
    return table_card(
        title,
        note,
        ("Collector", "Last hour", term("missed", "Missed, last hour"), "Last 24 hours", "Missed, 24 hours"),
        [
            (
                html.B(collector_name(r.platform, "", r.vantage)),
                html.Div([health_words.per_minute(r.hour), html.Small(_counts(r.hour))]),
                _missed(r.hour),
                html.Div([f"{r.day.readings:,} readings", html.Small(f"{r.day.requests:,} requests")]),
                _missed(r.day),
            )
            for r in facts.rates
        ],
        above=verdict(health_words.reading_verdict(facts.rates)),
    )


def _counts(tally: RequestTally) -> str:
    return f"{tally.readings:,} readings from {tally.requests:,} requests"


def _missed(tally: RequestTally) -> Component:
    if not tally.missed:
        return html.Div("none" if tally.requests else "–")
    of = share(tally.missed_in_all, tally.missed_in_all + tally.readings)
    return html.Div([f"{tally.missed_in_all:,}, {of}", *map(html.Small, health_words.missed_words(tally))])


def budget_card(facts: HealthFacts) -> Component:
    """When a platform allowed no more requests; `left_cards` says how many remain."""
    title, note = "Rate limits", "attempts refused because a limit of the platform was reached"
    if not facts.rates:
        return empty_card(title, note, "No requests in the last 24 hours.")
    return table_card(
        title,
        note,
        ("Collector", "Requests, last hour", "Limit reached", "Paused until"),
        [
            (
                html.B(collector_name(r.platform, "", r.vantage)),
                f"{r.hour.requests:,}",
                _limited(r),
                _pauses(r, facts.detectors, facts.at),
            )
            for r in facts.rates
        ],
        above=verdict(health_words.budget_verdict(facts.rates)),
    )


def _limited(rate: Rate) -> str:
    day, hour = health_words.limited(rate.day), health_words.limited(rate.hour)
    if not day:
        return "not in 24 hours"
    return f"{day:,} attempts in 24 hours, {hour:,} in the last hour"


def _pauses(rate: Rate, detectors: Sequence[CollectorReport], now: datetime) -> str:
    """Until when its places are not asked, whatever the reason."""
    until = [
        d.retry_at
        for d in detectors
        if (d.platform, d.vantage) == (rate.platform, rate.vantage)
        and not d.healthy
        and d.retry_at is not None
        and d.retry_at > now
    ]
    if not until:
        return "no pause recorded"
    if len(until) == 1:
        return words.stamp(until[0])
    return f"{len(until):,} servers, the last one until {words.stamp(max(until))}"


def left_cards(facts: HealthFacts) -> list[Component]:
    """What platforms allow all workers with one key or address, as they last stated it."""
    found = health_words.asked_lately(facts.budgets, facts.at)
    if not found:
        return []
    named = f"; {len(found) - ROWS:,} more" if len(found) > ROWS else ""
    return [
        table_card(
            "Requests left",
            f"what the platform still allows per key or address, for all workers together{named}",
            ("Platform", "Key or address", "Left", "Until", "Last request"),
            [
                (
                    html.B(collector_name(b.platform, "", "")),
                    clean(health_words.counted_as(b), 120),
                    *health_words.left(b.budget, facts.at),
                    html.Div([words.stamp(b.taken_at), html.Small(words.ago(b.taken_at, facts.at))]),
                )
                for b in found[:ROWS]
            ],
        )
    ]


def lateness_cards(facts: HealthFacts) -> list[Component]:
    title = "Age of readings"
    what = " and post" if any(one.of_posts for one in facts.lateness) else ""
    note = f"last reading of each watched account{what}; one sweep takes {words.span(facts.sweep_every)}"
    if not facts.lateness:
        return [empty_card(title, note, "No account is watched. Add accounts on the Accounts page.")]
    table = table_card(
        title,
        note,
        (
            "Platform",
            term("sweep", "Within 1 sweep"),
            "Over 1 sweep",
            "Over 2 sweeps",
            "Over 4 sweeps",
            "Not due yet",
            "Oldest",
        ),
        [
            (
                html.Div([html.B(_whose(one)), _bar(one)]),
                _counted(one.within_1, one),
                *(_counted(one.later_than(n), one) for n in (1, 2, 4)),
                f"{one.new:,}",
                _oldest(one, facts),
            )
            for one in facts.lateness
        ],
        above=verdict(health_words.lateness_verdict(facts.lateness, facts.at, facts.sweep_every)),
    )
    return [table, *_late(facts)]


def _whose(one: Lateness) -> str:
    return collector_name(one.platform, "", "") + (", posts" if one.of_posts else "")


def _counted(n: int, of: Lateness) -> Component:
    return html.Div([f"{n:,}", *([html.Small(share(n, of.watched))] if of.watched else [])])


def _bar(one: Lateness) -> Component:
    """The same figures as a picture: each part as wide as its share."""
    parts = zip(
        ("a1", "a2", "a4", "over", "due"),
        (one.within_1, one.within_2, one.within_4, one.older, one.new),
        strict=True,
    )
    hidden: dict[str, Any] = {"aria-hidden": "true"}
    return html.Div(
        [html.I(className=name, style={"flexGrow": str(n)}) for name, n in parts if n],
        className="ages",
        **hidden,
    )


def _oldest(one: Lateness, facts: HealthFacts) -> Component | str:
    if one.older:
        mine = (one.platform, one.of_posts)
        known = [a.last_at for a in facts.late if (a.account.platform, a.is_post) == mine]
        seen = [at for at in known if at is not None]
        if len(known) < one.older or None in known or not seen:
            return f"more than {words.span(4 * facts.sweep_every)} ago"
        return html.Div([words.stamp(min(seen)), html.Small(words.ago(min(seen), facts.at))])
    if one.oldest_at is None:
        return "none yet"
    return html.Div([words.stamp(one.oldest_at), html.Small(words.ago(one.oldest_at, facts.at))])


def _late(facts: HealthFacts) -> list[Component]:
    overdue = health_words.counted(facts.lateness, lambda one: one.older)
    older = overdue.total
    if not facts.late:
        return []
    shown = facts.late[:LATE_NAMED]
    of = f"{len(shown):,} of {older:,}" if older > len(shown) else f"{older:,}"
    among = f", the most overdue of {LOOKED_AT:,} examined" if older > LOOKED_AT else ""
    rows: list[tuple[Cell, ...]] = [
        (
            html.A(
                f"@{clean(one.account.handle, 120)}",
                href=f"/account/{one.account.account_id}",
                className="handle",
            ),
            collector_name(one.account.platform, "", ""),
            f"none in the last {LOOKED_BACK.days} days"
            if one.last_at is None
            else html.Div([words.stamp(one.last_at), html.Small(words.ago(one.last_at, facts.at))]),
        )
        for one in shown
    ]
    return [
        table_card(
            f"Overdue {overdue.kinds}",
            f"{of} not read for four sweeps{among}",
            ("Account or post" if overdue.posts else "Account", "Platform", "Last reading"),
            rows,
        )
    ]


def controls_card(facts: HealthFacts) -> Component:
    title = "Control accounts"
    note = "accounts with a known status, read with the others to distinguish a mass block from an outage"
    found = facts.controls
    if not found:
        return empty_card(
            title,
            note,
            "No control accounts. Without them, Blockline cannot distinguish a mass block from an outage "
            "and does not confirm one. To add some, use the setting "
            f"{either([f'{platform}_canaries' for platform in Platform])}.",
        )
    more = f"; {len(found) - ROWS:,} more" if len(found) > ROWS else ""
    return table_card(
        title,
        f"{note}{more}",
        ("Account", "Read from", "Expected", "Last match", "Status"),
        [_control(c, facts.at, late_after(facts.sweep_every)) for c in found[:ROWS]],
        above=verdict(health_words.controls_verdict(found, facts.at, late_after(facts.sweep_every))),
    )


def _control(one: Control, now: datetime, fresh_for: timedelta) -> tuple[Cell, ...]:
    from_where = "named in the settings" if one.origin is Origin.SETTINGS else "chosen by Blockline"
    return (
        html.Div([html.B(f"@{clean(one.handle, 80)}"), html.Small(from_where)]),
        collector_name(one.platform, one.place, ""),
        _expected(one),
        html.Div([words.stamp(one.seen_at), html.Small(words.ago(one.seen_at, now))])
        if one.seen_at is not None
        else "never",
        f"Retired since {words.stamp(one.retired_at)}, because it no longer had the expected status"
        if one.retired_at is not None
        else f"Unexpected status, first seen {words.stamp(one.doubted_since)}"
        if one.doubts and one.doubted_since is not None
        else "Not seen yet"
        if one.seen_at is None
        else "OK"
        if health_words.is_seen(one, now, fresh_for)
        else "Not read lately",
    )


def _expected(one: Control) -> str:
    """A withheld one is expected to be withheld, wherever that is."""
    if one.expected is Status.WITHHELD:
        return "Withheld"
    return words.state(State(one.expected), one.platform, None)

"""One account: status and since when, its timeline, and below it the exact table of changes."""

from datetime import datetime, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard import words
from dashboard.encode import PLATFORM_NAME
from dashboard.figures import known_until
from dashboard.pages.account_tables import changes_table, gaps_card, renames_card
from storage.model.coverage import Gap
from storage.reports_account import AccountDetail


def account_page(
    account: AccountDetail, graph: Component, now: datetime, gap_after: timedelta, tag: list[Component]
) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.A("Live", href="/", className="under"),
                    html.Span("/", className="faint"),
                    html.Span(f"@{account.handle}"),
                    *tag,
                ],
                className="bar",
            ),
            html.Div(
                [
                    html.Div(
                        [_head(account, now, gap_after), _facts(account, now, gap_after)], className="card"
                    ),
                    html.Div(
                        [
                            html.Div(
                                [
                                    html.H2("Timeline"),
                                    html.Span(
                                        "in UTC; the table below holds the same facts", className="faint"
                                    ),
                                ],
                                className="card-head",
                            ),
                            html.Div(
                                graph,
                                className="figure",
                            ),
                        ],
                        className="card",
                    ),
                    html.Div(changes_table(account), className="card"),
                    *gaps_card(account.seen.gaps),
                    *renames_card(account),
                ],
                className="stack",
            ),
        ]
    )


def missing_page(what: str) -> Component:
    """For an address that leads nowhere."""
    return html.Div(
        html.Div(
            [
                html.H2("Not here"),
                html.P(what),
                html.P(html.A("Back to the live page", href="/", className="under")),
            ],
            className="card empty",
        ),
        className="page-top",
    )


def _head(account: AccountDetail, now: datetime, gap_after: timedelta) -> Component:
    lists = f" · {', '.join(account.lists)}" if account.lists else ""
    current = account.spells[-1] if account.spells else None
    stale = current is not None and known_until(account.seen, now, gap_after) < now
    chips: list[Component] = []
    if current is not None:
        word = words.state(current.state) + (", when last read" if stale else "")
        chips.append(
            html.Span([html.I(className=f"sw-{current.state.status.value}"), word], className="status-chip")
        )
    chips.extend(
        html.Span(
            [html.I(className=f"sw-{c.new.status.value}"), f"{words.state(c.new)}? provisional"],
            className="status-chip provisional",
        )
        for c in account.changes
        if c.outcome is None
    )
    return html.Div(
        [
            html.Div(
                [
                    html.H1(f"@{account.handle}"),
                    html.Div(
                        [
                            f"{PLATFORM_NAME[account.platform]}, id ",
                            html.Span(account.native_id, className="mono"),
                            f"{lists} · watched since {words.day(account.added_at)}",
                        ],
                        className="muted",
                    ),
                ]
            ),
            html.Span(className="grow"),
            *chips,
        ],
        className="account-head",
    )


def _facts(account: AccountDetail, now: datetime, gap_after: timedelta) -> Component:
    current = account.spells[-1] if account.spells else None
    blocked = blocked_for(account, known_until(account.seen, now, gap_after))
    blocks = sum(1 for s in account.spells if s.state.status.is_blocked)
    facts = [
        (
            "Status",
            words.state(current.state) if current else "Not yet confirmed",
            "confirmed" if current else "waiting for a reading that carries the account's data",
        ),
        (
            "Since",
            words.day(current.since) if current else "–",
            words.between(current.onset_after, current.since) if current else "",
        ),
        (
            "Blocked in all",
            words.span(blocked[1]) if blocks else "never seen blocked",
            f"at least {words.span(blocked[0])}, in {blocks} {'spell' if blocks == 1 else 'spells'}"
            if blocks
            else "since it is watched",
        ),
        (
            "Last reading",
            words.clock(account.seen.last) + " UTC" if account.seen.last else "never",
            words.day(account.seen.last) if account.seen.last else "",
        ),
        (
            "Gaps",
            str(len(account.seen.gaps)),
            f"not checked for {words.span(_total(account.seen.gaps))} in all"
            if account.seen.gaps
            else "read all along",
        ),
    ]
    return html.Dl(
        [html.Div([html.Dt(name), html.Dd(value), html.Dd(more)]) for name, value, more in facts],
        className="facts",
    )


def blocked_for(account: AccountDetail, until: datetime) -> tuple[timedelta, timedelta]:
    """How long the account was blocked in all: at least and at most, over its confirmed spells."""
    least = most = timedelta()
    for i, spell in enumerate(account.spells):
        if not spell.state.status.is_blocked:
            continue
        following = account.spells[i + 1] if i + 1 < len(account.spells) else None
        last_seen = (following.onset_after or spell.since) if following else until
        stop = following.since if following else until
        least += max(timedelta(), last_seen - spell.since)
        most += max(timedelta(), stop - (spell.onset_after or spell.since))
    return least, most


def _total(gaps: tuple[Gap, ...]) -> timedelta:
    return sum(((g.until - g.since) for g in gaps if g.until is not None), timedelta())

"""The page of one account: its status in sentences, its timeline, and the exact tables."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.accounts.account_chart import known_until
from dashboard.accounts.account_context import AccountContext
from dashboard.accounts.account_context_cards import (
    author_words,
    facts_card,
    handles_card,
    posts_card,
    vantages_card,
)
from dashboard.accounts.account_history_cards import changes_card, gaps_card, is_cut, superseded_card
from dashboard.accounts.account_words import flags_now, sentences
from dashboard.alerts.decisions import account_decisions
from dashboard.ui import time_markup, words
from dashboard.ui.cards import MOST_ROWS, facts_list
from dashboard.ui.chart_style import without_gaps
from storage.live.account_detail import AccountHistory
from storage.model.core.accounts import Platform
from storage.model.core.coverage import Gap
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME, clean, is_called_blocked


def account_page(
    account: AccountHistory,
    around: AccountContext,
    graph: Component,
    joined: timedelta | None,
    now: datetime,
    gap_after: timedelta,
    tag: list[Component],
    belongs: Component,
    beside: Sequence[Component] = (),
    *,
    may_pack: bool = False,
    may_purge: bool = False,
) -> Component:
    """`joined` is the length below which details are joined in the figure; None if none were.

    `belongs` is the card of what the account belongs to, `beside` those of what is written about it and of
    each look at it. With `may_pack`, each
    change has a link to its evidence pack; with `may_purge`, a button leads to the page that purges it.
    """
    until = status_known_until(account, around, now, gap_after)
    late = until if until < now else None
    return html.Div(
        [
            html.Div(
                [
                    html.A("Accounts", href="/accounts", className="under")
                    if account.watched
                    else html.A("Accounts", href="/accounts?whom=file", className="under"),
                    html.Span("/", className="faint"),
                    html.Span(f"@{clean(account.handle, 120)}"),
                    *tag,
                    *(_purge_button(account.account_id) if may_purge else []),
                ],
                className="bar",
            ),
            html.Div(
                [
                    html.Div(
                        [
                            _head(account, around, until, now),
                            html.Div(
                                [html.P(s) for s in sentences(account, around, late)],
                                className="sentences",
                            ),
                            _facts(account, around, until, now),
                        ],
                        className="card",
                    ),
                    belongs,
                    *posts_card(account, around.posts, now),
                    *vantages_card(account, around.facts, now),
                    html.Div(
                        [
                            html.Div(
                                [
                                    html.H2("Timeline"),
                                    html.Span(f"in UTC; {_tables_hold(account)}", className="faint"),
                                ],
                                className="card-head",
                            ),
                            html.Div(graph, className="figure")
                            if account.spells or account.changes
                            else html.P(
                                f"No reading with the {account.noun}'s data yet.", className="nothing"
                            ),
                            *_joined(account, joined),
                        ],
                        className="card",
                    ),
                    changes_card(account, around, may_pack=may_pack),
                    *account_decisions(around.decided, around.decisions, account.noun),
                    *superseded_card(account),
                    *facts_card(account, around.facts),
                    *gaps_card(account, around),
                    *handles_card(account, around.handles),
                    *beside,
                ],
                className="stack",
            ),
        ]
    )


def _purge_button(account_id: int) -> list[Component]:
    address = f"/account/{account_id}/purge"
    return [html.Span(className="grow"), html.A("Purge …", href=address, className="button")]


def _tables_hold(account: AccountHistory) -> str:
    newest = f"the tables below have the newest {MOST_ROWS} of each"
    return newest if is_cut(account) else "the table below has the same facts"


def _joined(account: AccountHistory, joined: timedelta | None) -> list[Component]:
    """The sentence below a figure that shows less than what was seen."""
    if joined is None:
        return []
    rest = (
        f"The tables have the newest {MOST_ROWS} of each." if is_cut(account) else "The tables have them all."
    )
    return [html.P(f"Details shorter than {words.span(joined)} are joined. {rest}", className="not-said")]


def status_known_until(
    account: AccountHistory, around: AccountContext, now: datetime, gap_after: timedelta
) -> datetime:
    """The time up to which the status is known: now, or the last reading if every attempt since failed."""
    last = account.seen.last
    if last is not None and any(m.since == last for m in around.misses):
        return last
    return known_until(account.seen, now, gap_after)


def _head(account: AccountHistory, around: AccountContext, until: datetime, now: datetime) -> Component:
    platform = Platform(account.platform)
    current = account.spells[-1] if account.spells else None
    chips: list[Component] = []
    if current is not None:
        word = words.state(current.state, platform, flags_now(current, around.facts))
        if until < now:
            word += f", last read {_moment(until, now)}"
        chips.append(
            html.Span(
                [
                    html.I(className=f"sw-{words.drawn_as(current.state, current.flags).value}"),
                    html.Span(word),
                ],
                className="status-chip",
            )
        )
    chips.extend(
        html.Span(
            [
                html.I(className=f"sw-{words.drawn_as(c.new, c.flags).value}"),
                f"{words.state(c.new, platform, c.flags)}? provisional",
            ],
            className="status-chip provisional",
        )
        for c in account.changes
        if c.outcome is None
    )
    return html.Div(
        [
            html.Div(
                [
                    html.H1(f"{'Post ' if account.is_post else ''}@{clean(account.handle, 120)}"),
                    *author_words(around.author),
                    html.Div(
                        [
                            f"{'Post on ' if account.is_post else ''}{PLATFORM_NAME[platform]}, id ",
                            html.Span(account.native_id, className="mono"),
                            f" · {_watch(account)}",
                            *_profile(account, platform),
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


def _profile(account: AccountHistory, platform: Platform) -> list[Component | str]:
    """A link to the account or post on its platform, which may not show it."""
    address = DECLARED[platform].profile_address(account.native_id, account.handle)
    if address is None or not address.startswith(("https://", "http://")):
        return []
    label = f"Open {'the post ' if account.is_post else ''}on {PLATFORM_NAME[platform]}"
    link = html.A(label, href=address, target="_blank", rel="noreferrer", className="under")
    return [" · ", link]


def _moment(at: datetime, now: datetime) -> str:
    """A record may know no more than the day of its looks."""
    return words.stamp(at) if now - at < timedelta(days=1) else words.day(at)


def _watch(account: AccountHistory) -> str:
    """Whether the account is watched, and the sources of one that is only stored."""
    if account.watched:
        return f"watched since {words.day(account.added_at)}"
    records = [s for s in account.sources if words.is_import(s)]
    from_where = f", from {', '.join(records)}" if records else ""
    return f"not watched, stored since {words.day(account.added_at)}{from_where}"


def _facts(account: AccountHistory, around: AccountContext, until: datetime, now: datetime) -> Component:
    current = account.spells[-1] if account.spells else None
    confirmed = "confirmed" if until == now else f"last read {_moment(until, now)}"
    silent = f"; not checked since {_moment(until, now)}" if until < now else ""
    facts: list[tuple[str, str | Component, str | Component]] = [
        (
            "Status",
            words.state(current.state, Platform(account.platform), flags_now(current, around.facts))
            if current
            else "Not yet confirmed",
            confirmed if current else f"awaiting a reading with the {account.noun}'s data",
        ),
        (
            "Since",
            _since(current.onset_after, current.since) if current else "–",
            _window(current.onset_after, current.since) if current else "",
        ),
        ("Time blocked", *_blocked(account, until)),
        ("Last reading", *_last_reading(account, now)),
        (
            "Gaps",
            *_gaps(account, silent),
        ),
    ]
    return facts_list(facts)


def _window(after: datetime | None, since: datetime) -> str:
    return f"first seen {words.stamp(since)}" if after is None else words.between(after, since)


def _gaps(account: AccountHistory, silent: str) -> tuple[str, str]:
    gaps = account.seen.gaps
    if gaps:
        return f"{len(gaps):,}", f"{words.span(_total(gaps))} not checked in total{silent}"
    if account.seen.last is None:
        return "–", "no reading yet"
    return "0", f"no gap between readings{silent}"


def _since(after: datetime | None, before: datetime) -> str:
    return words.day(before) if after else f"on or before {words.day(before)}"


def _last_reading(account: AccountHistory, now: datetime) -> tuple[str | Component, str | Component]:
    last, look = account.seen.last, account.last_look
    mute = f"last attempt {words.day(look.at)}, no conclusive answer" if look and not look.told else ""
    if last is None:
        return "never", mute
    if now - last < timedelta(days=1):
        return time_markup.clock(last), mute or time_markup.day(last)
    return words.day(last), mute or words.ago(last, now)


def _blocked(account: AccountHistory, until: datetime) -> tuple[str, str]:
    blocks = sum(1 for s in account.spells if is_called_blocked(s.state, s.flags))
    if not account.spells and account.seen.last is None:
        return "–", "no reading yet"
    if not blocks:
        return "never seen blocked", "since watching began" if account.watched else "in the stored records"
    least, most = blocked_for(account, until)
    spells = "in one period" if blocks == 1 else f"in {blocks} periods"
    bound = (
        f"at most {words.span(most)}"
        if most is not None
        else "no upper bound, because it was blocked at the first reading"
    )
    if not least:
        return "not known", f"seen in single readings only; {bound}"
    return f"at least {words.span(least)}", f"{bound}, {spells}"


def blocked_for(account: AccountHistory, until: datetime) -> tuple[timedelta, timedelta | None]:
    """How long the account was blocked in all up to `until`, over its confirmed spells: at least and at most.

    At least leaves out what nobody checked. At most is None when no reading bounds it.
    """
    least = timedelta()
    most: timedelta | None = timedelta()
    for i, spell in enumerate(account.spells):
        if not is_called_blocked(spell.state, spell.flags):
            continue
        following = account.spells[i + 1] if i + 1 < len(account.spells) else None
        last_seen = (following.onset_after or spell.since) if following else until
        stop = following.since if following else until
        least += sum((b - a for a, b in without_gaps(spell.since, last_seen, account.seen.gaps)), timedelta())
        if most is not None:
            most = None if spell.onset_after is None else most + max(timedelta(), stop - spell.onset_after)
    return least, most


def _total(gaps: tuple[Gap, ...]) -> timedelta:
    return sum(((g.until - g.since) for g in gaps if g.until is not None), timedelta())

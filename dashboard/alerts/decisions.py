"""What the rules did with each alert, as a table; decisions that differ in the account only share a row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from dashboard.ui import alert_words, words
from dashboard.ui.cards import MOST_ROWS, Cell, empty_card, not_shown, table_card
from storage.alerts.decisions_report import Decided
from storage.model.alerts.alerts import AlertDecision, AlertStage
from storage.model.text.states import capital, change_words, clean
from storage.model.text.target_counts import TargetCount

NAMED = 3
"""Accounts of a group that are named before it is unfolded."""


@dataclass(frozen=True, slots=True)
class DecisionGroup:
    """Decisions that say the same of several accounts."""

    what: str
    decisions: tuple[Decided, ...]

    @property
    def first(self) -> Decided:
        return self.decisions[0]


def group_decisions(decided: Iterable[Decided]) -> list[DecisionGroup]:
    """The decisions in their order, with those together that differ in the account only."""
    found: dict[tuple[object, ...], list[Decided]] = {}
    for d in decided:
        same = (d.stage, d.rule_id, d.decision, d.until, d.decided_at, d.story_key, d.mute_note, d.mail_ids)
        key = (_what(d), *same)
        found.setdefault(key, []).append(d)
    return [DecisionGroup(str(key[0]), tuple(group)) for key, group in found.items()]


def decisions_card(
    decided: Sequence[Decided], title: str, note: str, chosen: AlertDecision | None
) -> Component:
    """The decisions below links that choose one kind of them."""
    if not decided:
        return empty_card(title, note, "No decision of this kind yet.", above=_filters(chosen))
    return table_card(
        title,
        note,
        ("Alert", "Rule", "Decision", "Time", "Emails"),
        [_row(group) for group in group_decisions(decided)],
        above=_filters(chosen),
    )


def account_decisions(decided: Sequence[Decided], count: int, noun: str = "account") -> list[Component]:
    """The block on an account's own page; nothing when none of its changes became an alert.

    `decided` are the newest of `count` decisions.
    """
    if not decided:
        return []
    rows: list[tuple[Cell, ...]] = [
        (
            html.Div([_what(d), html.Small(f"change {d.change_id}")]),
            _rule(d),
            _decision(d),
            words.stamp(d.decided_at or d.created_at),
            _mails(d),
        )
        for d in decided[:MOST_ROWS]
    ]
    return [
        table_card(
            "Alerts",
            f"what each rule did with the changes of this {noun}",
            ("Change", "Rule", "Decision", "Time", "Emails"),
            rows,
            *not_shown(count, "decisions"),
        )
    ]


def _filters(chosen: AlertDecision | None) -> Component:
    """A link for each decision; the chosen one is marked."""
    links = [_filter("All", "/alerts", chosen is None)]
    links += [
        _filter(alert_words.decision_name(d), f"/alerts/decisions/{d.value}", chosen is d)
        for d in AlertDecision
    ]
    return html.Nav(links, className="filters", **{"aria-label": "Decisions"})  # pyright: ignore[reportArgumentType]  # a wildcard


def _filter(name: str, href: str, is_chosen: bool) -> Component:
    return html.A(name, href=href, **({"aria-current": "true"} if is_chosen else {}))  # pyright: ignore[reportArgumentType]  # a wildcard


def _row(group: DecisionGroup) -> tuple[Cell, ...]:
    d = group.first
    return (
        html.Div([_accounts(group.decisions), html.Small(group.what)]),
        _rule(d),
        _decision(d),
        _when(group.decisions),
        _mails(d),
    )


def _what(d: Decided) -> str:
    stage = "" if d.stage is AlertStage.CONFIRMED else f" ({alert_words.STAGE_NAME[d.stage]})"
    return capital(change_words(d.kind, d.old, d.new, d.platform, d.flags)) + stage


def _accounts(decided: Sequence[Decided]) -> Component:
    links = [_account(d) for d in decided]
    if len(links) <= NAMED:
        return html.Div(_listed(links))
    first = ", ".join(_named(d) for d in decided[:NAMED])
    posts = sum(d.is_post for d in decided)
    return html.Details(
        [
            html.Summary([html.B(TargetCount(len(decided) - posts, posts).words()), f" {first} …"]),
            html.Div(_listed(links)),
        ],
        className="fold",
    )


def _listed(links: Sequence[Component]) -> list[Cell]:
    out: list[Cell] = []
    for link in links:
        out += [", ", link] if out else [link]
    return out


def _account(d: Decided) -> Component:
    return html.A(_named(d), href=f"/account/{d.account_id}", className="under")


def _named(d: Decided) -> str:
    return f"@{clean(d.handle, 60)}"


def _rule(d: Decided) -> str:
    return clean(d.rule, 80) if d.rule is not None else "–"


def _decision(d: Decided) -> Component:
    state = "open" if d.decision.is_open else "done" if d.decision.is_sent else "silent"
    until = f", until {words.stamp(d.until)}" if d.until is not None else ""
    note = [html.Small(f"“{clean(d.mute_note, 200)}”")] if d.mute_note else []
    return html.Div(
        [
            html.Span(alert_words.decision_name(d.decision), className=f"decision {state}"),
            html.Small(f"{alert_words.decision_reason(d.decision)}{until}"),
            *note,
        ]
    )


def _when(decided: Sequence[Decided]) -> str:
    times = [d.decided_at or d.created_at for d in decided]
    return words.stamp(max(times))


def _mails(d: Decided) -> Component | str:
    if not d.mail_ids:
        return "–"
    shown = [html.A(f"email {n}", href=f"/mail/{n}", className="under") for n in d.mail_ids[:NAMED]]
    rest = len(d.mail_ids) - len(shown)
    return html.Div([*_listed(shown), *([f" and {rest:,} more"] if rest else [])])

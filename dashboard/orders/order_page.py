"""One order: how far it was followed, in sentences, figures and tables."""

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.asgi.problem_json import API
from dashboard.names.waiting_names import waiting_for
from dashboard.orders import rows
from dashboard.orders import words as order_words
from dashboard.orders.cards import (
    cause_breakdown_card,
    claims_card,
    funnel_card,
    history_card,
    kinds_card,
    names_card,
    order_record_card,
    outside_card,
)
from dashboard.orders.charts import curve_figure, lanes_figure
from dashboard.orders.facts import OrderFigures
from dashboard.ui import words
from dashboard.ui.cards import card, facts_list, td
from dashboard.ui.chart_style import Theme, graph
from storage.model.orders.cohort import CohortMember, by_first_block
from storage.model.text.countries import country_name
from storage.model.text.states import clean
from storage.orders.edit_history import OrderAct

LANES = 40
"""Accounts on one page of lanes."""


def lane_pages(found: OrderFigures) -> int:
    """The number of pages of its lanes."""
    return max(1, -(-len(found.members) // LANES))


def order_page(
    found: OrderFigures,
    acts: Sequence[OrderAct],
    number: int,
    theme: Theme,
    tag: list[Component],
    beside: Sequence[Component] = (),
    *,
    may_write: bool = False,
    may_pack: bool = False,
) -> Component:
    """Return the page of an order with page `number` of its lanes, counted from 1.

    `acts` are what was done to the order, `beside` the cards of what is said about it. With `may_write`, a
    button leads to its forms; with `may_pack`, another to the evidence packs of its accounts.
    """
    order = found.order
    begin, here = order.earliest_issue, f"/orders/{order.order_id}"
    ranked = by_first_block(found.members, begin)
    shown = ranked[(number - 1) * LANES : number * LANES]
    return html.Div(
        [
            html.Div(
                [
                    html.A("Orders", href="/orders", className="under"),
                    html.Span("/", className="faint"),
                    html.Span(clean(order.reference, 80)),
                    *tag,
                    html.Span(className="grow"),
                    *([html.A("Edit", href=f"{here}/edit", className="button primary")] if may_write else []),
                    html.A("Time to restoration", href=f"{here}/restoration", className="button"),
                    html.A("Figures as JSON", href=f"/api/orders/{order.order_id}", className="button"),
                    html.A("Report", href=f"/orders/{order.order_id}/report.html", className="button"),
                    html.A("Report as PDF", href=f"/orders/{order.order_id}/report.pdf", className="button"),
                    *(_packs_button(order.order_id) if may_pack else []),
                ],
                className="bar",
            ),
            html.Div(
                [
                    _head(found),
                    *(
                        html.Div([funnel_card(one), _curve_card(one, theme)], className="order-two")
                        for one in found.sections
                    ),
                    html.Div(
                        [*(kinds_card(one) for one in found.sections), claims_card(found)],
                        className="order-two",
                    ),
                    *(one for section in found.sections for one in cause_breakdown_card(section)),
                    *beside,
                    *outside_card(found),
                    _lanes_card(found, shown, number, theme),
                    *names_card(found.said),
                    order_record_card(found),
                    history_card(acts),
                    *waiting_for(order.order_id, found.said),
                ],
                className="stack order",
            ),
        ]
    )


def _packs_button(order_id: int) -> list[Component]:
    address = f"{API}/orders/{order_id}/evidence-packs"
    return [
        html.A(
            "Evidence packs",
            href=address,
            className="button",
            title="Of every change since the order was issued, of what is on its list",
        )
    ]


def _head(found: OrderFigures) -> Component:
    order = found.order
    late = [] if order.deadline_at is None else [_deadline_chip(found)]
    return html.Div(
        [
            html.Div(
                [
                    html.Div(
                        [
                            html.H1(clean(order.title, 160)),
                            html.P(
                                f"{clean(order.issuer, 120)} · {country_name(order.country)} · "
                                f"{clean(order.legal_basis, 120)}",
                                className="muted",
                            ),
                        ]
                    ),
                    html.Span(className="grow"),
                    *late,
                ],
                className="account-head",
            ),
            html.Div(
                [*_sentences(found), *_not_matched(found)],
                className="sentences",
            ),
            _facts(found),
        ],
        className="card",
    )


def _sentences(found: OrderFigures) -> list[Component]:
    """Its sentences. The one on who was seen back first leads to that account or post."""
    firsts = [(one, back) for one in found.sections if (back := order_words.first_seen_back(one)) is not None]
    named = {order_words.first_back_words(back, one.noun): back.members[0] for one, back in firsts}
    return [_sentence(said, named.get(said)) for said in order_words.sentences(found)]


def _sentence(said: str, member: CohortMember | None) -> Component:
    if member is None:
        return html.P(said)
    name = order_words.member_name(member)
    before, _, after = said.partition(name)
    link = html.A(name, href=f"/account/{member.account_id}", className="under")
    return html.P([before, link, after])


def _not_matched(found: OrderFigures) -> list[Component]:
    """Lead to the names that are not matched to one account or post; nothing if all are."""
    n = sum(name.account_id is None and name.withdrawal is None for name in found.said)
    if not n:
        return []
    link = html.A("see each with its reason", href="#names", className="under")
    return [html.P([f"Not matched: {n:,} of its names; ", link, "."])]


def _deadline_chip(found: OrderFigures) -> Component:
    deadline = found.order.deadline_at
    assert deadline is not None  # noqa: S101 - the caller looked
    return html.Span(order_words.deadline_words(deadline, found.at), className="status-chip")


def _facts(found: OrderFigures) -> Component:
    order = found.order
    notices = rows.notices(found)
    facts: list[tuple[str, str, str]] = [
        ("Issued", words.stamp(order.issued_at), rows.issued_note(order)),
        ("Deadline", words.stamp(order.deadline_at) if order.deadline_at else "none recorded", ""),
        ("Entered here", words.stamp(order.known_at), rows.entered_note(order)),
        (
            "Later notices",
            f"{len(notices):,}" if notices else "none recorded",
            f"latest: {words.stamp(notices[-1].at)}" if notices else "",
        ),
        (
            "Time of figures",
            words.stamp(found.at),
            f"{order_words.nouns(found)} not read for {words.span(found.gap_after)} count as not checked",
        ),
    ]
    return facts_list(facts)


def _curve_card(found: OrderFigures, theme: Theme) -> Component:
    noun = found.noun
    note = (
        f"of {order_words.counted_words(found)} on the order's list; the band shows where the true share "
        f"lies, as far as {noun}s were checked; press a line for the {noun}s that it counts"
    )
    deadline = (
        [
            html.P(
                f"At the deadline: {order_words.at_deadline(found, found.at_deadline)}.",
                className="not-said",
            )
        ]
        if found.at_deadline is not None
        else []
    )
    name = "order-curve" if noun == "account" else "order-curve-posts"
    return card(
        f"Share of its {noun}s blocked",
        note,
        html.Div(
            graph(curve_figure(found, theme), name, f"Share of {noun}s blocked since the order"),
            className="figure",
        ),
        *deadline,
    )


def _lanes_card(found: OrderFigures, shown: list[CohortMember], number: int, theme: Theme) -> Component:
    first, whole = (number - 1) * LANES + 1, len(found.members)
    title = f"Its {order_words.nouns(found)}"
    if not shown:
        return card(title, "none is on the order's list")
    return card(
        title,
        f"{order_words.ranking(found)}; {first:,} to {first + len(shown) - 1:,} of {whole:,}; press a lane "
        "for its page",
        html.Div(
            graph(lanes_figure(found, shown, theme), "order-lanes", "One lane per name"),
            className="figure",
        ),
        html.Details(
            [
                html.Summary("Show as a table"),
                html.Div(
                    html.Table(
                        [
                            html.Thead(
                                html.Tr([html.Th("Name"), html.Th("Last confirmed status"), html.Th("Since")])
                            ),
                            html.Tbody([_account_row(m, found) for m in shown]),
                        ],
                        className="labelled",
                    ),
                    className="table-scroll narrow",
                ),
            ],
        ),
        *_pages(found, number),
    )


def _account_row(member: CohortMember, found: OrderFigures) -> Component:
    stay = member.at(found.at)
    status, since = "never read", ""
    if stay is not None:
        status = words.state(stay.state, member.platform, stay.flags)
        since = words.between(stay.onset_after, stay.since)
        if not member.is_read(found.at, found.gap_after):
            status += " (last known)"
    return html.Tr(
        [
            html.Th(
                html.A(
                    order_words.member_name(member), href=f"/account/{member.account_id}", className="handle"
                ),
                scope="row",
            ),
            td(status, "Last confirmed status"),
            td(since, "Since"),
        ]
    )


def _pages(found: OrderFigures, number: int) -> list[Component]:
    last = lane_pages(found)
    if last == 1:
        return []
    links = [
        html.A(
            str(n),
            href=f"/orders/{found.order.order_id}/{n}",
            **({"aria-current": "page"} if n == number else {}),  # pyright: ignore[reportArgumentType]
        )
        for n in range(1, last + 1)
    ]
    name: dict[str, Any] = {"aria-label": "Pages of lanes"}
    return [html.Nav(links, className="pages", **name)]

"""Everybody whose engagement is collected: their accounts, what of each can be seen, and how lately."""

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from dashboard.executives.words import ASSOCIATION, observability
from dashboard.ui import words
from storage.executives.executives_report import ExecutivePerson, PersonAccount
from storage.model.text.states import PLATFORM_NAME, clean


def executives_page(people: tuple[ExecutivePerson, ...], now: datetime, tag: list[Component]) -> Component:
    head = html.Div(
        [
            html.H1("Executives"),
            *tag,
            html.Span("Public engagement of people who run platforms", className="muted"),
        ],
        className="bar",
    )
    if not people:
        return html.Div([head, _empty()])
    columns = ("Person", "Account", "Observable", "Last reading", "Last 30 days")
    return html.Div(
        [
            head,
            html.Div(
                [
                    html.Table(
                        [
                            html.Thead(
                                html.Tr(
                                    [html.Th(c, className="n" if c == columns[-1] else "") for c in columns]
                                )
                            ),
                            html.Tbody([row for p in people for row in _rows(p, now)]),
                        ],
                        className="labelled executives",
                    ),
                    html.P(
                        "Accounts with the same name are shown as one person. Engagement that a platform "
                        f"does not show to anyone is “not observable”, never zero. {ASSOCIATION}",
                        className="not-said",
                    ),
                ],
                className="card",
            ),
        ]
    )


def _rows(person: ExecutivePerson, now: datetime) -> list[Component]:
    return [_row(person, account, now, first=n == 0) for n, account in enumerate(person.accounts)]


def _row(person: ExecutivePerson, account: PersonAccount, now: datetime, *, first: bool) -> Component:
    name = html.A(html.B(clean(person.name)), href=f"/executives/{account.account_id}", className="country")
    polled = account.last_polled_at
    cells: list[tuple[str, list[str | Component]]] = [
        (
            "Account",
            [
                html.Span(f"@{clean(account.handle, 80)}", className="handle"),
                html.Small(PLATFORM_NAME[account.platform]),
            ],
        ),
        ("Observable", _seen(account)),
        (
            "Last reading",
            ["never; the stored engagements come from records of others" if account.acts else "never"]
            if polled is None
            else [words.ago(polled, now), html.Small(words.stamp(polled))],
        ),
        ("Last 30 days", _recent(account)),
    ]
    return html.Tr(
        [
            html.Th([name, html.Small(clean(account.title, 80))] if first else "", scope="row"),
            *[
                html.Td(
                    content,
                    className="n" if label == "Last 30 days" else "",
                    **{"data-label": label},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
                )
                for label, content in cells
            ],
        ]
    )


def _seen(account: PersonAccount) -> list[str | Component]:
    found = observability(account)
    if not found:
        return ["all collected kinds"]
    return [html.Div([f"{o.what}: {o.state}"], title=o.reason) for o in found]


def _recent(account: PersonAccount) -> list[str | Component]:
    out: list[str | Component] = [html.B(f"{account.recent:,}")]
    if account.acts != account.recent:
        last = "" if account.last_at is None else f", last {words.day(account.last_at)}"
        out.append(html.Small(f"{account.acts:,} in all{last}"))
    return out


def _empty() -> Component:
    return html.Div(
        [
            html.H2("No executive is stored yet"),
            html.P(
                "Import the people whose reposts, quotes, replies and follows are drawn beside the blocks:"
            ),
            html.P(html.Code("blockline executives import people.csv")),
            html.P("Columns: platform, handle, name, title.", className="faint"),
        ],
        className="card empty",
    )

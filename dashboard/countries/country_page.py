"""One country: its accounts, each with its state, since when, when it was last read, and who saw it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from dash import html
from dash.development.base_component import Component

from dashboard.countries.countries_page import (
    COUNTRY_STATUS_WORDS,
    WHAT_IT_DOES_NOT_SAY,
    as_of,
    bar,
    count_of,
    country_address,
    country_status_words,
    legend,
)
from dashboard.ui import words
from storage.countries.countries import CountryCount
from storage.countries.country_report import CountryAccount, CountryStatus
from storage.model.core.accounts import Platform
from storage.model.text.countries import country_name
from storage.model.text.states import capital, clean

PAGE = 100
_NONE = "No stored account or post was seen withheld here."


def country_page(
    count: CountryCount,
    accounts: tuple[CountryAccount, ...],
    status: CountryStatus | None,
    number: int,
    now: datetime,
    tag: list[Component],
    above: Sequence[Component] = (),
) -> Component:
    """`accounts` are those of page `number` (from 1) with one status, or with any, with `above` over them."""
    table = html.Table(
        [_columns(), html.Tbody([_row(a, now) for a in accounts])],
        className="stacked",
    )
    shown = (
        [_sums(count), tabs(count, status), table, *_pages(count, status, number)]
        if count.pairs_ever
        else [tabs(count, status), html.P(_NONE, className="nothing")]
    )
    heading = [*tag, *([html.Span(as_of(count), className="muted")] if count.pairs_ever else [])]
    return html.Div(
        [
            head(count.country, heading),
            html.Div(
                [
                    *above,
                    html.Div([*shown, html.P(WHAT_IT_DOES_NOT_SAY, className="not-said")], className="card"),
                ],
                className="stack",
            ),
        ]
    )


def _sums(count: CountryCount) -> Component:
    return html.Div(
        [html.Div(_ever(count), className="country-sum"), legend(), bar(count, count.pairs_ever)],
        className="country-head",
    )


def _ever(count: CountryCount) -> list[str | Component]:
    """How many were ever withheld here: accounts, and apart from them posts."""
    accounts, posts = count.pairs_ever - count.posts, count.posts
    parts: list[str | Component] = []
    if accounts or not posts:
        parts += [html.B(f"{accounts:,}"), f" account{'' if accounts == 1 else 's'}"]
    if posts:
        parts += [" and " if parts else "", html.B(f"{posts:,}"), f" post{'' if posts == 1 else 's'}"]
    return [*parts, " ever withheld here"]


def head(country: str, more: list[Component]) -> Component:
    """The line above a page about a country."""
    return html.Div(
        [
            html.A("Countries", href="/countries", className="under"),
            html.Span("/", className="faint"),
            html.H1(country_name(country)),
            html.Span(country, className="mono faint"),
            *more,
        ],
        className="bar",
    )


def shown_of(count: CountryCount, status: CountryStatus | None) -> int:
    return count.pairs_ever if status is None else count_of(count, status)


def tabs(
    count: CountryCount, current: CountryStatus | Literal["published", "network", "labels"] | None
) -> Component:
    """The parts of a country: its accounts by status (None: all), what was published of it, how its networks
    reach the platforms, and what its labelers withhold.
    """
    standings: list[tuple[CountryStatus | None, str]] = [(None, "all"), *COUNTRY_STATUS_WORDS.items()]
    return html.Nav(
        [
            *[
                html.A(
                    [f"{word.capitalize()} ", html.B(f"{shown_of(count, which):,}")],
                    href=country_address(count.country, which),
                    **_current(which is current),
                )
                for which, word in standings
            ],
            html.A(
                "Claimed and observed",
                href=f"/countries/{count.country}/published",
                **_current(current == "published"),
            ),
            html.A(
                "Networks",
                href=f"/countries/{count.country}/network",
                **_current(current == "network"),
            ),
            html.A(
                "Labels",
                href=f"/countries/{count.country}/labels",
                **_current(current == "labels"),
            ),
        ],
        className="tabs",
        **{"aria-label": "Parts"},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
    )


def _current(is_current: bool) -> dict[str, Any]:
    return {"aria-current": "true"} if is_current else {}


def _columns() -> Component:
    return html.Thead(
        html.Tr(
            [
                html.Th("Account"),
                html.Th("Status here"),
                html.Th("Account status"),
                html.Th("Since"),
                html.Th("Last reading"),
                html.Th("Source"),
            ]
        )
    )


def _row(account: CountryAccount, now: datetime) -> Component:
    last = account.last_reading_at
    return html.Tr(
        [
            html.Th(
                html.A(
                    f"@{clean(account.handle, 120)}",
                    href=f"/account/{account.account_id}",
                    className="handle",
                ),
                scope="row",
            ),
            html.Td(
                [
                    html.I(className=f"st-{account.standing.value}"),
                    capital(country_status_words(account.standing, Platform(account.platform))),
                ],
                className="standing",
            ),
            html.Td(words.state(account.state, Platform(account.platform), account.flags)),
            html.Td(words.since(account.since_after, account.since)),
            html.Td([words.day(last), f", {words.ago(last, now)}"] if last else "never"),
            html.Td(words.source(account.source), className="source"),
        ]
    )


def _pages(count: CountryCount, status: CountryStatus | None, number: int) -> list[Component]:
    shown = shown_of(count, status)
    last = max(1, -(-shown // PAGE))
    if last == 1:
        return []
    first = (number - 1) * PAGE + 1
    links = [
        html.A(
            str(n),
            href=country_address(count.country, status, n),
            **({"aria-current": "page"} if n == number else {}),  # pyright: ignore[reportArgumentType]
        )
        for n in range(1, last + 1)
    ]
    span = html.Span(f"{first:,} to {min(shown, first + PAGE - 1):,} of {shown:,}", className="muted")
    name: dict[str, Any] = {"aria-label": "Pages"}
    return [html.Nav([span, *links], className="pages", **name)]

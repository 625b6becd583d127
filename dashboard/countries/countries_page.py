"""Countries: what is or was withheld where, one row a country, and how old that knowledge is."""

from collections.abc import Collection
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from dashboard.ui import words
from dashboard.ui.figures import FIGURE_CLASS
from storage.countries.countries import CountryCount
from storage.countries.country_report import CountryStatus
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.text.countries import country_name
from storage.model.text.states import group_words
from storage.model.text.units import number

EVERY = "all"
COUNTRY_STATUS_WORDS = {
    CountryStatus.WITHHELD: "withheld at the last reading",
    CountryStatus.LAST_KNOWN: "last known",
    CountryStatus.NO_LONGER: "no longer",
}
WHAT_IT_DOES_NOT_SAY = (
    "The counts cover stored accounts and posts only, including imported ones. They show which of them the "
    "platform said it withholds, as of each row's newest reading. They do not show what people in a country "
    "can see, or how much is withheld in that country in total. “Last known” ones may still be withheld, "
    "because their last reading did not say. “No longer” ones have since had another status, which may be "
    "“suspended”. “Restricted” ones are hidden in the platform's own app only; other apps may show "
    "them."
)


def country_status_words(status: CountryStatus, platform: Platform) -> str:
    """How one account stands in a country, in its platform's term."""
    if status is CountryStatus.WITHHELD:
        return f"{group_words(Status.WITHHELD, platform)} at the last reading"
    return COUNTRY_STATUS_WORDS[status]


def count_of(count: CountryCount, status: CountryStatus) -> int:
    return {
        CountryStatus.WITHHELD: count.withheld_at_last_reading,
        CountryStatus.LAST_KNOWN: count.last_known_only,
        CountryStatus.NO_LONGER: count.no_longer,
    }[status]


def country_address(country: str, status: CountryStatus | None, number: int = 1) -> str:
    """Page `number` of a country's accounts with one status, or with any."""
    place = f"/countries/{country}/{status.value if status else EVERY}"
    return place if number == 1 else f"{place}/{number}"


def countries_page(
    counts: list[CountryCount],
    published: Collection[str],
    labeled: Collection[str],
    now: datetime,
    tag: list[Component],
) -> Component:
    """`published` are the codes of countries of which figures of demands are on file, and `labeled` those of
    which labelers are followed. Both may lack accounts that were seen withheld.
    """
    head = html.Div(
        [
            html.H1("Countries"),
            *tag,
            html.Span("Accounts that are or were withheld, by country", className="muted"),
        ],
        className="bar",
    )
    links = [
        *_links("Published figures", "claimed and observed", published, "published"),
        *_links("Labels", "what labelers state", labeled, "labels"),
    ]
    if not counts:
        return html.Div([head, _empty(), *links])
    most = max(c.pairs_ever for c in counts)
    body = html.Tbody([_row(c, most, now) for c in counts])
    return html.Div(
        [
            head,
            html.Div(
                [
                    html.Div([html.H2("By country"), legend()], className="card-head"),
                    html.Table([_columns(), body], className="countries"),
                    html.P(WHAT_IT_DOES_NOT_SAY, className="not-said"),
                ],
                className="card",
            ),
            *links,
        ]
    )


def _links(title: str, note: str, codes: Collection[str], part: str) -> list[Component]:
    """Links to one part of each country, also of those where nobody was seen withheld."""
    if not codes:
        return []
    return [
        html.Div(
            [
                html.Div(
                    [html.H2(title), html.Span(note, className="faint")],
                    className="card-head",
                ),
                html.P(
                    [
                        html.A(country_name(code), href=f"/countries/{code}/{part}", className="under")
                        for code in sorted(codes, key=country_name)
                    ],
                    className="published-links",
                ),
            ],
            className="card published-list",
        )
    ]


def _columns() -> Component:
    return html.Thead(
        html.Tr(
            [
                html.Th("Country"),
                html.Th("Ever withheld", colSpan=2),
                html.Th("Withheld", className="n"),
                html.Th("Last known", className="n"),
                html.Th("No longer", className="n"),
                html.Th("Newest reading"),
            ]
        )
    )


def _row(count: CountryCount, most: int, now: datetime) -> Component:
    return html.Tr(
        [
            html.Th(
                html.A(
                    [html.B(country_name(count.country)), html.Span(count.country, className="mono")],
                    href=f"/countries/{count.country}",
                    className="country",
                ),
                scope="row",
            ),
            html.Td(
                [
                    html.A(
                        f"{count.pairs_ever:,}",
                        href=country_address(count.country, None),
                        className=FIGURE_CLASS,
                    ),
                    *([html.Small(f"{number(count.posts, 'post')} among them")] if count.posts else []),
                ],
                className="n ever",
            ),
            html.Td(bar(count, most), className="bar-cell"),
            *[
                html.Td(
                    [
                        html.Span(words_for, className="cell-word"),
                        html.A(
                            f"{count_of(count, status):,}",
                            href=country_address(count.country, status),
                            className=FIGURE_CLASS,
                        ),
                    ],
                    className="n" if count_of(count, status) else "n none",
                )
                for status, words_for in COUNTRY_STATUS_WORDS.items()
            ],
            html.Td(_reading(count, now), className="read"),
        ]
    )


def _reading(count: CountryCount, now: datetime) -> list[str | Component]:
    newest, oldest = count.newest_reading_at, count.oldest_reading_at
    if newest is None or oldest is None:
        return ["never read"]
    out: list[str | Component] = [
        html.Span("Newest reading ", className="cell-word"),
        html.B(words.day(newest)),
        f", {words.ago(newest, now)}",
    ]
    if words.day(oldest) != words.day(newest):
        out.append(html.Small(f"oldest: {words.day(oldest)}"))
    return out


def as_of(count: CountryCount) -> str:
    """The date that the counts rest on, in words that never mean "now"."""
    newest = count.newest_reading_at
    return "never read" if newest is None else f"as of the last reading, {words.day(newest)}"


def bar(count: CountryCount, most: int) -> Component:
    """The accounts ever seen withheld, in proportion to the country with `most` of them."""
    parts = [(status, count_of(count, status)) for status in COUNTRY_STATUS_WORDS]
    label = ", ".join(f"{n:,} {COUNTRY_STATUS_WORDS[status]}" for status, n in parts)
    return html.Div(
        [html.I(className=f"st-{status.value}", style={"flexGrow": n}) for status, n in parts if n],
        className="country-bar",
        style={"width": f"{max(1.0, 100 * count.pairs_ever / most):.2f}%"},
        role="img",
        title=f"{country_name(count.country)}: {label}",
        **{"aria-label": label},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
    )


def legend() -> Component:
    return html.Span(
        [
            html.Span([html.I(className=f"st-{status.value}"), words_for])
            for status, words_for in COUNTRY_STATUS_WORDS.items()
        ],
        className="country-legend",
    )


def _empty() -> Component:
    return html.Div(
        [
            html.H2("No account is known to be withheld in a country"),
            html.P(
                "A country appears here when a watched account is confirmed as withheld in it, or when you "
                "import a published record of withheld accounts:"
            ),
            html.P(html.Code("blockline accounts import withheld.csv")),
            html.P("Imported accounts are stored, but not read.", className="faint"),
        ],
        className="card empty",
    )

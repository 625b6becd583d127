"""Published figures of demands of one country, half-year by half-year, beside what was seen there."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from dash import html
from dash.development.base_component import Component

from dashboard.countries import published_words
from dashboard.countries.country_page import head, tabs
from dashboard.countries.published_chart import claimed_figure
from dashboard.ui.cards import Cell, card, table_card, td
from dashboard.ui.chart_style import Theme, graph
from dashboard.ui.pages import Drawing
from storage.countries.countries import CountryCount, by_country
from storage.countries.label_census import LabelHalfYear, label_half_years
from storage.countries.published_report import claimed
from storage.model.core.accounts import Platform
from storage.model.orders.published_vs_observed import FIGURES, Claimed, disagreements
from storage.model.orders.transparency_figures import TransparencyReport
from storage.model.text.countries import country_name
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import Conn

_FIGURES = {
    "demands": "Demands",
    "accounts_specified": "Accounts specified",
    "accounts_withheld": "Accounts withheld",
    "tweets_withheld": "Posts withheld",
    "accounts_tos": "Under own rules",
}


async def read_published(
    conn: Conn, country: str, now: datetime, theme: Theme, tag: list[Component]
) -> Drawing | None:
    """None when neither figures nor labels of the country are stored, and nobody was seen withheld there."""
    found, labels = await claimed(conn, country, now), await label_half_years(conn, country, now)
    count = next((c for c in await by_country(conn) if c.country == country), None)
    if not found and not labels and count is None:
        return None
    return partial(published_page, found, labels, count, country, theme, tag)


def published_page(
    found: Sequence[Claimed],
    labels: Sequence[LabelHalfYear],
    count: CountryCount | None,
    country: str,
    theme: Theme,
    tag: list[Component],
) -> Component:
    return html.Div(
        [
            head(
                country,
                [
                    *tag,
                    html.Span("Claimed and observed", className="muted"),
                    html.Span(className="grow"),
                    html.A("Figures as JSON", href=f"/api/countries/{country}/published", className="button"),
                ],
            ),
            html.Div(
                [
                    *([html.Div(tabs(count, "published"), className="card tabs-only")] if count else []),
                    *_platform_cards(found, country, theme),
                    *([_label_card(labels, country)] if labels else []),
                    *([] if any(c.published for c in found) else [_no_figures(country)]),
                ],
                className="stack published",
            ),
        ]
    )


def _platform_cards(found: Sequence[Claimed], country: str, theme: Theme) -> list[Component]:
    out: list[Component] = []
    for platform in Platform:
        theirs = [c for c in found if c.platform is platform]
        if not theirs:
            continue
        name = PLATFORM_NAME[platform]
        if any(c.published for c in theirs):
            figure = graph(
                claimed_figure(theirs, theme),
                f"claimed-{platform.value}",
                "Claimed and observed by half-year",
            )
            out.append(
                card(
                    f"{name}: published and observed",
                    "by half-year, each source separately",
                    html.Div(figure, className="figure"),
                )
            )
        out.append(
            card(
                f"{name}: claimed and observed",
                "newest half-year first",
                html.Div(
                    html.Table(
                        [_columns(), html.Tbody([_row(c, country) for c in theirs])],
                        className="labelled halves",
                    ),
                    className="table-scroll narrow",
                ),
                html.P(published_words.WHAT_IT_DOES_NOT_SAY, className="not-said"),
            )
        )
    return out


def _label_card(halves: Sequence[LabelHalfYear], country: str) -> Component:
    """What labelers of the country state, to be set beside what the platform publishes of it."""
    columns = ("Half-year", "Accounts added", "Accounts lifted", "Posts added", "Posts lifted")
    rows: list[tuple[Cell, ...]] = [
        (
            one.half.name,
            f"{one.accounts_added:,}",
            f"{one.accounts_lifted:,}",
            f"{one.posts_added:,}",
            f"{one.posts_lifted:,}",
        )
        for one in halves
    ]
    return table_card(
        f"Labels in {country_name(country)}",
        "what country labelers state, by half-year of their own times",
        columns,
        rows,
        html.P(
            [
                published_words.LABELS_NOTE,
                " ",
                html.A("All labels", href=f"/countries/{country}/labels", className="under"),
            ],
            className="not-said",
        ),
    )


def _columns() -> Component:
    return html.Thead(html.Tr([html.Th("Half-year"), html.Th("Published"), html.Th("Observed")]))


def _row(found: Claimed, country: str) -> Component:
    return html.Tr(
        [
            html.Th(found.half.name, scope="row", className="half"),
            td(_published(found), ""),
            td([_observer(said) for said in published_words.observer_summaries(found, country)], ""),
        ]
    )


def _published(found: Claimed) -> list[Component]:
    if not found.published:
        return [html.P("No figure is stored.", className="muted")]
    differing = set(disagreements(found))
    lines = [html.P(line, className="differ") for line in published_words.disagreement_lines(found)]
    table = html.Table(
        [
            html.Thead(
                html.Tr(
                    [
                        html.Th("Source"),
                        *[html.Th(name, className="n") for name in _FIGURES.values()],
                    ]
                )
            ),
            html.Tbody([_source_row(r, differing) for r in found.published]),
        ],
        className="sources",
    )
    return [table, *lines]


def _source_row(report: TransparencyReport, differing: set[str]) -> Component:
    both = report.court_orders is not None and report.other_legal_demands is not None
    parts = f"{report.court_orders:,} by courts" if both and report.court_orders else ""
    cells: list[Component] = []
    for name, title in _FIGURES.items():
        value = FIGURES[name](report)
        number = "–" if value is None else f"{value:,}"
        small = [html.Small(parts)] if name == "demands" and parts else []
        cells.append(
            td([html.B(number, className="differs") if name in differing else number, *small], title, "n")
        )
    return html.Tr(
        [
            html.Th(
                [
                    clean(report.source, 60),
                    html.Small(clean(report.source_url, 300), className="address"),
                ],
                scope="row",
            ),
            *cells,
        ]
    )


def _observer(said: published_words.ObserverSummary) -> Component:
    nothing = said.head == published_words.NOT_OBSERVED
    return html.Div(
        [
            html.P(
                [
                    html.Span(f"{said.who}: ", className="faint"),
                    html.B(said.head, className="muted" if nothing else ""),
                ]
            ),
            *[html.P(line) for line in said.lines],
        ],
        className="observer",
    )


def _no_figures(country: str) -> Component:
    return html.Div(
        [
            html.H2(f"No published figures for {country_name(country)}"),
            html.P(
                "Import a table with figures of legal demands that a platform or others published: "
                "a half-year, a country, any of the figures, and the source."
            ),
            html.P(html.Code("blockline import figures.csv")),
        ],
        className="card empty",
    )

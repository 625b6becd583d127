# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Whether a country's networks reach the platforms, by OONI's measurements: apart from every account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

import plotly.graph_objects as go
from dash import html
from dash.development.base_component import Component
from plotly.subplots import make_subplots

from dashboard.countries.country_page import head, tabs
from dashboard.ui import words
from dashboard.ui.cards import card, empty_card
from dashboard.ui.chart_style import DAY_BARS, PALETTES, TIME_AXIS, Theme, graph, surface
from storage.countries.countries import CountryCount
from storage.countries.measured_networks import NetworkReads, measured_days, network_reads
from storage.countries.vantage_requests import VantageRequests
from storage.model.core.reachability import MeasuredDay, by_domain, unreachable_days
from storage.model.platforms.registry import MEASURED_DOMAINS
from storage.model.text.countries import country_name
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.units import number
from storage.postgres.pool import Conn

SHOWN = timedelta(days=90)
VANTAGES_SHOWN = timedelta(days=1)
WHAT_IT_DOES_NOT_SAY = (
    "A measurement is one try of a volunteer's device to open the site. An anomaly is a try that ended "
    "differently from the same try elsewhere: because of a block, or of a fault of the network or the site. "
    "A confirmed block is one that OONI recognises, for example by a page that says so. None of this says "
    "anything about an account, and it changes no status."
)
_NOTE = "OONI's measurements by day, in UTC"
_NOON = timedelta(hours=12)
_PANEL_PX = 66
_COLOURS = {"light": ("#A9B7BF", "#E69F00", "#B03A00"), "dark": ("#5C6A73", "#E69F00", "#FF9142")}
_KINDS: tuple[tuple[str, Callable[[MeasuredDay], int], str], ...] = (
    ("Opened", lambda one: one.ok, ""),
    ("Anomaly", lambda one: one.anomaly, "/"),
    ("Confirmed block", lambda one: one.confirmed, ""),
)


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """What is known of the networks of a country, up to the day `today`."""

    country: str
    reads: NetworkReads
    days: tuple[MeasuredDay, ...]
    today: date

    @property
    def since(self) -> date:
        """The first day that is shown: none that was never read."""
        first = self.today - SHOWN
        return first if self.reads.first_day is None else max(first, self.reads.first_day)

    @property
    def until(self) -> date:
        """The day of the last answer: what was measured later is not known."""
        answered = self.reads.answered_at
        return self.today if answered is None else min(self.today, answered.astimezone(UTC).date())


async def read_network(conn: Conn, country: str, now: datetime) -> NetworkReport | None:
    """None when its measurements were never asked for."""
    reads = (await network_reads(conn, [country])).get(country)
    if reads is None:
        return None
    today = now.astimezone(UTC).date()
    days = await measured_days(conn, country, today - SHOWN, today + timedelta(days=1))
    return NetworkReport(country, reads, tuple(days), today)


def network_page(
    report: NetworkReport | None,
    vantages: Sequence[VantageRequests],
    count: CountryCount | None,
    country: str,
    now: datetime,
    theme: Theme,
    tag: list[Component],
) -> Component:
    """The page Networks of a country; without a report it says how there comes to be one."""
    tabs_card = [html.Div(tabs(count, "network"), className="card tabs-only")] if count else []
    shown = _not_read(country) if report is None else _report_card(report, now, theme)
    return html.Div(
        [
            head(country, [*tag, html.Span("Networks", className="muted")]),
            html.Div(
                [*tabs_card, shown, *([_vantages_card(vantages, country, now)] if vantages else [])],
                className="stack",
            ),
        ]
    )


def network_summary(report: NetworkReport, now: datetime) -> Component:
    """The newest day of each domain, above the accounts of the country."""
    more = html.A("By day", href=network_address(report.country), className="under")
    if report.reads.answered_at is None:
        said = [html.P(f"Not known: {_read_words(report.reads, now)}", className="nothing")]
    else:
        said = [
            html.Ul([html.Li(line) for line in _lines(report)], className="network"),
            html.P(
                ["None of this says anything about an account. ", _read_words(report.reads, now), " ", more],
                className="not-said",
            ),
        ]
    return card(f"Networks in {country_name(report.country)}", _NOTE, *said)


def network_address(country: str) -> str:
    return f"/countries/{country}/network"


def vantage_words(one: VantageRequests, now: datetime) -> str:
    """How the requests from one vantage point to one platform went: never why."""
    lost = f"; {one.unconnected:,} got no connection or no answer in time" if one.unconnected else ""
    last = "" if one.answered_at is None else f" The last answer came {words.ago(one.answered_at, now)}."
    return f"answered {one.answered:,} of {number(one.requests, 'request')}{lost}.{last}"


def _vantages_card(vantages: Sequence[VantageRequests], country: str, now: datetime) -> Component:
    return card(
        f"Your vantage points in {country_name(country)}",
        "the last 24 hours",
        html.Ul(
            [
                html.Li([html.B(f"{PLATFORM_NAME[one.platform]} from {clean(one.vantage)}"), ": ", said])
                for one in vantages
                for said in [vantage_words(one, now)]
            ],
            className="network",
        ),
        html.P(
            "Only the name of a vantage point says where it is. A request without a connection may be lost "
            "in its proxy, in a network, or at the platform. A refusal, such as a limit, is in neither "
            "number. None of this changes a status.",
            className="not-said",
        ),
    )


def _not_read(country: str) -> Component:
    return empty_card(
        f"Networks in {country_name(country)}",
        _NOTE,
        "Not known: OONI's measurements from here are not read. To read them, set:",
        html.P(html.Code(f'network_countries = ["{country}"]'), className="nothing"),
    )


def _report_card(report: NetworkReport, now: datetime, theme: Theme) -> Component:
    title = f"Networks in {country_name(report.country)}"
    if report.reads.answered_at is None:
        return card(title, _NOTE, html.P(f"Not known: {_read_words(report.reads, now)}", className="nothing"))
    figure = graph(network_figure(report, theme), "network", title) if report.days else None
    return card(
        title,
        _NOTE,
        html.Ul([html.Li(line) for line in _lines(report)], className="network"),
        *([] if figure is None else [html.Div(figure, className="figure")]),
        html.P([WHAT_IT_DOES_NOT_SAY, " ", _read_words(report.reads, now)], className="not-said"),
    )


def _lines(report: NetworkReport) -> list[list[str | Component]]:
    """Each measured domain, and then the others together."""
    measured = by_domain(report.days)
    lines: list[list[str | Component]] = [
        [html.B(domain), f": {day_words(days, report.today)} ", _at_ooni(domain, report)]
        for domain, days in measured.items()
    ]
    unmeasured = [domain for domain in MEASURED_DOMAINS if domain not in measured]
    if unmeasured:
        days = f"from {_day(report.since)} to {_day(report.until)}"
        lines.append([f"No measurement {days}: {', '.join(unmeasured)}."])
    return lines


def _at_ooni(domain: str, report: NetworkReport) -> Component:
    address = explorer_address(report, domain)
    return html.A("At OONI", href=address, className="under", rel="noreferrer")


def day_words(days: Sequence[MeasuredDay], today: date) -> str:
    """The newest of the days of one domain: "opened in 13 of 55 measurements on 30 Nov 2026 (…)"."""
    newest = days[-1]
    when = "so far today" if newest.day == today else f"on {_day(newest.day)}"
    anomalies = f"{newest.anomaly:,} {'anomaly' if newest.anomaly == 1 else 'anomalies'}"
    blocks = number(newest.confirmed, "confirmed block")
    parts = [*([anomalies] if newest.anomaly else []), *([blocks] if newest.confirmed else [])]
    found = f" ({' and '.join(parts)})" if parts else ""
    failed = f"; {newest.failure:,} failed" if newest.failure else ""
    in_a_row = unreachable_days(days, newest.day)
    row = f" Mostly unreachable {number(in_a_row, 'day')} in a row." if in_a_row > 1 else ""
    opened = f"opened in {newest.ok:,} of {number(newest.conclusive, 'measurement')} {when}"
    return f"{opened}{found}{failed}.{row}"


def network_figure(report: NetworkReport, theme: Theme) -> go.Figure:
    """A panel for each domain with measurements: a bar a day, of as many parts as there are outcomes."""
    measured, palette = by_domain(report.days), PALETTES[theme]
    figure = make_subplots(
        rows=len(measured),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.3 / len(measured),
        subplot_titles=list(measured),
    )
    for row, (domain, days) in enumerate(measured.items(), start=1):
        for (name, count, pattern), colour in zip(_KINDS, _COLOURS[theme], strict=True):
            figure.add_bar(
                x=[one.day.isoformat() for one in days],
                y=[count(one) for one in days],
                name=name,
                legendgroup=name,
                showlegend=row == 1,
                **DAY_BARS,
                marker={"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern, "size": 4}},
                customdata=[[_day(one.day), one.conclusive] for one in days],
                hovertemplate=f"{domain}, %{{customdata[0]}}<br>{name}: %{{y:,}} of %{{customdata[1]:,}}"
                "<extra></extra>",
                row=row,
                col=1,
            )
    figure.update_layout(
        barmode="stack",
        height=96 + _PANEL_PX * len(measured),
        margin={"l": 8, "r": 16, "t": 56, "b": 8},
        **surface(palette),
        legend={"orientation": "h", "y": 1, "yanchor": "top", "yref": "container", "x": 0},
        uirevision="network",
    )
    first, last = report.since.isoformat(), (report.until + timedelta(days=1)).isoformat()
    figure.update_xaxes(
        **TIME_AXIS, range=[first, last], gridcolor=palette.line, linecolor=palette.line, fixedrange=True
    )
    figure.update_yaxes(
        gridcolor=palette.line,
        zeroline=False,
        automargin=True,
        fixedrange=True,
        nticks=3,
        rangemode="tozero",
        tickformat=",d",
    )
    figure.update_annotations(font={"size": 12, "color": palette.ink}, x=0, xanchor="left")
    return figure


def explorer_address(report: NetworkReport, domain: str) -> str:
    """The same measurements in OONI's own explorer."""
    asked = {
        "test_name": "web_connectivity",
        "axis_x": "measurement_start_day",
        "time_grain": "day",
        "since": report.since.isoformat(),
        "until": (report.today + timedelta(days=1)).isoformat(),
        "probe_cc": report.country,
        "domain": domain,
    }
    return f"https://explorer.ooni.org/chart/mat?{urlencode(asked)}"


def _read_words(reads: NetworkReads, now: datetime) -> str:
    """When they were read, and why not since then."""
    if reads.answered_at is None:
        return f"OONI was asked {words.ago(reads.last_at, now)} and gave no answer ({reads.failure})."
    if reads.failure is None:
        return f"Read {words.ago(reads.answered_at, now)}."
    return (
        f"Last read {words.ago(reads.answered_at, now)}; the try {words.ago(reads.last_at, now)} failed "
        f"({reads.failure})."
    )


def _day(day: date) -> str:
    return words.day(datetime(day.year, day.month, day.day, tzinfo=UTC) + _NOON)

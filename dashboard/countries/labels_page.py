# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""What the labelers of a country withhold, by their own labels: apart from every status that was read."""

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import plotly.graph_objects as go
from dash import html
from dash.development.base_component import Component

from dashboard.countries.country_page import head, tabs
from dashboard.countries.labels_table import (
    KINDS,
    PAGE,
    SHOWN_WORDS,
    WATCH,
    ShownLabels,
    label_filter,
    labels_address,
    position_in,
    subjects_card,
)
from dashboard.ui import words
from dashboard.ui.cards import card, empty_card
from dashboard.ui.chart_style import DAY_BARS, PALETTES, TIME_AXIS, Theme, graph, surface
from dashboard.ui.pages import Drawing, PageRequest
from storage.countries.countries import CountryCount
from storage.countries.label_census import (
    LabelerStatus,
    WithheldCounts,
    label_days,
    labeled_subjects,
    labelers,
    withheld_by_labelers,
)
from storage.model.core.labels import LabelGap
from storage.model.platforms.registry import LABEL_SETTINGS
from storage.model.text.countries import country_name, official_names
from storage.model.text.states import quoted
from storage.model.text.units import number
from storage.postgres.pool import Conn

SHOWN = timedelta(days=90)
WHAT_IT_DOES_NOT_SAY = (
    "A label is what its labeler states; it changes no status. “Stated” times are the labeler's own claim, "
    "“received” times are Blockline's. A labeler may drop a label that it withdrew, so earlier withdrawals "
    "may be missing. A label does not say who asked for it, or what other apps show."
)
_NOTE = "what the labeler states"
_GAPS = {
    LabelGap.OUTDATED_CURSOR: "its stream no longer had all that followed the last received message",
    LabelGap.FUTURE_CURSOR: "its stream began to count again",
    LabelGap.UNREADABLE_MESSAGE: "a message of its stream could not be read",
}
_COLOURS = {"light": ("#B03A00", "#A9B7BF"), "dark": ("#FF9142", "#5C6A73")}
_NOON = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What is known of the labels of a country's labelers, of which there is at least one."""

    country: str
    labelers: tuple[LabelerStatus, ...]
    counts: WithheldCounts

    @property
    def is_complete(self) -> bool:
        """Whether nothing says that labels are missing."""
        return all(one.is_complete for one in self.labelers)

    @property
    def received_until(self) -> datetime | None:
        """Until when the labels of all its labelers were received. None: nothing was received of one."""
        ends = [max(filter(None, (one.heard_at, one.listed_at)), default=None) for one in self.labelers]
        known = [end for end in ends if end is not None]
        return min(known) if len(known) == len(ends) else None


async def read_label_report(conn: Conn, country: str, now: datetime) -> LabelReport | None:
    """None when the labels of its labelers were never collected."""
    found = await labelers(conn, country)
    if not found:
        return None
    return LabelReport(country, tuple(found), await withheld_by_labelers(conn, country, now))


async def read_labels(asked: PageRequest, country: str, count: CountryCount | None) -> Drawing | None:
    """Read the page Labels of a country; None if there is no such country."""
    conn, now = asked.conn, asked.now
    report = await read_label_report(conn, country, now)
    if report is None and country not in official_names():
        return None
    if report is None:
        return partial(labels_page, None, None, count, country, asked)
    kind, show = asked.query.get("kind", ""), asked.query.get("show", "")
    after = position_in(asked.query.get("after", ""))
    query = {"kind": kind if kind in KINDS else "", "show": show if show in SHOWN_WORDS else ""}
    wanted = replace(label_filter(query["show"]), country=country, kind=KINDS[query["kind"]])
    subjects = await labeled_subjects(conn, wanted, after, PAGE + 1, now)
    since = (now.astimezone(UTC) - SHOWN).date()
    days = await label_days(conn, country, since, now)
    if after is not None:
        query["after"] = asked.query["after"]
    shown = ShownLabels(tuple(subjects[:PAGE]), len(subjects) > PAGE, tuple(days), since, query)
    return partial(labels_page, report, shown, count, country, asked)


def labels_page(
    report: LabelReport | None,
    shown: ShownLabels | None,
    count: CountryCount | None,
    country: str,
    asked: PageRequest,
) -> Component:
    """The page Labels of a country; without a report it says how there comes to be one."""
    tabs_card = [html.Div(tabs(count, "labels"), className="card tabs-only")] if count else []
    cards = (
        [_not_collected(country)]
        if report is None or shown is None
        else [
            _report_card(report, shown, asked.now, asked.theme),
            subjects_card(
                shown, country, report.counts.unwatched, may_watch=asked.actor.role.includes(WATCH)
            ),
        ]
    )
    return html.Div(
        [
            head(country, [*asked.tag, html.Span("Labels", className="muted")]),
            *([] if report is None else [_news()]),
            html.Div([*tabs_card, *cards], className="stack labels"),
        ]
    )


def label_summary(report: LabelReport) -> Component:
    """What the labelers withhold, above the accounts of the country."""
    more = html.A("Each label", href=labels_address(report.country), className="under")
    return card(
        f"Labels in {country_name(report.country)}",
        _NOTE,
        html.P([withheld_words(report), " Labels change no status. ", more], className="nothing"),
    )


def withheld_words(report: LabelReport) -> str:
    """How much is withheld by the labels that hold, up to when, and whether labels may be missing."""
    until, one = report.received_until, len(report.labelers) == 1
    counts = report.counts
    counted = [(counts.accounts, "account"), (counts.posts, "post"), (counts.records, "other record")]
    some = [number(n, noun) for n, noun in counted if n]
    who = "the labeler withholds" if one else f"{len(report.labelers)} labelers withhold"
    where = f"in {country_name(report.country)}"
    if not some:
        if until is None or not report.is_complete:
            return "Not known: no label that holds was received, and labels may be missing."
        return f"By the labels received until {words.stamp(until)}, {who} no account and no post {where}."
    missing = "" if report.is_complete and until is not None else " Labels may be missing."
    # If labels may be missing, a zero is not known.
    said = [number(n, noun) for n, noun in counted if n or not (missing or noun == "other record")]
    up_to = "" if until is None else f" until {words.stamp(until)}"
    joined = " and ".join((", ".join(said[:-1]), said[-1])) if len(said) > 1 else said[0]
    return f"By the labels received{up_to}, {who} {joined} {where}.{missing}"


def labeler_words(one: LabelerStatus, now: datetime) -> str:
    """How far a labeler was read, and what may be missing of it."""
    said = [f"collected since {words.stamp(one.began_at)}."]
    if one.heard_at is None:
        said.append("Nothing was received from its stream.")
    else:
        said.append(f"Its stream was last received {words.ago(one.heard_at, now)}.")
    if one.ended_at is not None:
        said.append(f"Since {words.stamp(one.ended_at)} its labels are not collected.")
    elif one.lost_at is not None:
        said.append(f"It has not been connected since {words.stamp(one.lost_at)}{_why(one.lost_why)}.")
    if one.listed_at is None:
        said.append(f"Its whole list was never read{_why(one.unlisted_why)}: labels may be missing.")
    else:
        said.append(f"Its whole list was last read {words.ago(one.listed_at, now)}.")
        if one.unlisted_at is not None:
            said.append(f"Reading it failed {words.ago(one.unlisted_at, now)}{_why(one.unlisted_why)}.")
    if one.gap is not None and one.gap_at is not None:
        said.append(
            f"Labels may be missing: {_GAPS[LabelGap(one.gap)]} ({words.stamp(one.gap_at)}), and its list "
            "was not read whole since."
        )
    if one.refused:
        are = "is" if one.refused == 1 else "are"
        said.append(
            f"{number(one.refused, 'label')} {are} kept apart and not counted: it is not known to have "
            "signed them."
        )
    if one.refused_dropped:
        said.append(
            f"{one.refused_dropped:,} more were received and are no longer kept. One that was sent again "
            "counts again."
        )
    return " ".join(said)


def label_figure(shown: ShownLabels, today: date, theme: Theme) -> go.Figure:
    """A bar up for the labels that were added on a day, and one down for those that were lifted."""
    palette = PALETTES[theme]
    figure = go.Figure()
    added, lifted = _COLOURS[theme]
    for name, sign, colour, pattern, counts in (
        ("Added", 1, added, "", [one.added for one in shown.days]),
        ("Lifted", -1, lifted, "/", [one.lifted for one in shown.days]),
    ):
        figure.add_bar(
            x=[one.day.isoformat() for one in shown.days],
            y=[sign * n for n in counts],
            name=name,
            **DAY_BARS,
            marker={"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern, "size": 4}},
            customdata=[[_day(one.day), n] for one, n in zip(shown.days, counts, strict=True)],
            hovertemplate=f"%{{customdata[0]}}<br>{name}: %{{customdata[1]:,}}<extra></extra>",
        )
    figure.update_layout(
        barmode="relative",
        height=220,
        margin={"l": 8, "r": 16, "t": 40, "b": 8},
        **surface(palette),
        legend={"orientation": "h", "y": 1, "yanchor": "top", "yref": "container", "x": 0},
        uirevision="labels",
    )
    ticks = _ticks(max((max(one.added, one.lifted) for one in shown.days), default=0))
    first, last = shown.since.isoformat(), (today + timedelta(days=1)).isoformat()
    figure.update_xaxes(
        **TIME_AXIS, range=[first, last], gridcolor=palette.line, linecolor=palette.line, fixedrange=True
    )
    figure.update_yaxes(
        gridcolor=palette.line,
        zerolinecolor=palette.ink2,
        automargin=True,
        fixedrange=True,
        # Below the line stand counts too, and no negative numbers.
        tickvals=ticks,
        ticktext=[f"{abs(tick):,}" for tick in ticks],
    )
    return figure


def _ticks(most: int) -> list[int]:
    """Zero, and three round numbers on each side of it, of which the last is at least `most`."""
    round_numbers = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    step = next(one for one in round_numbers if 3 * one >= most)
    return [step * n for n in range(-3, 4)]


def _not_collected(country: str) -> Component:
    return empty_card(
        f"Labels in {country_name(country)}",
        _NOTE,
        "Not known: no labels of a labeler for this country are collected. To collect those of all countries "
        "that have a labeler, set:",
        *[html.P(html.Code(f"{setting} = true"), className="nothing") for setting in LABEL_SETTINGS],
    )


def _news() -> Component:
    """Shown by a script when a label was stored and the page is not drawn again, because rows are chosen."""
    show = html.A("Show them", id="label-news", href="", className="under")
    return html.P(
        ["New labels were stored. ", show, ". What is chosen is then not chosen."],
        className="label-news",
        role="status",
    )


def _report_card(report: LabelReport, shown: ShownLabels, now: datetime, theme: Theme) -> Component:
    title = f"Labels in {country_name(report.country)}"
    until = report.received_until or now
    drawn: list[Component] = []
    if shown.days:
        # A labeler's times may be ahead.
        last = max(until.astimezone(UTC).date(), min(shown.days[-1].day, now.astimezone(UTC).date()))
        figure = graph(label_figure(shown, last, theme), "labels", "Labels added and lifted by day")
        drawn = [html.Div(figure, className="figure")]
    return card(
        title,
        _NOTE,
        html.P(html.B(withheld_words(report)), className="nothing"),
        html.Ul(
            [
                html.Li([html.Span(one.labeler, className="mono"), ": ", labeler_words(one, now)])
                for one in report.labelers
            ],
            className="network",
        ),
        *drawn,
        html.P(
            ["By day of the labeler's own time, in UTC. " if drawn else "", WHAT_IT_DOES_NOT_SAY],
            className="not-said",
        ),
    )


def _why(reason: str) -> str:
    return f" (“{quoted(reason)}”)" if reason else ""


def _day(day: date) -> str:
    return words.day(datetime(day.year, day.month, day.day, tzinfo=UTC) + _NOON)

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""What the labelers of a country withhold, by their own labels: apart from every status that was read."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import plotly.graph_objects as go
from dash import ALL, ClientsideFunction, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.asgi.problem_json import API
from dashboard.countries.country_page import head, tabs
from dashboard.ui import words
from dashboard.ui.cards import Cell, card, empty_card, table_card
from dashboard.ui.chart_style import PALETTES, TIME_AXIS, Theme, graph, surface
from dashboard.ui.pages import Drawing, PageCallbacks, PageRequest, number_in
from storage.countries.countries import CountryCount
from storage.countries.label_census import (
    LabelDay,
    LabeledSubject,
    LabelerStatus,
    LabelFilter,
    LabelPosition,
    WithheldCounts,
    label_days,
    labeled_subjects,
    labelers,
    withheld_by_labelers,
)
from storage.model.core.labels import LabeledKind, LabelGap
from storage.model.core.people import Role
from storage.model.platforms.registry import LABEL_SETTINGS
from storage.model.text.countries import country_name, official_names
from storage.model.text.states import clean, quoted
from storage.model.text.units import number
from storage.postgres.pool import Conn

WATCH = Role.ANALYST
PAGE = 50
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
_NOUNS = {LabeledKind.ACCOUNT: "account", LabeledKind.POST: "post", LabeledKind.RECORD: "other record"}
_KINDS = {"": None, "accounts": LabeledKind.ACCOUNT, "posts": LabeledKind.POST}
_SHOWN_WORDS = {
    "": "All",
    "withheld": "Withheld",
    "lifted": "Lifted",
    "watched": "Watched",
    "unwatched": "Not watched",
}
_COLOURS = {"light": ("#B03A00", "#A9B7BF"), "dark": ("#FF9142", "#5C6A73")}
_CHOICE = "label-choice"
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


@dataclass(frozen=True, slots=True)
class ShownLabels:
    """What the page shows, as its address asks."""

    subjects: tuple[LabeledSubject, ...]
    has_more: bool
    days: tuple[LabelDay, ...]
    since: date
    query: Mapping[str, str]
    """The valid part of what the address asks for."""


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
    after = _position(asked.query.get("after", ""))
    query = {"kind": kind if kind in _KINDS else "", "show": show if show in _SHOWN_WORDS else ""}
    wanted = replace(_filter(query["show"]), country=country, kind=_KINDS[query["kind"]])
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
            _subjects_card(shown, country, may_watch=asked.actor.role.includes(WATCH)),
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


def labels_address(country: str, **query: str) -> str:
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"/countries/{country}/labels" + (f"?{asked}" if asked else "")


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
            xperiod=24 * 3_600_000,
            xperiodalignment="middle",
            marker={"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern, "size": 4}},
            customdata=[[_day(one.day), n] for one, n in zip(shown.days, counts, strict=True)],
            hovertemplate=f"%{{customdata[0]}}<br>{name}: %{{customdata[1]:,}}<extra></extra>",
        )
    figure.update_layout(
        barmode="relative",
        bargap=0.15,
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


def connect_labels_page(app: PageCallbacks) -> None:
    """Add the callbacks of the box that chooses all subjects of the page, and of the button that takes the
    chosen ones to the page that adds accounts.
    """
    app.callback(
        Output("url", "pathname", allow_duplicate=True),
        Output("url", "search", allow_duplicate=True),
        Output("label-fault", "children"),
        Input("label-watch", "n_clicks"),
        State({"type": _CHOICE, "index": ALL}, "value"),
        prevent_initial_call=True,
    )(_chosen)
    app.clientside_callback(
        ClientsideFunction("blockline", "chooseAll"),
        Output({"type": _CHOICE, "index": ALL}, "value"),
        Input("label-all", "value"),
        State({"type": _CHOICE, "index": ALL}, "options"),
        prevent_initial_call=True,
    )


def _chosen(clicks: int | None, boxes: Sequence[Sequence[str] | None]) -> tuple[object, object, object]:
    if not clicks:  # Dash also calls when the button comes with a page
        return no_update, no_update, no_update
    subjects = [subject for box in boxes for subject in box or ()]
    if not subjects:
        return no_update, no_update, "Choose at least one account or post."
    return "/accounts/add", f"?names={quote(chr(10).join(subjects), safe='')}", ""


def _filter(show: str) -> LabelFilter:
    match show:
        case "withheld" | "lifted":
            return LabelFilter(is_lifted=show == "lifted")
        case "watched" | "unwatched":
            return LabelFilter(is_watched=show == "watched")
        case _:
            return LabelFilter()


def _position(text: str) -> LabelPosition | None:
    """Where a page ends, as addresses write it; None for none, or for anything else."""
    at, _, label = text.partition("~")
    label_id = number_in(label)
    try:
        stated_at = datetime.fromisoformat(at)
    except ValueError:
        return None
    if label_id is None or stated_at.tzinfo is None:
        return None
    return LabelPosition(stated_at, label_id)


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


def _subjects_card(shown: ShownLabels, country: str, *, may_watch: bool) -> Component:
    title, note = "Accounts and posts", "newest statement first"
    filters = _filters(shown, country)
    if not shown.subjects:
        return empty_card(title, note, "No label that was received matches.", above=filters)
    columns = (
        "Subject",
        "Label",
        "Stated since",
        "First received",
        "Lifted",
        "Readings",
        *(["Choose"] if may_watch else []),
    )
    rows = [
        (*_row(one, may_pack=may_watch), *([_choice(one, n)] if may_watch else []))
        for n, one in enumerate(shown.subjects)
    ]
    choices = sum(_can_be_chosen(one) for one in shown.subjects)
    above = html.Div([filters, *([_watch_form(choices)] if may_watch and choices else [])])
    return table_card(title, note, columns, rows, *_pages(shown, country), above=above)


def _row(one: LabeledSubject, *, may_pack: bool) -> tuple[Cell, ...]:
    value = html.Span(clean(one.value, 60), className="mono label-value")
    address = f"{API}/labels/{one.label_id}/evidence-pack"
    pack = html.Small(
        html.A(
            "Evidence",
            href=address,
            className="under",
            title="Download the stored labels about it, with signatures",
        )
    )
    return (
        _subject(one),
        html.Div([value, html.Div(pack)]) if may_pack else value,
        "not known: only its withdrawal was received" if one.since is None else words.stamp(one.since),
        words.stamp(one.first_received_at),
        "not stated" if one.lifted_at is None else f"stated: {words.stamp(one.lifted_at)}",
        _readings(one),
    )


def _subject(one: LabeledSubject) -> Component:
    if one.account_id is None or one.handle is None:
        kind = _NOUNS[one.kind].capitalize()
        return html.Span([f"{kind} ", html.Span(clean(one.subject, 300), className="mono quoted")])
    return html.A(f"@{clean(one.handle, 120)}", href=f"/account/{one.account_id}", className="handle")


def _readings(one: LabeledSubject) -> str:
    if one.account_id is None:
        return "label only: not read by us"
    return "watched" if one.is_watched else "stored, not watched"


def _can_be_chosen(one: LabeledSubject) -> bool:
    return not one.is_watched and one.kind is not LabeledKind.RECORD


def _watch_form(choices: int) -> Component:
    every: dict[str, Any] = {"label": f"Choose all that are not watched ({choices})", "value": "all"}
    return html.Div(
        [
            dcc.Checklist([every], [], id="label-all", className="checklist"),  # pyright: ignore[reportArgumentType]
            html.Button("Watch the chosen ones", id="label-watch", className="button"),
            html.P(id="label-fault", role="alert", className="refused"),
        ],
        className="form choose",
    )


def _choice(one: LabeledSubject, n: int) -> Cell:
    """A box for what can be watched and is not yet."""
    if not _can_be_chosen(one):
        return ""
    name = html.Span(f"Choose {clean(one.subject, 300)}", className="hidden")
    box: dict[str, Any] = {"label": name, "value": one.subject}
    return dcc.Checklist([box], [], id={"type": _CHOICE, "index": n})  # pyright: ignore[reportArgumentType]


def _filters(shown: ShownLabels, country: str) -> Component:
    chosen = {name: shown.query[name] for name in ("kind", "show")}
    kinds = {"": "Accounts and posts", "accounts": "Accounts", "posts": "Posts"}
    return html.Div(
        [
            html.Nav(
                [
                    html.A(
                        text,
                        href=labels_address(country, **{**chosen, name: one}),
                        **({"aria-current": "true"} if one == chosen[name] else {}),  # pyright: ignore[reportArgumentType]
                    )
                    for one, text in offered.items()
                ],
                className="filters",
                **{"aria-label": label},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
            )
            for label, name, offered in (("Kind", "kind", kinds), ("Shown", "show", _SHOWN_WORDS))
        ]
    )


def _pages(shown: ShownLabels, country: str) -> list[Component]:
    query = {name: shown.query[name] for name in ("kind", "show")}
    links: list[Component] = []
    if "after" in shown.query:
        links.append(html.A("Newest", href=labels_address(country, **query), className="under"))
    if shown.has_more:
        last = shown.subjects[-1]
        after = f"{last.stated_at.isoformat()}~{last.label_id}"
        older = labels_address(country, **query, after=after)
        links.append(html.A(f"Older than these {PAGE}", href=older, className="under"))
    name: dict[str, Any] = {"aria-label": "Pages"}
    return [html.Nav(links, className="label-pages", **name)] if links else []


def _why(reason: str) -> str:
    return f" (“{quoted(reason)}”)" if reason else ""


def _day(day: date) -> str:
    return words.day(datetime(day.year, day.month, day.day, tzinfo=UTC) + _NOON)

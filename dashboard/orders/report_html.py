"""The report on an order: one self-contained page to print, keep and pass on.

It shows the figures of the order's page and JSON, and the sources behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from dashboard.orders import report_rows
from dashboard.orders import rows as order_rows
from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.orders.report_lanes import lane_styles, lanes_of, patterns
from dashboard.orders.report_svg import curve_svg
from dashboard.orders.report_words import coverage_words, methods
from dashboard.ui import words
from storage.model.orders.cohort import by_first_block
from storage.model.text.states import clean
from storage.model.text.target_counts import Noun
from storage.orders.report_sources import ReportSources

_templates = Environment(
    loader=PackageLoader("dashboard.orders"),
    autoescape=select_autoescape(enabled_extensions=("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Imprint:
    """Who made a report, when, and of what kind of installation."""

    made_at: datetime
    made_by: str
    """With its version: "Blockline 0.1.0"."""
    synthetic: bool
    """The report is about an invented scenario, and each of its pages says so."""
    sweep_every: timedelta
    dashboard_url: str | None
    """Where readers of the report reach the dashboard. None means that they cannot reach it."""


@dataclass(frozen=True, slots=True)
class RestorationSection:
    """How long it took until accounts, or posts, came back, as a section of the report."""

    noun: Noun
    sentences: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figure: Markup | None = None


def report_html(
    found: OrderFigures,
    behind: ReportSources,
    imprint: Imprint,
    restored: Sequence[RestorationSection] = (),
) -> str:
    """Return the whole page. Equal figures and an equal imprint give the same page.

    `restored` are the sections on the time to restoration; empty leaves them out.
    """
    order = found.order
    ranked = by_first_block(found.members, order.earliest_issue)
    line = f"Blockline report · order {clean(order.reference, 60)} · as of {words.stamp(found.at)}"
    content = {
        "reference": clean(order.reference, 120),
        "title": clean(order.title, 160),
        "page_line": css_text(line),
        "synthetic": imprint.synthetic,
        "patterns": patterns(),
        "lane_styles": lane_styles(),
        "facts": report_rows.facts(found, imprint.made_at, imprint.made_by),
        "sentences": order_words.sentences(found),
        "names": report_rows.names(found.names),
        "nouns": order_words.nouns(found),
        "ranking": order_words.ranking(found),
        "sections": [_section(one) for one in found.sections],
        "deadline": report_rows.deadline(found),
        "causes": order_rows.statements(found),
        "claims": report_rows.claims(found),
        "outside": order_rows.outside_words(found),
        "probes": report_rows.probes(found),
        "restored": restored,
        "events": report_rows.events(found),
        "documents": report_rows.documents(found),
        "lanes": lanes_of(found, ranked),
        "accounts": [report_rows.account(m, found, behind, imprint.dashboard_url) for m in ranked],
        "coverage": coverage_words(found, behind, imprint.sweep_every),
        "known_late": _known_late(found),
        "methods": methods(found),
        "newest": report_rows.head(behind.newest) if behind.newest is not None else None,
        "heads": [report_rows.head(h) for h in behind.heads],
    }
    return _templates.get_template("report.html").render(content)


def _section(found: OrderFigures) -> dict[str, object]:
    """The figures of its accounts, or of its posts."""
    return {
        "noun": found.noun,
        "suffix": "" if found.noun == "account" else "-posts",
        "funnel": order_rows.funnel_rows(found),
        "funnel_note": order_rows.funnel_note(found),
        "watched": order_words.counted_words(found),
        "kinds": report_rows.kinds(found),
        "causes": order_rows.cause_rows(found),
        "curve": curve_svg(found) if found.watched else None,
        "steps": report_rows.steps(found),
        "at_the_end": report_rows.at_the_end(found),
    }


def css_text(plain: str) -> Markup:
    """Return text for a CSS string, with every character escaped so that none can end the string."""
    return Markup("".join(f"\\{ord(c):06x}" for c in plain))  # noqa: S704 - hexadecimal digits only


def _known_late(found: OrderFigures) -> str:
    if found.known_at is None:
        return ""
    return (
        f"The figures show what was recorded by {words.stamp(found.known_at)}; documents attached later are "
        "left out. Handles are the current ones. The times without a check and the last readings also use "
        f"readings that were made by that time but recorded later. {words.PURGED_SINCE}"
    )

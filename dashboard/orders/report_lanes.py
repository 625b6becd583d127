"""The accounts and posts of an order as lanes in SVG: compact, in parts that each fit on a printed page."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.orders.lanes import lane_of
from dashboard.orders.report_svg import PALETTE, PATTERNS, marks
from dashboard.ui import words
from dashboard.ui.chart_style import FILL, HEIGHT, PATTERN
from dashboard.ui.svg import WIDTH, SvgTimeAxis, bar, figure, hatch, line, paths, sample, text, time_axis
from storage.model.core.availability import Status
from storage.model.orders.cohort import CohortMember, Kind, blocked_times
from storage.model.text.states import capital, clean

ALL_UP_TO = 400
"""With more lanes, only those ever blocked are drawn."""
NAMED_UP_TO = 75
"""With more lanes, numbers replace names."""
_IN_ONE = 200
_TOP, _RIGHT = 52, 12
_LEFT, _LEFT_OF_NAMES = 36, 178
_PITCH, _PITCH_OF_NAMES = 4.0, 11.0
_DRAWN_AS = {
    Kind.WITHHELD: Status.WITHHELD,
    Kind.SUSPENDED: Status.SUSPENDED,
    Kind.SUSPENDED_OR_DELETED: Status.NOT_FOUND,
    Kind.DEACTIVATED: Status.DEACTIVATED,
    Kind.NOT_FOUND: Status.NOT_FOUND,
    Kind.WITHHELD_ELSEWHERE: Status.WITHHELD,
    Kind.PROTECTED: Status.PROTECTED,
    Kind.AVAILABLE: Status.AVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of an order in one or more figures, with the note above them."""

    note: str
    figures: tuple[Markup, ...]
    kinds: tuple[tuple[Markup, str], ...]
    """The legend: a sample and a name per kind that is drawn."""


def lanes_of(found: OrderFigures, ranked: Sequence[CohortMember]) -> Lanes:
    """Return the lanes in the order of `ranked`, the first at the top."""
    begin = found.order.earliest_issue
    shown, ranking = list(ranked), order_words.ranking(found)
    note = f"Each {' or '.join(one.noun for one in found.sections)} has one lane, {ranking}."
    if len(shown) > ALL_UP_TO:
        shown = [m for m in ranked if blocked_times(m, begin)]
        note = (
            f"Only {order_words.nouns(found)} seen blocked since the order are drawn ({len(shown):,}), "
            f"{ranking}. Not drawn: {len(ranked) - len(shown):,}. The table below lists all."
        )
    if len(shown) > NAMED_UP_TO:
        note += " The numbers match the table below."
    parts = -(-len(shown) // _IN_ONE)
    size = -(-len(shown) // parts) if parts else 1
    figures = [_figure(found, shown[n : n + size], n + 1) for n in range(0, len(shown), size)]
    drawn = {p.stay.kind for m in shown for p in lane_of(found, m).parts}
    samples = [(_sample(k), order_words.kind(k, found.order.country)) for k in Kind if k in drawn]
    samples.append((_sample(None), "Change window"))
    return Lanes(note, tuple(figures), tuple(samples) if shown else ())


def _figure(found: OrderFigures, members: Sequence[CohortMember], first: int) -> Markup:
    named = len(members) <= NAMED_UP_TO
    pitch, left = (_PITCH_OF_NAMES, _LEFT_OF_NAMES) if named else (_PITCH, _LEFT)
    axis = SvgTimeAxis(found.steps[0].at, found.at, left, WIDTH - _RIGHT)
    bottom = _TOP + pitch * len(members) + 2
    shapes: defaultdict[Kind | None, list[str]] = defaultdict(list)
    parts = time_axis(axis, _TOP, bottom)
    for n, member in enumerate(members):
        middle = _TOP + pitch * (n + 0.5) + 1
        lane = lane_of(found, member)
        for window in lane.windows:
            shapes[None].append(bar(axis.x(window.since), axis.x(window.until), middle, 0.8 * pitch))
        for part in lane.parts:
            high = HEIGHT[_DRAWN_AS[part.stay.kind]] * pitch
            shapes[part.stay.kind].append(bar(axis.x(part.since), axis.x(part.until), middle, high))
        if named:
            parts.append(text(left - 5, middle + 3, f"{first + n} @{clean(member.handle, 22)}", anchor="end"))
        elif (first + n) % 10 == 0 or n == 0:
            parts.append(text(left - 5, middle + 3, f"{first + n:,}", anchor="end"))
    parts += paths((_look(kind), bars) for kind, bars in shapes.items())
    parts += marks(found, axis, _TOP, bottom)
    parts.append(line(left, bottom, WIDTH - _RIGHT, bottom, "frame"))
    last = first + len(members) - 1
    title = f"{capital(order_words.nouns(found))} {first:,} to {last:,}, one lane each"
    description = (
        f"From {words.stamp(axis.start)} to {words.stamp(axis.end)}: each confirmed status over time. "
        "Empty parts were not checked. The table below has the same in words."
    )
    return figure(f"lanes-{first}", title, description, bottom + 20, parts)


def _look(kind: Kind | None) -> str:
    return "k-window" if kind is None else f"k-{kind.value}"


def _sample(kind: Kind | None) -> Markup:
    return sample(0.8 if kind is None else HEIGHT[_DRAWN_AS[kind]], _look(kind))


def lane_styles() -> Markup:
    """The colours of the kinds, as rules for the page; their hatches are `patterns`."""
    rules = [f".k-window{{fill:url(#p-k-window);stroke:{PALETTE.window};stroke-width:0.3}}"]
    for kind, status in _DRAWN_AS.items():
        edge = FILL[status][1]
        fill = f"url(#p-k-{kind.value})" if PATTERN[status] else edge
        outline = f"stroke:{edge};stroke-width:0.3" if PATTERN[status] else "stroke:none"
        rules.append(f".k-{kind.value}{{fill:{fill};{outline}}}")
    return Markup("".join(rules))  # noqa: S704 - made of our own numbers and names


def patterns() -> Markup:
    """The hatches of curve and lanes, once per page: they distinguish colours in greyscale print."""
    out = [PATTERNS, hatch("p-k-window", "none", PALETTE.window, "/")]
    for kind, status in _DRAWN_AS.items():
        colour, edge, _ = FILL[status]
        if kind is Kind.WITHHELD_ELSEWHERE:
            out.append(hatch(f"p-k-{kind.value}", "#FFFFFF", edge, PATTERN[status]))
        elif PATTERN[status]:
            stroke = edge if PATTERN[status] == "." else "#FFFFFF"
            out.append(hatch(f"p-k-{kind.value}", colour, stroke, PATTERN[status]))
    return Markup(  # noqa: S704 - made of our own numbers and names
        f'<svg class="hatches" width="0" height="0" aria-hidden="true"><defs>{"".join(out)}</defs></svg>'
    )

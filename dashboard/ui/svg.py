"""The parts of figures as SVG, for reports and stories: no script, no outside resource, legible in grey."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from storage.model.text.axis_ticks import time_ticks

WIDTH = 720
"""Of every figure, in units of its own; the page scales it."""
LEAST = 0.8
"""No bar is drawn thinner or shorter."""
_MOST_TICKS = 8
_LETTER = 7
"""How wide a letter is at most, in the size of the figures' texts."""
_HATCH = {
    "/": "M-1 1L1 -1M0 4L4 0M3 5L5 3",
    "x": "M0 4L4 0M0 0L4 4",
    ".": "M1 1h1v1h-1z",
    "|": "M1 0V4",
}
"""By the signs of `chart_style.PATTERN`."""


@dataclass(frozen=True, slots=True)
class SvgTimeAxis:
    """The axis of time: which x stands for a moment."""

    start: datetime
    end: datetime
    left: float
    right: float

    def x(self, at: datetime) -> float:
        long = self.end - self.start
        if not long:
            return self.right
        return self.left + (self.right - self.left) * min(max((at - self.start) / long, 0.0), 1.0)


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, said: str, *, anchor: str = "start", look: str = "") -> str:
    named = f' class="{look}"' if look else ""
    return f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"{named}>{escape(said)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    a, b, c, d = map(number, (x1, y1, x2, y2))
    return f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" class="{look}"/>'


def figure(name: str, title: str, description: str, height: float, parts: Iterable[str]) -> Markup:
    """An image with its words for those who do not see it."""
    return Markup(  # noqa: S704 - every text in `parts` was escaped where it was written
        f'<svg viewBox="0 0 {WIDTH} {number(height)}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def time_axis(axis: SvgTimeAxis, top: float, bottom: float) -> list[str]:
    """Grid lines with their dates below; a date that would leave the figure ends at its edge."""
    out: list[str] = []
    for tick in time_ticks(axis.start, axis.end, _MOST_TICKS):
        x = axis.x(tick.at)
        is_cut = x + len(tick.label) * _LETTER / 2 > WIDTH
        label = text(WIDTH if is_cut else x, bottom + 14, tick.label, anchor="end" if is_cut else "middle")
        out += [line(x, top, x, bottom, "grid"), label]
    return out


def beside(x: float, y: float, said: str, apart: float, turns_at: float) -> str:
    """A text right of x; left of it from `turns_at` on, where there is no room."""
    return text(x - apart, y, said, anchor="end") if x > turns_at else text(x + apart, y, said)


def rect(left: float, top: float, wide: float, high: float, look: str) -> str:
    x, y, w, h = map(number, (left, top, wide, high))
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" class="{look}"/>'


def shape(left: float, top: float, wide: float, high: float) -> str:
    """A rectangle as a part of a path, of which one holds many."""
    x, y, w, h = map(number, (left, top, wide, high))
    return f"M{x} {y}h{w}v{h}h-{w}z"


def bar(left: float, right: float, middle: float, high: float) -> str:
    """The same around a middle, never too small to be seen."""
    high = max(high, LEAST)
    return shape(left, middle - high / 2, max(right - left, LEAST), high)


def paths(shapes: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """A path of each look."""
    return [f'<path d="{"".join(parts)}" class="{look}"/>' for look, parts in shapes]


def sample(high: float, look: str) -> Markup:
    """One sign of a figure, for the list that explains them; `high` is its share of a lane."""
    return Markup(  # noqa: S704 - made of our own numbers and names
        '<svg viewBox="0 0 26 12" width="26" height="12" aria-hidden="true">'
        f'<path d="{bar(1, 25, 6, 10 * max(high, 0.1))}" class="{look}"/></svg>'
    )


def hatch(name: str, ground: str, stroke: str, sign: str) -> str:
    """The pattern of one sign, as `url(#name)` refers to it: on grey paper it tells colours apart."""
    drawn = f'style="stroke:{stroke}" stroke-width="0.6" stroke-opacity="0.7" fill="none"'
    return (
        f'<pattern id="{name}" width="4" height="4" patternUnits="userSpaceOnUse">'
        f'<rect width="4" height="4" style="fill:{ground}"/><path d="{_HATCH[sign]}" {drawn}/></pattern>'
    )

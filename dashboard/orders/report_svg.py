"""The curve of an order as a self-contained SVG: no script, no outside resource, legible in grey."""

from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup

from dashboard.orders import words as order_words
from dashboard.orders.charts import marks_of
from dashboard.orders.facts import OrderFigures
from dashboard.ui import words
from dashboard.ui.chart_style import PALETTES
from dashboard.ui.svg import WIDTH, SvgTimeAxis, beside, figure, line, number, rect, text, time_axis
from storage.model.orders.curve import CurveStep
from storage.model.text.countries import country_name

_LEFT, _RIGHT, _TOP = 52, 12, 54
_PLOT, _STRIP = 220, 26
_LABEL_ROWS = 3
PALETTE = PALETTES["light"]


def marks(found: OrderFigures, axis: SvgTimeAxis, top: float, bottom: float) -> list[str]:
    """Draw a line for the issue, the deadline and each notice, with its name above the figure."""
    out: list[str] = []
    for n, mark in enumerate(marks_of(found)):
        x, y = axis.x(mark.at), top - 6 - 13 * (n % _LABEL_ROWS)
        out.append(line(x, y + 2, x, bottom, "limit" if mark.dashed else "event"))
        out.append(beside(x, y, mark.label, 3, axis.right - 90))
    return out


def curve_svg(found: OrderFigures) -> Markup:
    """Draw the share of the accounts, or posts, on the list that were blocked, with its band; below, the
    unchecked ones.

    Pure. The figure on the page of the order uses the same steps.
    """
    axis = SvgTimeAxis(found.steps[0].at, found.at, _LEFT, WIDTH - _RIGHT)
    whole = max(found.watched, 1)
    top, bottom = _TOP, _TOP + _PLOT
    most = _upper(max(s.possible for s in found.steps) / whole)

    def y(n: float) -> float:
        return bottom - _PLOT * n / whole / most

    def path(
        value: Callable[[CurveStep], float], height: Callable[[float], float] = y
    ) -> list[tuple[float, float]]:
        return _stairs([(axis.x(s.at), height(value(s))) for s in found.steps if s.read], axis.right)

    parts = [*_shares_axis(axis, most, y, whole), *time_axis(axis, top, bottom + _STRIP + 6)]
    parts += _silent(found, axis, top, bottom)
    if found.steps[-1].read:
        parts.append(_area(path(lambda s: s.possible), path(lambda s: s.certain), "band"))
        parts += [
            _line(path(lambda s: s.withheld), "withheld-line"),
            _line(path(lambda s: s.suspended), "suspended-line"),
            _line(path(lambda s: s.blocked), "blocked-line"),
        ]
    parts += _strip(found, axis, bottom + 6)
    parts += marks(found, axis, top, bottom)
    if found.at_deadline is not None and found.at_deadline.read and found.order.deadline_at is not None:
        x, at = number(axis.x(found.order.deadline_at)), number(y(found.at_deadline.blocked))
        parts.append(f'<circle cx="{x}" cy="{at}" r="4" class="deadline"/>')
    height = bottom + _STRIP + 6 + 26
    names = ("Blocked, as read", f"Withheld in {country_name(found.order.country)}", "Suspended everywhere")
    parts += _legend(height, names)
    name = "curve" if found.noun == "account" else "curve-posts"
    title = f"Share of its {found.noun}s blocked, over time"
    return figure(name, title, described(found), height + 34, parts)


def described(found: OrderFigures) -> str:
    """Describe the curve in words."""
    whole = found.watched
    if not whole:
        return f"There is no curve, because no {found.noun} is on the order's list."
    if not found.steps[-1].read:
        return f"There is no curve, because no {found.noun} on the order's list has been read."
    high = max(found.steps, key=lambda s: s.blocked)
    last = found.steps[-1]
    share, end = words.share(high.blocked, whole), words.share(last.blocked, whole)
    dates = "; ".join(f"{m.label}: {words.stamp(m.at)}" for m in marks_of(found))
    return (
        f"From {words.stamp(found.steps[0].at)} to {words.stamp(found.at)}, of "
        f"{order_words.counted_words(found)}. "
        f"The highest number blocked, as read, was {high.blocked:,} ({share}), first at "
        f"{words.stamp(high.at)}. At the end, {last.blocked:,} ({end}) were blocked, as read: at least "
        f"{last.certain:,}, at most {last.possible:,}. {last.unread:,} were not checked."
        f"{f' Marked dates: {dates}.' if dates else ''}"
    )


def _upper(peak: float) -> float:
    """Return the upper end of the axis of shares: a round share above the highest one."""
    return next((top for top in (0.05, 0.1, 0.2, 0.25, 0.5, 0.75) if peak * 1.1 <= top), 1.0)


def _shares_axis(axis: SvgTimeAxis, most: float, y: Callable[[float], float], whole: int) -> list[str]:
    out: list[str] = []
    for n in range(6):
        share = most * n / 5
        at = y(share * whole)
        out.append(line(axis.left, at, axis.right, at, "grid"))
        out.append(text(axis.left - 5, at + 4, f"{100 * share:.3g} %", anchor="end"))
    return out


def _silent(found: OrderFigures, axis: SvgTimeAxis, top: float, bottom: float) -> list[str]:
    """Hatch the times in which no account was checked, from top to bottom."""
    ends = [*(s.at for s in found.steps[1:]), found.at]
    return [
        _box(axis.x(step.at), axis.x(end), top, bottom, "silent")
        for step, end in zip(found.steps, ends, strict=True)
        if 0 < found.watched <= step.unread
    ]


def _strip(found: OrderFigures, axis: SvgTimeAxis, top: float) -> list[str]:
    """Draw how many accounts were not checked, in a row whose height is all accounts."""
    whole, bottom = max(found.watched, 1), top + _STRIP
    ends = [*(s.at for s in found.steps[1:]), found.at]
    out = [_box(axis.left, axis.right, top, bottom, "frame")]
    for step, end in zip(found.steps, ends, strict=True):
        if step.unread:
            share = _STRIP * step.unread / whole
            out.append(_box(axis.x(step.at), axis.x(end), bottom - share, bottom, "unread"))
    return [*out, text(axis.left - 5, top + 11, "not", anchor="end"),
            text(axis.left - 5, top + 22, "checked", anchor="end")]  # fmt: skip


def _box(left: float, right: float, top: float, bottom: float, look: str) -> str:
    return rect(left, top, max(right - left, 0.3), bottom - top, look)


def _stairs(points: Sequence[tuple[float, float]], right: float) -> list[tuple[float, float]]:
    """Return a line of steps, each until the next. Steps too small to see are left out."""
    out: list[tuple[float, float]] = []
    for x, y in points:
        if out and abs(out[-1][1] - y) < 0.05:
            continue
        if out:
            out.append((x, out[-1][1]))
        out.append((x, y))
    return [*out, (right, out[-1][1])]


def _line(points: Sequence[tuple[float, float]], look: str) -> str:
    return f'<path d="{_moves(points)}" class="{look}"/>'


def _area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]], look: str) -> str:
    return f'<path d="{_moves([*upper, *reversed(lower)])}Z" class="{look}"/>'


def _moves(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def _legend(top: float, names: tuple[str, str, str]) -> list[str]:
    samples = (
        ("blocked-line", names[0]),
        ("withheld-line", names[1]),
        ("suspended-line", names[2]),
    )
    out: list[str] = []
    for n, (look, name) in enumerate(samples):
        x = _LEFT + 220 * n
        out += [line(x, top + 4, x + 26, top + 4, look), text(x + 32, top + 8, name)]
    areas = (
        ("band", "Possible range"),
        ("unread", "Accounts not checked"),
        ("silent", "No account checked"),
    )
    for (look, name), x in zip(areas, (_LEFT, _LEFT + 330, _LEFT + 500), strict=True):
        out += [_box(x, x + 26, top + 18, top + 29, look), text(x + 32, top + 28, name)]
    return out


PATTERNS = (
    '<pattern id="p-band" width="4" height="4" patternUnits="userSpaceOnUse">'
    '<rect width="4" height="4" fill="#F6D3BA"/><circle cx="1" cy="1" r="0.5" fill="#A34700"/></pattern>'
    '<pattern id="p-unread" width="4" height="4" patternUnits="userSpaceOnUse">'
    '<path d="M0 1H4" stroke="#6B6E75" stroke-width="1"/></pattern>'
    '<pattern id="p-silent" width="7" height="7" patternUnits="userSpaceOnUse">'
    '<path d="M-1 6L6 -1M0 8L8 0" stroke="#B9BBC0" stroke-width="0.8"/></pattern>'
)

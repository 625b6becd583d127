"""Pure: paints the picture of a wave. Colours are those of dashboard/assets/tokens.css, on a light card.

The card is opaque, so that the picture stays readable on the dark page of a mail client.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from jobs.messages.chart_scale import (
    SHORTEST,
    Bounds,
    ChartStep,
    Run,
    Scale,
    count_ticks,
    highest_count,
    runs,
    span_words,
)
from storage.model.text.axis_ticks import time_ticks
from storage.model.text.states import clean

SIZE = (1120, 360)
CARD = "#FFFFFF"
INK, INK2, AXIS, GRID = "#191A1C", "#54575E", "#CFCFC8", "#EFEFEA"
EDGE_LINE, SURELY, POSSIBLY = "#A34700", "#F0BE99", "#FAE5D6"
UNREAD, UNREAD_LINE = "#F5F5F2", "#B9B9B2"
MARK = "#3C3F45"

MARGIN = 28
HEADING_BASE = 42
TOP, BOTTOM = 76, 306
TICKS_BASE = 342
LABEL_ROW = 30
LABEL_ROWS = 3
LABEL_GAP = 8
WIDEST_LABEL = 320
HATCH = 16
DOT = 11

LARGE, HEADING, SMALL = 40, 27, 23
_ELLIPSIS = "..."

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Chart:
    steps: tuple[ChartStep, ...]
    until: datetime
    watched: int
    marks: tuple[tuple[datetime, str], ...]
    """In the order of time, none outside of the picture."""


@dataclass(frozen=True, slots=True)
class ChartLabel:
    """Where the line of a mark stands and where its words do; no words when there is no room for them."""

    x: int
    text_x: int
    text_end: int
    row: int
    """0 is the one next to the chart."""
    text: str


def paint(chart: Chart) -> bytes:
    """PNG bytes, without text or time in them."""
    end = chart.steps[-1].after
    peak = max(b.most for s in chart.steps for b in (s.here, s.after))
    highest = highest_count(chart.watched, peak)
    amount, whole = _end_words(end, chart.watched)
    left = MARGIN + max(_width(f"{n:,}", SMALL) for n in count_ticks(highest)) + 14
    right = SIZE[0] - MARGIN - max(_width(*amount), _width(*whole)) - 22
    start = min(chart.steps[0].at, chart.until - SHORTEST)
    scale = Scale(left, right, TOP, BOTTOM, start, chart.until, highest)
    labels = place_labels([(scale.x(at), text) for at, text in chart.marks], left, right)
    scale = replace(scale, top=TOP + LABEL_ROW * max((r.row + 1 for r in labels if r.text), default=0))

    image = Image.new("RGB", SIZE, CARD)
    pen = ImageDraw.Draw(image)
    _heading(image, pen, chart)
    _counts(pen, scale)
    _levels(image, pen, list(runs(chart.steps, scale)), scale)
    _times(pen, scale)
    _marks(pen, labels, scale)
    _end(image, pen, chart, scale)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def place_labels(marks: Sequence[tuple[int, str]], left: int, right: int) -> list[ChartLabel]:
    """Words beside their lines, in up to three rows, none over another or over the line of another.

    The last one comes first: those before it rise like stairs, and no line crosses the words of a later one.
    """
    out: list[ChartLabel] = []
    taken: list[tuple[int, int, int]] = []  # row, from, to
    for x, raw in reversed(marks):
        text = fitting(raw, WIDEST_LABEL, SMALL)
        width = _width(text, SMALL)
        places = [
            (row, text_x)
            for row in range(LABEL_ROWS)
            for text_x in (x + LABEL_GAP, x - LABEL_GAP - width)
            if left <= text_x and text_x + width <= right and _is_free(taken, row, x, text_x, text_x + width)
        ]
        if not places:
            out.append(ChartLabel(x, x, x, 0, ""))
            continue
        row, text_x = places[0]
        # Its line crosses the rows below its own.
        taken += [(row, text_x, text_x + width), *((r, x, x) for r in range(row + 1))]
        out.append(ChartLabel(x, text_x, text_x + width, row, text))
    return out


def _is_free(taken: Sequence[tuple[int, int, int]], row: int, x: int, start: int, end: int) -> bool:
    for other, a, b in taken:
        is_at_the_same_moment = a == b == x
        if (
            other == row
            and start < b + 2 * LABEL_GAP
            and a - 2 * LABEL_GAP < end
            and not is_at_the_same_moment
        ):
            return False
        if other < row and a != b and a - LABEL_GAP < x < b + LABEL_GAP:
            return False
    return True


def fitting(text: str, width: int, size: int) -> str:
    """Text of a stranger in the letters that the font has, cut to so many pixels."""
    line = "".join(_drawable(char) for char in clean(text))
    if _width(line, size) <= width:
        return line
    too_long = bisect_right(range(len(line)), width, key=lambda n: _width(line[:n] + _ELLIPSIS, size))
    return line[: max(0, too_long - 1)].rstrip() + _ELLIPSIS


def _drawable(char: str) -> str:
    """The font in Pillow knows ASCII and little else: the bare letter, or a sign that something is there."""
    if char == "…":
        return _ELLIPSIS
    if unicodedata.category(char) == "Pd":
        return "-"
    bare = unicodedata.normalize("NFKD", char)
    return "".join(c for c in bare if c.isascii()) or ("" if unicodedata.category(char)[0] == "M" else "?")


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _width(text: str, size: int) -> int:
    return round(_font(size).getlength(text))


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: str, anchor: str
) -> None:
    pen.text(at, text, fill=colour, font=_font(size), anchor=anchor)


def _heading(image: Image.Image, pen: ImageDraw.ImageDraw, chart: Chart) -> None:
    title = "Accounts blocked"
    days = f"{span_words(chart.steps[0].at, chart.until)}, UTC"
    _write(pen, (MARGIN, HEADING_BASE), title, HEADING, INK, "ls")
    _write(pen, (MARGIN + _width(title, HEADING) + 16, HEADING_BASE), days, SMALL, INK2, "ls")
    bounds = [b for s in chart.steps for b in (s.here, s.after)]
    x = SIZE[0] - MARGIN
    if any(b.unread for b in bounds):
        box, x = _key(pen, x, "not read yet")
        image.paste(_hatch().crop(box), box)
    if any(b.changing for b in bounds):
        box, x = _key(pen, x, "at most")
        pen.rectangle(box, fill=POSSIBLY)
        box, x = _key(pen, x, "at least")
        pen.rectangle(box, fill=SURELY)
        pen.rectangle((*box[:3], box[1] + 3), fill=EDGE_LINE)


def _key(pen: ImageDraw.ImageDraw, right: int, words: str) -> tuple[Box, int]:
    """One entry of the key, ending at `right`: where its sample goes, and where the entry before it ends."""
    _write(pen, (right, HEADING_BASE), words, SMALL, INK2, "rs")
    x = right - _width(words, SMALL) - 10
    return (x - 28, HEADING_BASE - 18, x, HEADING_BASE + 2), x - 54


def _counts(pen: ImageDraw.ImageDraw, scale: Scale) -> None:
    for count in count_ticks(scale.highest):
        y = scale.y(count)
        pen.line((scale.left, y, scale.right, y), fill=GRID, width=2)
        _write(pen, (scale.left - 14, y), f"{count:,}", SMALL, INK2, "rm")


def _levels(image: Image.Image, pen: ImageDraw.ImageDraw, course: Sequence[Run], scale: Scale) -> None:
    unread = Image.new("L", SIZE, 0)
    mask = ImageDraw.Draw(unread)
    for first, last, level in course:
        least, most_read, most = scale.y(level.least), scale.y(level.most_read), scale.y(level.most)
        for upper, lower, brush, colour in (
            (least, scale.bottom, pen, SURELY),
            (most_read, least, pen, POSSIBLY),
            (most, most_read, mask, 255),
        ):
            if upper < lower:
                brush.rectangle((first, upper, last, lower), fill=colour)
    image.paste(_hatch(), mask=unread)
    for first, last, level in course:
        edge = (first - 1, scale.y(level.highest_least) - 2, last + 2, scale.y(level.least) + 1)
        pen.rectangle(edge, fill=EDGE_LINE)


@cache
def _hatch() -> Image.Image:
    out = Image.new("RGB", SIZE, UNREAD)
    pen = ImageDraw.Draw(out)
    for x in range(-SIZE[1], SIZE[0], HATCH):
        pen.line((x, SIZE[1], x + SIZE[1], 0), fill=UNREAD_LINE, width=2)
    return out


def _times(pen: ImageDraw.ImageDraw, scale: Scale) -> None:
    pen.line((scale.left, scale.bottom, scale.right, scale.bottom), fill=AXIS, width=2)
    free = MARGIN // 2
    for tick in time_ticks(scale.start, scale.end):
        x, half = scale.x(tick.at), _width(tick.label, SMALL) / 2
        if x - half >= free:
            pen.line((x, scale.bottom, x, scale.bottom + 8), fill=AXIS, width=2)
            _write(pen, (x, TICKS_BASE), tick.label, SMALL, INK2, "ms")
            free = round(x + half) + 16


def _marks(pen: ImageDraw.ImageDraw, labels: Sequence[ChartLabel], scale: Scale) -> None:
    for label in labels:
        base = scale.top - 10 - LABEL_ROW * label.row
        pen.line((label.x, base - 18 if label.text else scale.top, label.x, scale.bottom), fill=MARK, width=2)
        _write(pen, (label.text_x, base), label.text, SMALL, INK2, "ls")


def _end_words(end: Bounds, watched: int) -> tuple[tuple[str, int], tuple[str, int]]:
    """What stands at the end, in two lines with their sizes: how many are blocked, of how many."""
    amount = (
        (f"{end.least:,}", LARGE) if end.least == end.most else (f"{end.least:,} to {end.most:,}", HEADING)
    )
    return amount, (f"of {watched:,}" if 0 < watched >= end.most else "accounts", SMALL)


def _end(image: Image.Image, pen: ImageDraw.ImageDraw, chart: Chart, scale: Scale) -> None:
    """A full dot at what is certain; a hollow one at what may be, when there is room for both."""
    end = chart.steps[-1].after
    amount, whole = _end_words(end, chart.watched)
    least, most = scale.y(end.least), scale.y(end.most)
    if least - most >= 2 * DOT + 2:
        pen.rectangle((scale.right - 1, most, scale.right + 2, least), fill=EDGE_LINE)
        _dot(image, scale.right, most, EDGE_LINE, DOT)
        _dot(image, scale.right, most, CARD, DOT - 4)
    _dot(image, scale.right, least, EDGE_LINE, DOT)
    base = min(max((least + most) // 2 + 4, scale.top + 20), scale.bottom - 30)
    _write(pen, (scale.right + 22, base), amount[0], amount[1], INK, "ls")
    _write(pen, (scale.right + 22, base + 30), whole[0], whole[1], INK2, "ls")


def _dot(image: Image.Image, x: int, y: int, colour: str, radius: int) -> None:
    """Drawn large and made small, because Pillow draws circles without smoothing."""
    large = Image.new("L", (8 * radius, 8 * radius), 0)
    ImageDraw.Draw(large).ellipse((0, 0, 8 * radius - 1, 8 * radius - 1), fill=255)
    image.paste(colour, (x - radius, y - radius), large.reduce(4))

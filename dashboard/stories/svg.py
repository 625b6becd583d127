"""The figures of a story: its range at a glance, and at each moment what was seen up to it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from dashboard.stories.chart_style import DRAWN_AS, SIGNS
from dashboard.ui import words
from dashboard.ui.chart_style import HEIGHT
from dashboard.ui.svg import (
    WIDTH,
    SvgTimeAxis,
    bar,
    beside,
    figure,
    line,
    number,
    paths,
    rect,
    sample,
    shape,
    text,
    time_axis,
)
from storage.model.core.availability import ChangeKind, Flag, Status
from storage.model.stories.figures import StoryFacts, Subject
from storage.model.stories.lanes import Piece, StoryLane, shares
from storage.model.stories.stories import WrittenStory
from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount
from storage.model.text.time_bins import TimeBins, per_bin

MOST_LANES = 400
"""With more accounts and posts than these their shares are drawn, and no lanes."""
NAMED_UP_TO = 60
_LEFT, _LEFT_OF_NAMES, _RIGHT = 60, 178, 12
_BINS = 240
_LABEL_ROWS = 3
_UPWARDS = {ChangeKind.RESTORATION: True, ChangeKind.BLOCK: False}


def overview(
    story: WrittenStory,
    lanes: Sequence[StoryLane],
    bins: TimeBins,
    found: Sequence[Counter[ChangeKind]],
    counted: int,
) -> Markup:
    """When accounts and posts were blocked and came back, what was not checked, and where captions are.

    `lanes` and `found` are those of the whole range; `counted` is of how many. Bars upwards are
    restorations, downwards blocks, as on Live and Replay.
    """
    axis = SvgTimeAxis(story.head.since, story.head.until, _LEFT, WIDTH - _RIGHT)
    top, middle, bottom = 50.0, 106.0, 162.0
    most = max((b[k] for b in found for k in _UPWARDS), default=0)
    parts = time_axis(axis, top, bottom + 26)
    for n, counts in enumerate(found):
        left, right = _sides(axis, bins, n)
        for kind, is_upwards in _UPWARDS.items():
            if counts[kind]:
                high = max((middle - top) * counts[kind] / most, 1.5)
                y = middle - high if is_upwards else middle
                parts.append(rect(left, y, max(right - left - 0.5, 1), high, f"bar-{kind.value}"))
    parts.append(line(axis.left, middle, axis.right, middle, "frame"))
    parts += [
        *_peak(axis, bins, [c[ChangeKind.RESTORATION] for c in found], "▲", top + 9),
        *_peak(axis, bins, [c[ChangeKind.BLOCK] for c in found], "▼", bottom - 2),
        text(axis.left - 5, middle - 6, "restored", anchor="end"),
        text(axis.left - 5, middle + 14, "blocked", anchor="end"),
        text(axis.left - 5, bottom + 12, "not", anchor="end", look="soft-text"),
        text(axis.left - 5, bottom + 23, "checked", anchor="end", look="soft-text"),
        rect(axis.left, bottom + 6, axis.right - axis.left, 18, "frame"),
        *_unchecked(lanes, story, axis, bottom + 6, counted),
    ]
    parts += _captions(story, axis, top, bottom + 24)
    title = "Blocks and restorations over the range"
    return figure("overview", title, _description(story, bins, found), bottom + 46, parts)


def _sides(axis: SvgTimeAxis, bins: TimeBins, n: int) -> tuple[float, float]:
    """The left and the right end of a bin, as far as the axis reaches."""
    start = bins.start + n * bins.step
    return axis.x(start), axis.x(start + bins.step)


def _peak(axis: SvgTimeAxis, bins: TimeBins, counts: Sequence[int], mark: str, y: float) -> list[str]:
    """The number of the highest bar beside it, with the time that a bar stands for."""
    most = max(counts)
    if not most:
        return []
    left, right = _sides(axis, bins, counts.index(most))
    said = f"{mark} {most:,} {per_bin(bins.step)}"
    return [text(left - 4, y, said, anchor="end") if right > axis.right - 120 else text(right + 4, y, said)]


def moment_figure(
    story: WrittenStory,
    facts: StoryFacts,
    lanes: Sequence[StoryLane],
    at: datetime,
    knowledge: str,
    name: str,
) -> Markup:
    """What was seen of each account and post up to `at`: as lanes, or with very many of them as shares.

    `knowledge` says which knowledge is shown; `name` is unique on the page.
    """
    shown = [(s, lane) for s, lane in zip(facts.subjects, lanes, strict=True) if s.added_at <= at]
    posts = sum(s.is_post for s, _ in shown)
    count = TargetCount(len(shown) - posts, posts)
    if count.total > MOST_LANES:
        return _shares(story, lanes, at, knowledge, name, count)
    return _lanes(story, shown, at, knowledge, name, count)


def _lanes(
    story: WrittenStory,
    shown: Sequence[tuple[Subject, StoryLane]],
    at: datetime,
    knowledge: str,
    name: str,
    count: TargetCount,
) -> Markup:
    named = len(shown) <= NAMED_UP_TO
    pitch = 13.0 if named else 4.0 if len(shown) <= 150 else 2.5
    axis = SvgTimeAxis(story.head.since, story.head.until, _LEFT_OF_NAMES if named else _LEFT, WIDTH - _RIGHT)
    top = 24.0
    bottom = top + pitch * len(shown) + 2
    shapes: defaultdict[str, list[str]] = defaultdict(list)
    parts = time_axis(axis, top, bottom)
    for n, (subject, lane) in enumerate(shown):
        middle = top + pitch * (n + 0.5) + 1
        for window in lane.windows:
            shapes["s-window"].append(bar(axis.x(window.since), axis.x(window.until), middle, 0.8 * pitch))
        for piece in lane.pieces:
            drawn = _drawn(piece)
            high = HEIGHT[drawn] * pitch
            shapes[f"s-{drawn.value}"].append(bar(axis.x(piece.since), axis.x(piece.until), middle, high))
        for open_one in lane.pending:
            shapes["s-pending"].append(
                bar(axis.x(open_one.since), axis.x(open_one.until), middle, 0.8 * pitch)
            )
        if named:
            parts.append(text(axis.left - 5, middle + 3.5, f"@{clean(subject.handle, 24)}", anchor="end"))
    if not named:
        said = [f"{count.total:,}", *count.kinds.replace(" and ", "|and ").split("|")]
        parts += [text(axis.left - 5, top + 9 + 12 * n, one, anchor="end") for n, one in enumerate(said)]
    parts += paths(sorted(shapes.items()))
    parts += _moment(axis, at, top, bottom)
    parts.append(line(axis.left, bottom, axis.right, bottom, "frame"))
    description = (
        f"A lane for each of {count.words()} from {words.stamp(story.head.since)} up to "
        f"{words.exact(at)}, {knowledge}. Empty parts were not checked. The table next to the figure has the "
        "numbers."
    )
    return figure(name, f"Lanes up to {words.exact(at)}", description, bottom + 20, parts)


def _shares(
    story: WrittenStory,
    lanes: Sequence[StoryLane],
    at: datetime,
    knowledge: str,
    name: str,
    count: TargetCount,
) -> Markup:
    axis = SvgTimeAxis(story.head.since, story.head.until, _LEFT, WIDTH - _RIGHT)
    top, bottom = 24.0, 204.0
    parts = time_axis(axis, top, bottom)
    for n in range(5):
        y = bottom - (bottom - top) * n / 4
        parts += [
            line(axis.left, y, axis.right, y, "grid"),
            text(axis.left - 5, y + 4, f"{25 * n} %", anchor="end"),
        ]
    wide = (story.head.until - story.head.since) / _BINS
    shapes: defaultdict[str, list[str]] = defaultdict(list)
    for n, seen in enumerate(shares(lanes, story, _BINS)):
        since = story.head.since + n * wide
        until = min(since + wide, at)
        if since >= at:
            break
        base = bottom
        for look in (*(f"s-{status.value}" for status in SIGNS), "s-window"):
            share = sum(n for key, n in seen.items() if _look(key) == look)
            high = (bottom - top) * share / count.total
            if share:
                shapes[look].append(_area(axis, since, until, base - high, high))
            base -= high
        if base - top > 0.05:
            shapes["s-unread"].append(_area(axis, since, until, top, base - top))
    parts += paths((f"{look} area", drawn) for look, drawn in sorted(shapes.items()))
    parts += _moment(axis, at, top, bottom)
    parts.append(line(axis.left, bottom, axis.right, bottom, "frame"))
    description = (
        f"Shares of {count.whole()} from {words.stamp(story.head.since)} to {words.exact(at)}, "
        f"{knowledge}. From bottom to top: {', '.join(SIGNS.values()).lower()}, {count.kinds} between the "
        f"two readings of a change, and {count.kinds} that were not checked. "
        "The table next to the figure has the numbers."
    )
    return figure(name, f"Shares up to {words.exact(at)}", description, bottom + 20, parts)


def sample_of(look: str) -> Markup:
    """One sign of the figures, for the list that explains them."""
    status = next((s for s in SIGNS if look == f"s-{s.value}"), None)
    return sample(0.8 if status is None else HEIGHT[status], look)


def _unchecked(
    lanes: Sequence[StoryLane], story: WrittenStory, axis: SvgTimeAxis, top: float, counted: int
) -> list[str]:
    """How many were not seen in any state, as a row with a height of all of them."""
    if not counted:
        return []
    shapes: list[str] = []
    wide = (story.head.until - story.head.since) / _BINS
    for n, seen in enumerate(shares(lanes, story, _BINS)):
        high = 18 * max(counted - sum(seen.values()), 0) / counted
        if high > 0.05:
            since = story.head.since + n * wide
            shapes.append(_area(axis, since, since + wide, top + 18 - high, high))
    return paths([("s-unread", shapes)] if shapes else [])


def _captions(story: WrittenStory, axis: SvgTimeAxis, top: float, bottom: float) -> list[str]:
    """A line at the moment of each caption, with its number above."""
    out: list[str] = []
    for n, caption in enumerate(story.captions):
        x, y = axis.x(caption.at), top - 9 - 15 * (n % _LABEL_ROWS)
        out += [
            line(x, y, x, bottom, "mark"),
            f'<circle cx="{number(x)}" cy="{number(y)}" r="7" class="dot"/>',
            text(x, y + 4, str(n + 1), anchor="middle"),
        ]
    return out


def _moment(axis: SvgTimeAxis, at: datetime, top: float, bottom: float) -> list[str]:
    x = axis.x(at)
    name = beside(x, top - 8, words.exact(at), 4, axis.right - 120)
    return [line(x, top - 6, x, bottom, "moment"), name]


def _description(story: WrittenStory, bins: TimeBins, found: Sequence[Counter[ChangeKind]]) -> str:
    total: Counter[ChangeKind] = Counter()
    for one in found:
        total.update(one)
    marked = "; ".join(f"{n}: {words.exact(c.at)}" for n, c in enumerate(story.captions, 1))
    return (
        f"From {words.exact(story.head.since)} to {words.exact(story.head.until)}: "
        f"{total[ChangeKind.RESTORATION]:,} restorations above the line and {total[ChangeKind.BLOCK]:,} "
        f"blocks below it, counted {per_bin(bins.step)} when they were first seen. The row below shows how "
        f"many {story.count.kinds} were not checked.{f' Captions: {marked}.' if marked else ''}"
    )


def _drawn(piece: Piece) -> Status:
    return _drawn_as(piece.state.status, gone=Flag.SUSPENDED_OR_DELETED in piece.flags)


def _look(key: tuple[Status, bool] | None) -> str:
    return "s-window" if key is None else f"s-{_drawn_as(key[0], gone=key[1]).value}"


def _drawn_as(status: Status, *, gone: bool) -> Status:
    """What may be the owner's own deletion is not drawn as a block."""
    return Status.NOT_FOUND if gone else DRAWN_AS[status]


def _area(axis: SvgTimeAxis, since: datetime, until: datetime, top: float, high: float) -> str:
    return shape(axis.x(since), top, axis.x(until) - axis.x(since), high)

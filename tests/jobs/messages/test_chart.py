"""The picture of a wave: it never shows more than was seen, and it can be drawn of anything."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jobs.messages.chart import ChartMark, PicturedChange, WavePicture, alternative, draw, steps
from jobs.messages.chart_paint import LABEL_GAP, place_labels
from jobs.messages.chart_scale import (
    SHORTEST,
    Bounds,
    ChartStep,
    Scale,
    runs,
    span_words,
)
from storage.model.text.axis_ticks import time_ticks
from tests.support.samples.readings import T0, minutes

DAY = timedelta(days=1)


def change(account_id: int, last_seen_old: float | None, first_seen_new: float) -> PicturedChange:
    """The account became blocked between these minutes."""
    old = None if last_seen_old is None else minutes(last_seen_old)
    return PicturedChange(account_id, True, old, minutes(first_seen_new))


def ended(account_id: int, last_seen_old: float | None, first_seen_new: float) -> PicturedChange:
    return replace(change(account_id, last_seen_old, first_seen_new), blocked=False)


def picture(
    changes: Iterable[PicturedChange] = (),
    *,
    since: float = 0,
    until: float = 60,
    watched: int = 10,
    before: int = 0,
    marks: tuple[ChartMark, ...] = (),
    zone: str = "UTC",
) -> WavePicture:
    return WavePicture(minutes(since), minutes(until), watched, before, tuple(changes), marks, zone)


@dataclass(frozen=True, slots=True)
class Life:
    """What truly became of one account, in minutes, and what was seen of it."""

    known_before: bool
    blocked_before: bool
    turns: tuple[tuple[int, bool], ...]
    changes: tuple[PicturedChange, ...]

    def is_blocked(self, at: float) -> bool:
        return [self.blocked_before, *(blocked for turned, blocked in self.turns if turned <= at)][-1]


@st.composite
def lives(draws: st.DrawFn) -> list[Life]:
    out: list[Life] = []
    for account_id in range(draws(st.integers(0, 6))):
        known, state = draws(st.booleans()), draws(st.booleans())
        before, last_read = state, draws(st.integers(0, 60))
        turned: list[tuple[int, bool]] = []
        changes: list[PicturedChange] = []
        for n in range(draws(st.integers(0 if known else 1, 5))):
            contrary = last_read + draws(st.integers(0, 20))
            at = contrary + draws(st.integers(1, 20))
            last_read = at + draws(st.integers(0, 20))
            # From one block to another is a change that turns nothing.
            state = not state if n == 0 and known else draws(st.booleans())
            turned.append((at, state))
            old = minutes(contrary) if n or known else None
            changes.append(PicturedChange(account_id, state, old, minutes(last_read)))
        out.append(Life(known, before, tuple(turned), tuple(changes)))
    return out


def bounds_at(steps: Sequence[ChartStep], at: datetime) -> Bounds:
    """The bounds at one instant, not before the first step."""
    step = steps[bisect_right(steps, at, key=lambda s: s.at) - 1]
    return step.here if step.at == at else step.after


@given(lives(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_whatever_truly_happened_lies_within_the_band(
    accounts: list[Life], others: int, random: Random
) -> None:
    changes = [c for life in accounts for c in life.changes]
    random.shuffle(changes)
    before = others + sum(life.known_before and life.blocked_before for life in accounts)
    drawn = steps(picture(changes, until=400, before=before))
    read = {
        (t - T0) / timedelta(minutes=1) for c in changes for t in (c.last_seen_old, c.first_seen_new) if t
    }
    for at in {0.0, *read, *(t + 0.5 for t in read)}:
        truth = others + sum(life.is_blocked(at) for life in accounts)
        bounds = bounds_at(drawn, minutes(at))
        assert bounds.least <= truth <= bounds.most
        # And it is no wider than the accounts of which it is not known.
        amid = sum((c.last_seen_old or T0 - DAY) < minutes(at) < c.first_seen_new for c in changes)
        assert bounds.most - bounds.least <= amid


SCALE = Scale(80, 1000, 76, 306, minutes(0), minutes(400), 20)


@given(lives())
def test_no_step_is_lost_between_two_pixels(accounts: list[Life]) -> None:
    drawn = steps(picture([c for life in accounts for c in life.changes], until=400))
    levels = list(runs(drawn, SCALE))
    by_pixel = {x: level for first, last, level in levels for x in range(first, last + 1)}
    assert sorted(by_pixel) == list(range(SCALE.left, SCALE.right + 1))
    assert sum(last - first + 1 for first, last, _ in levels) == len(by_pixel)
    for step in drawn:
        level = by_pixel[SCALE.x(step.at)]
        for bounds in (step.here, step.after):
            assert level.least <= bounds.least <= level.highest_least
            assert bounds.most_read <= level.most_read
            assert bounds.most <= level.most


def many(count: int, last_seen_old: float, first_seen_new: float) -> list[PicturedChange]:
    return [change(i, last_seen_old, first_seen_new) for i in range(count)]


STRANGE = "\x00\u202e\U0001f600नोटिस\u200d \r\nn\u0303 " + "W" * 200
PICTURES = {
    "nothing": picture(watched=0),
    "no change": picture(before=3),
    "one change": picture([change(1, 10, 25)], marks=(ChartMark(minutes(5), "Order issued"),)),
    "one instant": picture([change(1, 50, 60)], since=60, marks=(ChartMark(minutes(60), "Order issued"),)),
    "all at the same instant": picture(many(10, 30, 30)),
    "more blocked than watched": picture(many(10, 30, 45), watched=4),
    "the end comes before the start": picture([change(1, 10, 25)], since=90),
    "1,178 in one interval": picture(many(1178, 15, 30), watched=1178),
    "an open interval at the end": picture(many(1178, 55, 70), watched=1178),
    "5,000 over six weeks": picture(
        [change(i, 12 * i, 12 * i + 30) for i in range(5000)], until=60_480, watched=6000
    ),
    "back and forth": picture(
        [
            replace(change(i, 15 * n + i, 15 * n + i + 7), blocked=n % 2 == 0)
            for i in range(40)
            for n in range(99)
        ],
        until=1500,
        watched=40,
    ),
    "never read before": picture([change(i, None, 30 + i) for i in range(10)], before=2, watched=12),
    "labels of strangers": picture(marks=tuple(ChartMark(minutes(i), STRANGE) for i in range(60))),
}


@pytest.mark.parametrize("drawn", PICTURES.values(), ids=PICTURES)
def test_anything_can_be_drawn_small_and_equal_each_time(drawn: WavePicture) -> None:
    png = draw(drawn)
    assert png == draw(replace(drawn, changes=tuple(drawn.changes)))
    assert len(png) < 40_000
    with Image.open(BytesIO(png)) as image:
        image.load()
        assert (image.format, image.size, image.mode, image.info) == ("PNG", (1120, 360), "RGB", {})


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        pytest.param(
            picture(before=3),
            "3 of 10 watched accounts were blocked as of 1 Feb 2021, 01:00 UTC. "
            "No change was seen since 1 Feb 2021, 00:00 UTC.",
            id="nothing changed",
        ),
        pytest.param(
            picture(watched=0),
            "0 accounts were blocked as of 1 Feb 2021, 01:00 UTC. "
            "No change was seen since 1 Feb 2021, 00:00 UTC.",
            id="nothing is watched",
        ),
        pytest.param(
            picture([change(1, 10, 25)], watched=1),
            "1 of 1 watched account was blocked as of 1 Feb 2021, 01:00 UTC. "
            "1 account became blocked between 00:10 and 00:25 UTC on 1 Feb 2021.",
            id="one account",
        ),
        pytest.param(
            picture(many(1178, 10, 25), watched=1200, zone="Asia/Kolkata"),
            "1,178 of 1,200 watched accounts were blocked as of 1 Feb 2021, 01:00 UTC. "
            "1,178 accounts became blocked between 00:10 and 00:25 UTC (05:40 and 05:55 IST) on 1 Feb 2021.",
            id="times stand in the zone of the readers as well",
        ),
        pytest.param(
            picture([*many(3, 10, 25), ended(1, 30, 40), ended(2, 40, 50)]),
            "1 of 10 watched accounts was blocked as of 1 Feb 2021, 01:00 UTC, 3 at the peak. "
            "3 accounts became blocked between 00:10 and 00:25 UTC on 1 Feb 2021; "
            "2 accounts ceased to be blocked between 00:30 and 00:50 UTC on 1 Feb 2021.",
            id="the peak is told when it is over",
        ),
        pytest.param(
            picture([change(1, 0, 10), change(2, 5, 20), ended(1, 10, 20)]),
            "1 of 10 watched accounts was blocked as of 1 Feb 2021, 01:00 UTC. "
            "2 accounts became blocked between 00:00 and 00:20 UTC on 1 Feb 2021; "
            "1 account ceased to be blocked between 00:10 and 00:20 UTC on 1 Feb 2021.",
            id="a peak that only may have been is not told",
        ),
        pytest.param(
            picture([*many(4, 0, 10), change(5, 5, 20), *(ended(i, 15, 30) for i in range(4))]),
            "1 of 10 watched accounts was blocked as of 1 Feb 2021, 01:00 UTC, "
            "between 4 and 5 at the peak. "
            "5 accounts became blocked between 00:00 and 00:20 UTC on 1 Feb 2021; "
            "4 accounts ceased to be blocked between 00:15 and 00:30 UTC on 1 Feb 2021.",
            id="how high the peak was is told as far as it is known",
        ),
        pytest.param(
            picture([change(1, None, 20), change(2, None, 30), change(3, 20, 40)]),
            "3 of 10 watched accounts were blocked as of 1 Feb 2021, 01:00 UTC. "
            "1 account became blocked between 00:20 and 00:40 UTC on 1 Feb 2021; "
            "2 accounts were found blocked when first read, on or before 00:30 UTC on 1 Feb 2021.",
            id="what was blocked at its first reading did not become it as far as is known",
        ),
        pytest.param(
            picture([ended(1, None, 20)]),
            "0 of 10 watched accounts were blocked as of 1 Feb 2021, 01:00 UTC. "
            "No change was seen since 1 Feb 2021, 00:00 UTC.",
            id="what was not blocked at its first reading did not cease to be",
        ),
        pytest.param(
            picture([change(1, 10, 25), change(2, 55, 70)]),
            "Between 1 and 2 of 10 watched accounts were blocked as of 1 Feb 2021, 01:00 UTC. "
            "1 account became blocked between 00:10 and 00:25 UTC on 1 Feb 2021.",
            id="an interval that is open at the end leaves the number open",
        ),
        pytest.param(
            picture(many(5, 10, 25), watched=4),
            "5 accounts were blocked as of 1 Feb 2021, 01:00 UTC. "
            "5 accounts became blocked between 00:10 and 00:25 UTC on 1 Feb 2021.",
            id="more than are watched are not a part of them",
        ),
        pytest.param(
            picture([change(1, 5, 10), ended(1, 10, 20), change(1, 30, 40)]),
            "1 of 10 watched accounts was blocked as of 1 Feb 2021, 01:00 UTC. "
            "1 account became blocked between 00:05 and 00:40 UTC on 1 Feb 2021; "
            "1 account ceased to be blocked between 00:10 and 00:20 UTC on 1 Feb 2021.",
            id="an account that goes back and forth counts once",
        ),
    ],
)
def test_the_words_tell_what_the_picture_shows_and_no_more(drawn: WavePicture, words: str) -> None:
    assert alternative(drawn) == words


@given(
    st.integers(0, 40 * 366 * 24 * 60).map(minutes),
    st.timedeltas(SHORTEST, 12 * 366 * DAY),
)
def test_the_axis_of_time_has_a_few_ticks_at_equal_steps(start: datetime, span: timedelta) -> None:
    ticks = time_ticks(start, start + span)
    assert 3 <= len(ticks) <= 5
    assert all(start <= t.at <= start + span for t in ticks)
    apart = {b.at - a.at for a, b in pairwise(ticks)}
    assert len(apart) == 1 or min(apart) >= 28 * DAY  # months differ
    for before, tick in pairwise(ticks):
        assert before.at.date() == tick.at.date() or ":" not in tick.label


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2021-02-04T07:00+00:00", "2021-02-04T09:00+00:00", "4 Feb 2021"),
        ("2021-02-04T23:00+00:00", "2021-02-05T06:00+05:30", "4 to 5 Feb 2021"),
        ("2021-01-31T00:00+00:00", "2021-02-12T00:00+00:00", "31 Jan to 12 Feb 2021"),
        ("2020-12-31T00:00+00:00", "2021-01-01T00:00+00:00", "31 Dec 2020 to 1 Jan 2021"),
    ],
)
def test_the_days_of_a_picture_are_those_of_utc(since: str, until: str, words: str) -> None:
    assert span_words(datetime.fromisoformat(since), datetime.fromisoformat(until)) == words


@given(
    st.lists(st.tuples(st.integers(80, 1000), st.text(max_size=40)), max_size=12).map(
        lambda marks: sorted(marks, key=lambda m: m[0])
    )
)
def test_labels_overlap_neither_each_other_nor_a_line(marks: list[tuple[int, str]]) -> None:
    placed = place_labels(marks, 80, 1000)
    assert sorted(r.x for r in placed) == [x for x, _ in marks]
    shown = [(r, r.text_x, r.text_end) for r in placed if r.text]
    assert len(shown) >= min(1, len(marks))
    for label, start, end in shown:
        assert 80 <= start < end <= 1000
        for other, other_start, other_end in shown:
            if other is not label and other.row == label.row:
                assert end < other_start or other_end < start
            if other is not label and other.row > label.row:
                assert not start - LABEL_GAP < other.x < end + LABEL_GAP

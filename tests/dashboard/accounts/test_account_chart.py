# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportArgumentType=false
"""What the figure of one account draws, and what it must not: a gap is never bridged."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pytest

from collectors.x.declaration import X
from dashboard.accounts.account_chart import (
    LETTER_PX,
    WIDEST_PX,
    AccountTimeline,
    TimelineOverlay,
    account_figure,
    known_until,
)
from dashboard.ui.chart_style import CONFIG, without_gaps
from storage.live.account_detail import account_detail
from storage.live.lists_and_executives import LiveSignal
from storage.live.snapshot import LiveChange, LiveSpell
from storage.model.core.availability import ChangeKind, State, Status, Strength
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.signals import SignalKind
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import spans
from tests.support.samples.orders import ORDER
from tests.support.seeds.changes import AVAILABLE, DAY, HOUR, WITHHELD, Story
from tests.support.servers.dashboard import SETTINGS

MINUTE = timedelta(minutes=1)
T0 = datetime(2021, 2, 1, 12, tzinfo=UTC)


async def test_one_accounts_figure_draws_windows_hatched_and_never_bridges_a_gap(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        account = await account_detail(conn, story.wave[0], story.now, SETTINGS.gap_after)
    assert account is not None

    figure = account_figure(
        X,
        account.spells,
        account.changes,
        account.seen,
        TimelineOverlay((), ()),
        story.now,
        known_until(account.seen, story.now, SETTINGS.gap_after),
        "light",
    ).figure

    bars = {trace.name: trace for trace in figure.data}
    assert set(bars) >= {"Change window", "Available", "Withheld"}
    assert bars["Change window"].marker.pattern.shape == "/"
    assert spans(bars["Withheld"])[0][0] == account.spells[1].since
    gap = account.seen.gaps[0]
    assert gap.until is not None
    for start, end in spans(bars["Available"]):
        assert end <= gap.since or start >= gap.until
    assert "sendChartToCloud" in CONFIG["modeBarButtonsToRemove"]


async def test_a_provisional_change_ends_the_old_bar_where_it_was_last_seen(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        account = await account_detail(conn, story.provisional[0], story.now, SETTINGS.gap_after)
    assert account is not None

    figure = account_figure(
        X,
        account.spells,
        account.changes,
        account.seen,
        TimelineOverlay((), ()),
        story.now,
        known_until(account.seen, story.now, SETTINGS.gap_after),
        "dark",
    ).figure

    bars = {trace.name: trace for trace in figure.data}
    assert spans(bars["Available"])[-1][1] == account.changes[0].last_seen_old
    assert spans(bars["Provisional or not confirmed"])[0][0] == account.changes[0].first_seen_new


def test_an_account_that_was_never_read_has_an_empty_figure() -> None:
    figure = account_figure(X, (), (), Seen(None, ()), TimelineOverlay((), ()), T0, T0, "light").figure

    assert len(figure.data) == 0


@pytest.mark.parametrize(
    ("gaps", "parts"),
    [
        pytest.param([], [(0, 10)], id="no gap"),
        pytest.param([(2, 3)], [(0, 2), (3, 10)], id="a gap inside splits"),
        pytest.param([(-1, 2)], [(2, 10)], id="a gap over the start cuts"),
        pytest.param([(9, 12)], [(0, 9)], id="a gap over the end cuts"),
        pytest.param([(-5, 20)], [], id="nothing was read"),
        pytest.param([(12, 13)], [(0, 10)], id="a gap elsewhere"),
    ],
)
def test_bars_are_drawn_only_where_somebody_looked(
    gaps: list[tuple[int, int]], parts: list[tuple[int, int]]
) -> None:
    def at(hour: int) -> datetime:
        return T0 + hour * HOUR

    found = without_gaps(at(0), at(10), tuple(Gap(at(a), at(b)) for a, b in gaps))

    assert found == [(at(a), at(b)) for a, b in parts]


def drawn(
    spells: Sequence[LiveSpell] = (),
    changes: Sequence[LiveChange] = (),
    gaps: Sequence[Gap] = (),
    days: int = 360,
) -> AccountTimeline:
    now = T0 + days * DAY
    return account_figure(
        X, tuple(spells), tuple(changes), Seen(now, tuple(gaps)), TimelineOverlay((), ()), now, now, "light"
    )


def a_change(number: int, at: datetime, outcome: str | None, new: State = WITHHELD) -> LiveChange:
    return LiveChange(
        number,
        1,
        ChangeKind.BLOCK,
        AVAILABLE,
        new,
        Strength.STRONG,
        at - MINUTE,
        at,
        at,
        outcome,
        None,
        None if outcome is None else at,
        None if outcome is None else at,
        1,
        None,
        X,
    )


@pytest.mark.parametrize("minutes", [-2, 2])
def test_a_provisional_change_is_drawn_however_close_another_that_was_not_confirmed_is(minutes: int) -> None:
    at = T0 + 359 * DAY
    changes = [a_change(1, at + minutes * MINUTE, "not_confirmed"), a_change(2, at, None)]

    timeline = drawn([LiveSpell(1, AVAILABLE, None, T0, None)], changes)

    (hollow,) = (t for t in timeline.figure.data if t.name == "Provisional or not confirmed")
    assert ["not confirmed" in words for words in hollow.customdata] == [True, False]
    assert spans(hollow)[-1][0] == at


def turns(*states: State) -> list[LiveSpell]:
    """Each state for a minute, half a year after the account was first seen available."""
    at = T0 + 180 * DAY
    begins = [T0, *(at + n * MINUTE for n in range(len(states)))]
    return [
        LiveSpell(1, value, None if n == 0 else since - MINUTE / 2, since, None)
        for n, (value, since) in enumerate(zip((AVAILABLE, *states), begins, strict=True))
    ]


def test_changes_within_a_pixel_are_drawn_once_for_each_new_state() -> None:
    turkey = State(Status.WITHHELD, ("TR",))

    timeline = drawn(turns(WITHHELD, turkey, WITHHELD, turkey, WITHHELD, AVAILABLE))

    (windows,) = (t for t in timeline.figure.data if t.name == "Change window")
    on_status = [w for w, row in zip(windows.customdata, windows.y, strict=True) if row == "Status"]
    assert [words.split(": ")[0] for words in on_status] == [
        "Withheld in India (IN)",
        "Withheld in Turkey (TR)",
        "Available",
    ]


def test_a_state_drawn_says_how_many_more_of_its_kind_lie_within_its_pixel() -> None:
    turkey = State(Status.WITHHELD, ("TR",))

    timeline = drawn(turns(WITHHELD, turkey, WITHHELD, turkey, WITHHELD, AVAILABLE))

    (withheld,) = (t for t in timeline.figure.data if t.name == "Withheld")
    on_status = [w for w, row in zip(withheld.customdata, withheld.y, strict=True) if row == "Status"]
    assert [(words.split("<br>")[0], words.split("<br>")[-1]) for words in on_status] == [
        ("Withheld in India (IN)", "and 2 more within this pixel"),
        ("Withheld in Turkey (TR)", "and 1 more within this pixel"),
    ]


def test_single_looks_leave_half_of_each_gap_between_them_free() -> None:
    looks = [T0 + n * DAY / 4 for n in range(4 * 360 + 1)]

    timeline = drawn([LiveSpell(1, AVAILABLE, None, T0, None)], gaps=[Gap(*two) for two in pairwise(looks)])

    (bar,) = (t for t in timeline.figure.data if t.name == "Available")
    looks_drawn = spans(bar)[1:-1]
    free = [after[0] - before[1] for before, after in pairwise(looks_drawn)]
    assert min(free) >= DAY / 8
    assert set(bar.marker.line.width[1:-1]) == {0}


def test_a_bar_that_is_wide_enough_has_an_outline() -> None:
    timeline = drawn([LiveSpell(1, AVAILABLE, None, T0, None)], gaps=[Gap(T0 + 100 * DAY, T0 + 200 * DAY)])

    (bar,) = (t for t in timeline.figure.data if t.name == "Available")
    assert list(bar.marker.line.width) == [1, 1]


def test_a_timeline_says_below_which_length_it_joined_something() -> None:
    spell = LiveSpell(1, AVAILABLE, None, T0, None)
    few = [Gap(T0 + n * DAY, T0 + n * DAY + HOUR) for n in range(1, 3)]
    many = [Gap(T0 + n * HOUR, T0 + n * HOUR + HOUR / 2) for n in range(1, 3)]

    assert drawn([spell], gaps=few).joined is None
    assert drawn([spell], gaps=many).joined == 360 * DAY / WIDEST_PX
    assert drawn(turns(WITHHELD, AVAILABLE, WITHHELD)).joined == 360 * DAY / WIDEST_PX


def gapped(gaps: int) -> go.Figure:
    """An account that was available for a year, with so many gaps, each followed by half as long a time with
    readings, and with as many acts of executives.
    """
    step = timedelta(days=360) / gaps
    now = T0 + timedelta(days=360) + step / 3
    return account_figure(
        X,
        (LiveSpell(1, AVAILABLE, None, T0, None),),
        (),
        Seen(now, tuple(Gap(T0 + n * step + step / 3, T0 + (n + 1) * step) for n in range(gaps))),
        TimelineOverlay(
            tuple(replace(ORDER, order_id=n, issued_at=T0 + n * step) for n in range(3)),
            tuple(LiveSignal(n, 9, SignalKind.LIKE, T0 + n * step, T0) for n in range(gaps)),
        ),
        now,
        now,
        "light",
    ).figure


@pytest.mark.parametrize("gaps", [100, 10_000])
def test_a_figure_costs_its_width_and_not_the_number_of_gaps_and_acts(gaps: int) -> None:
    figure = gapped(gaps)

    areas = [shape for shape in figure.layout.shapes if shape.type == "path"]
    assert len(areas) == 1
    assert len(figure.layout.shapes) == len(areas) + 3
    assert len(figure.layout.annotations) <= WIDEST_PX / LETTER_PX + 3
    assert all(len(trace.x) <= WIDEST_PX + 1 for trace in figure.data)


def test_many_narrow_gaps_are_one_paler_area_that_says_it_was_partly_checked() -> None:
    few, many = gapped(100), gapped(10_000)

    (clear,), (pale,) = ([s for s in f.layout.shapes if s.type == "path"] for f in (few, many))
    assert pale.opacity < clear.opacity
    assert "partly checked:<br>10,000 gaps, 240 d in all" in [a.text for a in many.layout.annotations]
    assert not any("partly" in a.text for a in few.layout.annotations)


def test_a_bar_between_narrow_gaps_is_never_longer_than_what_was_seen() -> None:
    figure = gapped(10_000)

    (bar,) = (trace for trace in figure.data if trace.name == "Available")
    assert set(bar.x) == {timedelta(days=360) / 10_000 / 3 / timedelta(milliseconds=1)}


def test_acts_that_lie_upon_each_other_are_one_mark_with_their_number() -> None:
    figure = gapped(10_000)

    (acts,) = (trace for trace in figure.data if "engagements" in trace.name)
    assert acts.customdata[0].startswith("Like, 7 times<br>1 Feb 2021, 12:00 UTC<br>to ")


class CountedGaps(tuple[Gap, ...]):
    """Counts how often one of them is looked at."""

    looked = 0

    def __getitem__(self, index: Any) -> Any:
        type(self).looked += 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Gap]:
        for n in range(len(self)):
            yield self[n]


def test_each_period_looks_at_its_own_gaps_only() -> None:
    many = 1_000
    gaps = CountedGaps(Gap(T0 + n * HOUR, T0 + (n + 0.5) * HOUR) for n in range(many))

    for n in range(many):
        without_gaps(T0 + n * HOUR, T0 + (n + 1) * HOUR, gaps)

    assert CountedGaps.looked < 20 * many

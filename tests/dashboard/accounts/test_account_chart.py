# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportArgumentType=false
"""What the figure of one account draws, and what it must not: a gap is never bridged."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import plotly.graph_objects as go
import pytest

from collectors.x.declaration import X
from dashboard.accounts.account_chart import (
    LETTER_PX,
    WIDEST_PX,
    TimelineOverlay,
    account_figure,
    known_until,
)
from dashboard.ui.chart_style import CONFIG, without_gaps
from storage.live.account_detail import account_detail
from storage.live.lists_and_executives import LiveSignal
from storage.live.snapshot import LiveSpell
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.signals import SignalKind
from storage.postgres.pool import Pool, transaction
from tests.support.samples.orders import ORDER
from tests.support.seeds.changes import AVAILABLE, HOUR, Story
from tests.support.servers.dashboard import SETTINGS

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
    )

    bars = {trace.name: trace for trace in figure.data}
    assert set(bars) >= {"Change window", "Available", "Withheld"}
    assert bars["Change window"].marker.pattern.shape == "/"
    assert bars["Withheld"].base[0] == account.spells[1].since
    gap = account.seen.gaps[0]
    assert gap.until is not None
    for start, length in zip(bars["Available"].base, bars["Available"].x, strict=True):
        end = start + timedelta(milliseconds=length)
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
    )

    bars = {trace.name: trace for trace in figure.data}
    last = bars["Available"].base[-1] + timedelta(milliseconds=bars["Available"].x[-1])
    assert last == account.changes[0].last_seen_old
    assert bars["Provisional or not confirmed"].base[0] == account.changes[0].first_seen_new


def test_an_account_that_was_never_read_has_an_empty_figure() -> None:
    figure = account_figure(X, (), (), Seen(None, ()), TimelineOverlay((), ()), T0, T0, "light")

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
    )


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

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportArgumentType=false
"""What the figure of one account draws, and what it must not: a gap is never bridged."""

from datetime import UTC, datetime, timedelta

import pytest

from collectors.x.declaration import X
from dashboard.accounts.account_chart import TimelineOverlay, account_figure, known_until
from dashboard.ui.chart_style import CONFIG, without_gaps
from storage.live.account_detail import account_detail
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.changes import HOUR, Story
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

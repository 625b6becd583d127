# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportArgumentType=false
"""What the figure of one account draws, and what it must not: a gap is never bridged."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import plotly.graph_objects as go
import pytest

from collectors.x.declaration import X
from dashboard.accounts.account_chart import (
    AccountTimeline,
    TimelineOverlay,
    account_figure,
)
from storage.live.lists_and_executives import LiveSignal
from storage.live.snapshot import LiveChange, LiveSpell
from storage.model.core.availability import ChangeKind, State, Status, Strength
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.signals import SignalKind
from tests.support.clients.page_text import spans
from tests.support.samples.orders import ORDER
from tests.support.seeds.changes import AVAILABLE, DAY, WITHHELD

MINUTE = timedelta(minutes=1)
T0 = datetime(2021, 2, 1, 12, tzinfo=UTC)


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


def test_single_looks_leave_half_of_each_gap_between_them_free() -> None:
    looks = [T0 + n * DAY / 4 for n in range(4 * 360 + 1)]

    timeline = drawn([LiveSpell(1, AVAILABLE, None, T0, None)], gaps=[Gap(*two) for two in pairwise(looks)])

    (bar,) = (t for t in timeline.figure.data if t.name == "Available")
    looks_drawn = spans(bar)[1:-1]
    free = [after[0] - before[1] for before, after in pairwise(looks_drawn)]
    assert min(free) >= DAY / 8
    assert set(bar.marker.line.width[1:-1]) == {0}


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


def test_acts_that_lie_upon_each_other_are_one_mark_with_their_number() -> None:
    figure = gapped(10_000)

    (acts,) = (trace for trace in figure.data if "engagements" in trace.name)
    assert acts.customdata[0].startswith("Like, 7 times<br>1 Feb 2021, 12:00 UTC<br>to ")

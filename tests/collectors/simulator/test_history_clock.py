from datetime import UTC, datetime, timedelta

from collectors.simulator.history import settled
from collectors.simulator.history_clock import HistoryClock
from collectors.x.declaration import X
from storage.model.core.availability import State, Status

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
AVAILABLE, SUSPENDED = State(Status.AVAILABLE), State(Status.SUSPENDED)


def clock() -> HistoryClock:
    """Account 1 is suspended on day 2, account 2 is renamed on day 4, account 3 is followed on day 6."""
    suspended = settled(X, "1", [(START, AVAILABLE, "one"), (START + 2 * DAY, SUSPENDED, "one")])
    renamed = settled(X, "2", [(START, AVAILABLE, "two"), (START + 4 * DAY, AVAILABLE, "other")])
    return HistoryClock([suspended, renamed], START, [(START + 6 * DAY, "3")])


def test_a_change_at_the_very_time_of_the_clock_has_happened() -> None:
    moved = clock()
    assert moved.move_to(START + 2 * DAY) == {"1"}
    assert moved.move_to(START + 2 * DAY - timedelta(microseconds=1)) == {"1"}


def test_what_was_there_at_the_first_reading_is_no_change() -> None:
    assert clock().move_to(START - DAY) == set()

"""What is typed into the form of an event becomes the event, and no more than was typed."""

from datetime import UTC, datetime

import pytest

from dashboard.filing.event_form import EventForm

NOW = datetime(2021, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "first", "last"),
    [("", "2021-02-04 00:00:00", "2021-02-04 23:59:59"), ("06:30", None, None)],
    ids=["a day without a time is the whole day", "a time is exact"],
)
def test_the_date_of_an_event_is_as_exact_as_it_was_typed(
    clock: str, first: str | None, last: str | None
) -> None:
    event = EventForm(day="2021-02-04", clock=clock, text="Notice", source="A paper").event("R1", NOW)
    shown = [None if at is None else f"{at:%Y-%m-%d %H:%M:%S}" for at in (event.at_from, event.at_to)]
    assert shown == [first, last]

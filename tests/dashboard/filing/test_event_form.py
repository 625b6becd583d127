"""What is typed into the form of an event becomes the event, and no more than was typed."""

from datetime import UTC, datetime

import pytest

from dashboard.filing.event_form import EventForm
from dashboard.ui.inputs import FieldFault
from storage.model.core.orders import ClaimedTargets

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


@pytest.mark.parametrize(
    ("chosen", "targets"),
    [(None, None), ("posts", ClaimedTargets.POSTS), ("both", ClaimedTargets.BOTH)],
    ids=["a source that does not say", "posts", "accounts and posts"],
)
def test_a_number_counts_what_was_chosen(chosen: str | None, targets: ClaimedTargets | None) -> None:
    form = EventForm(day="2021-02-04", text="t", source="s", claimed="3", what="withheld", targets=chosen)
    claim = form.event("R1", NOW).claim
    assert claim is not None
    assert claim.targets is targets


def test_what_a_number_counts_is_refused_without_the_number() -> None:
    with pytest.raises(FieldFault, match="Fill in both"):
        EventForm(day="2021-02-04", text="t", source="s", targets="posts").event("R1", NOW)

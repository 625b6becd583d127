"""A date is disputed where sources name more than one day, and not where only its time is unknown."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from storage.model.core.orders import OrderEvent, OrderEventKind
from tests.support.samples.orders import ORDER

NOON = datetime(2021, 2, 4, 12, tzinfo=UTC)
FIRST, LAST = NOON.replace(hour=0), NOON.replace(hour=23, minute=59, second=59)
BEFORE, AFTER = datetime(2021, 1, 30, tzinfo=UTC), datetime(2021, 2, 6, tzinfo=UTC)
EVENT = OrderEvent(1, 7, OrderEventKind.NOTICE, NOON, None, None, "Notice", "A paper", NOON)

DATES = {
    "an exact time": (None, None, False),
    "a day without a time": (FIRST, LAST, False),
    "two days": (BEFORE, LAST, True),
    "an earlier day without a later": (BEFORE, None, True),
    "a later day without an earlier": (None, AFTER, True),
}


@pytest.mark.parametrize(("first", "last", "disputed"), DATES.values(), ids=DATES)
def test_a_date_is_disputed_if_sources_name_two_days(
    first: datetime | None, last: datetime | None, disputed: bool
) -> None:
    order = replace(ORDER, issued_at=NOON, issued_from=first, issued_to=last)
    event = replace(EVENT, at_from=first, at_to=last)
    assert (order.is_disputed, event.is_disputed) == (disputed, disputed)

"""A change that fits an order is shown as such, and no other."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.model.causes.consistent_orders import consistent_orders
from storage.model.core.accounts import ListId
from storage.model.core.availability import EVERYWHERE, State, Status
from storage.model.core.orders import Order

ISSUED = datetime(2021, 2, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
INDIA = Order(1, "IN/1", "", "", "IN", "", ISSUED, None, None, None, 1, ListId(1), ISSUED)
TURKEY = Order(
    2, "TR/1", "", "", "TR", "", ISSUED + DAY, ISSUED, ISSUED + 2 * DAY, None, 1, ListId(2), ISSUED
)
AVAILABLE, SUSPENDED = State(Status.AVAILABLE), State(Status.SUSPENDED)


def withheld(*countries: str) -> State:
    return State(Status.WITHHELD, countries)


@pytest.mark.parametrize(
    ("old", "new", "at", "fits"),
    [
        pytest.param(AVAILABLE, withheld("IN"), ISSUED + HOUR, [1], id="withheld in its country after it"),
        pytest.param(AVAILABLE, withheld("IN", "TR"), ISSUED, [1, 2], id="in both countries"),
        pytest.param(AVAILABLE, withheld(EVERYWHERE), ISSUED + HOUR, [1, 2], id="everywhere"),
        pytest.param(None, withheld("IN"), ISSUED + HOUR, [1], id="the first thing that was seen of it"),
        pytest.param(withheld("IN"), withheld("IN", "TR"), ISSUED + HOUR, [2], id="a country more"),
        pytest.param(AVAILABLE, withheld("IN"), ISSUED - HOUR, [], id="seen before the order was issued"),
        pytest.param(AVAILABLE, withheld("FR"), ISSUED + HOUR, [], id="another country"),
        pytest.param(AVAILABLE, SUSPENDED, ISSUED + HOUR, [], id="suspended, which may have other reasons"),
        pytest.param(withheld("IN"), AVAILABLE, ISSUED + HOUR, [], id="back again"),
    ],
)
def test_a_change_fits_the_orders_that_name_the_account_in_the_countries_that_it_gained(
    old: State | None, new: State, at: datetime, fits: list[int]
) -> None:
    assert [o.order_id for o in consistent_orders(old, new, at, [TURKEY, INDIA])] == fits

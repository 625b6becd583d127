"""An order's page has a timer while names wait, and none after."""

from dataclasses import replace

import pytest

from collectors.x.declaration import X
from dashboard.names.waiting_names import waiting_for
from storage.model.core.orders import NameOutcome, OrderName, Withdrawal
from tests.support.samples.readings import minutes

WAITS = OrderName(1, "@a", X, "a", None, NameOutcome.NOT_TRIED, None, "", "test", minutes(0), None)
FOUND = replace(WAITS, outcome=NameOutcome.UNRESOLVABLE)
WITHDRAWN = replace(WAITS, withdrawal=Withdrawal(minutes(1), "Asha", "a slip"))


@pytest.mark.parametrize(
    ("names", "waiting"),
    [
        pytest.param([WAITS, FOUND, WAITS], 2, id="while names wait"),
        pytest.param([FOUND, WITHDRAWN], 0, id="not for names that have an answer or are withdrawn"),
        pytest.param([], 0, id="not for an order without names"),
    ],
)
def test_the_timer_is_there_while_names_wait(names: list[OrderName], waiting: int) -> None:
    parts = waiting_for(7, names)
    assert len(parts) == (2 if waiting else 0)
    if waiting:
        assert parts[0].data == {"order": 7, "names": waiting}  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

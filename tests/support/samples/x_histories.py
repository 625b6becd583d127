"""True histories that the simulators serve to tests."""

from datetime import timedelta

from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from storage.model.core.availability import State, Status
from tests.support.samples.readings import T0

HOUR = timedelta(hours=1)

STATES = [
    State(Status.AVAILABLE),
    State(Status.SUSPENDED),
    State(Status.WITHHELD, ("IN",)),
    State(Status.AVAILABLE),
    State(Status.DEACTIVATED),
    State(Status.PROTECTED),
    State(Status.WITHHELD, ("IN", "TR")),
    State(Status.NOT_FOUND),
]
"""Account i of the crowd begins with the i-th of these and goes on to the next one every hour."""

CROWD = History(
    tuple(
        settled(
            X,
            str(1000 + i),
            [(T0 + n * HOUR, STATES[(i + n) % len(STATES)], f"name_{i}") for n in range(12)],
        )
        for i in range(60)
    )
)


def one(native_id: str, handle: str, status: Status, *countries: str) -> History:
    """A history of one account that never changes."""
    return History((settled(X, native_id, [(T0, State(status, countries), handle)]),))

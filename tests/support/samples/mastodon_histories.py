"""True histories of Mastodon that the simulators serve to tests."""

from datetime import timedelta

from collectors.mastodon.declaration import MASTODON
from collectors.simulator.history import History, settled
from storage.model.core.availability import State, Status
from tests.support.samples.readings import T0

HOUR = timedelta(hours=1)
HOST, OTHER_HOST = "mastodon.example", "social.example"

STATES = [
    State(Status.AVAILABLE),
    State(Status.SUSPENDED),
    State(Status.WITHHELD, ("IN",)),
    State(Status.PROTECTED),
    State(Status.NOT_FOUND),
    State(Status.DEACTIVATED),
]
"""Account i of the town begins with the i-th of these and goes on to the next one every hour."""


def native_id(number: int, host: str = HOST) -> str:
    return f"https://{host}/users/name_{number}#{1000 + number}"


TOWN = History(
    tuple(
        settled(
            MASTODON,
            native_id(i, host),
            [(T0 + n * HOUR, STATES[(i + n) % len(STATES)], f"name_{i}@{host}") for n in range(12)],
        )
        for host in (HOST, OTHER_HOST)
        for i in range(20)
    )
)


def one(status: Status) -> History:
    """Account 1 of the first host, which never changes."""
    return History((settled(MASTODON, native_id(1), [(T0, State(status), f"name_1@{HOST}")]),))

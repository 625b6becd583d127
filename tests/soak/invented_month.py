"""Pure: what happens to the accounts of a soak, and which of them are watched on which day."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from collectors.bluesky.declaration import BLUESKY
from collectors.simulator.history import HistoryAccount, settled
from collectors.simulator.platform_simulator import simulator_of
from collectors.x.declaration import X
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status

DAY = timedelta(days=1)
AWAKE = timedelta(minutes=45)
"""From the beginning of each day. For the rest of it the host is suspended."""
_ON_BLUESKY = 5
"""Every fifth account."""
_LISTS = 40
_SEED = 25
_AVAILABLE = State(Status.AVAILABLE)
_STATES = {
    X: (
        State(Status.WITHHELD, ("IN",)),
        State(Status.WITHHELD, ("IN", "TR")),
        State(Status.SUSPENDED),
        State(Status.NOT_FOUND),
        State(Status.PROTECTED),
    ),
    BLUESKY: (State(Status.SUSPENDED), State(Status.DEACTIVATED), State(Status.NOT_FOUND)),
}


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """How much is watched, for how long, and what happens each day."""

    days: int = 30
    accounts: int = 10_000
    """Watched at any time."""
    churn: int = 200
    """Accounts that are taken off the watch each day, and as many others that are put on it."""
    changing: float = 0.01
    """The share of the watched accounts whose status changes each day."""
    sweep_every: timedelta = timedelta(minutes=15)

    def leaving(self, day: int) -> range:
        """The numbers of the accounts that are taken off the watch on this day; the first day is 1."""
        return range((day - 1) * self.churn, day * self.churn)

    def joining(self, day: int) -> range:
        """The numbers of those that are put on it."""
        return range(self.accounts + (day - 1) * self.churn, self.accounts + day * self.churn)

    def watched(self, day: int) -> range:
        """The numbers of those that are on it all of this day, whoever joins or leaves."""
        return range(day * self.churn, self.accounts + (day - 1) * self.churn)


def invented_month(plan: SoakPlan, start: datetime) -> tuple[HistoryAccount, ...]:
    """The true history of everybody who is watched at any time, by number."""
    chance = random.Random(_SEED)
    changes: defaultdict[int, list[tuple[datetime, State]]] = defaultdict(list)
    for day in range(1, plan.days + 1):
        watched = plan.watched(day)
        for number in sorted(chance.sample(watched, round(plan.accounts * plan.changing))):
            # About half of the changes happen while the host is awake.
            within = chance.choice((AWAKE, DAY))
            at = start + (day - 1) * DAY + timedelta(seconds=chance.randrange(round(within.total_seconds())))
            before = changes[number][-1][1] if changes[number] else _AVAILABLE
            states = _STATES[_platform(number)]
            changes[number].append((at, _AVAILABLE if before != _AVAILABLE else chance.choice(states)))
    everybody = range(plan.accounts + plan.days * plan.churn)
    return tuple(_account(number, start, changes[number]) for number in everybody)


def _account(number: int, start: datetime, changes: Sequence[tuple[datetime, State]]) -> HistoryAccount:
    platform = _platform(number)
    if platform is BLUESKY:
        native_id = simulator_of(BLUESKY).made_up_id(blake2b(str(number).encode(), digest_size=16).digest())
        handle = f"account-{number}.test"
    else:
        native_id, handle = str(100_000 + number), f"account_{number}"
    seen = [(at, state, handle) for at, state in ((start - 365 * DAY, _AVAILABLE), *changes)]
    return settled(platform, native_id, seen, (f"Order {number % _LISTS + 1}",))


def _platform(number: int) -> Platform:
    return X if number % _ON_BLUESKY else BLUESKY

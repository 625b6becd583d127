"""Pure: how the accounts that a day's ceiling in dollars pays for are divided.

Who may be read on a day is decided in `jobs.planning.daily_bill` and `jobs.planning.sentinels`; here
is how many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

LEAST_USD, MOST_USD = 2, 1_000_000
"""Less would not pay for one whole request a day beside what has to be kept."""
BEFORE_MIDNIGHT, AFTER_MIDNIGHT = timedelta(minutes=2), timedelta(minutes=1)
"""UTC. So long nothing is asked: a request may take a minute with its retries, and clocks differ."""
CONTROLS = 10
"""So many accounts of a day are kept for control accounts, more where there are more."""
PER_LIST = 5
"""So many sentinels each list has, if the ceiling allows."""
_RESERVE = 0.3
"""Of the ceiling, kept for lists in which changes are seen, for promises, and for confirming."""
_SENTINELS = 0.3
"""Of the ceiling, at most, for the sentinels that every list has."""
_OF_ONE_LIST = 2 / 3
"""Of a day's reserve, so that the wave of one large list leaves something for the next list."""


def accounts_for(usd: Decimal, usd_per_account: float) -> int:
    """How many accounts a day's money pays for."""
    return int(usd / Decimal(str(usd_per_account)))


@dataclass(frozen=True, slots=True)
class CostLimitShares:
    """How the accounts of a day's ceiling are divided. What is left is the reserve."""

    most: int
    controls: int
    sentinels: int
    in_turn: int
    """For rosters of the sweep, those that wait longest."""
    round_days: int | None
    """Everybody has a turn within so many days, as long as the platform answers; None: nobody has."""

    @property
    def reserve(self) -> int:
        return self.most - self.controls - self.sentinels - self.in_turn

    @property
    def for_one_list(self) -> float:
        """Of the reserve, what changes seen in one list may pay for."""
        return _OF_ONE_LIST * self.reserve


def most_sentinels(most: int) -> int:
    return int(_SENTINELS * most)


def sentinels_of(sizes: Sequence[int], most: int) -> list[int]:
    """How many of `most` sentinels each list has, where nobody is on two: first one for every list, large
    ones first, then more.
    """
    counts, left = [0] * len(sizes), most
    by_size = sorted(range(len(sizes)), key=lambda n: -sizes[n])
    for depth in range(PER_LIST):
        for number in by_size:
            if left > 0 and depth < sizes[number]:
                counts[number] += 1
                left -= 1
    return counts


def divide(most: int, sizes: Sequence[int], controls: int, sentinels: int) -> CostLimitShares:
    """`sizes` are those of the rosters of the sweep: there is a turn for one of them on a day, if for any."""
    watched, largest = sum(sizes), max(sizes, default=1)
    controls = max(controls, CONTROLS)
    left = most - controls - sentinels
    in_turn = max(0, left - int(_RESERVE * most), min(left, largest))
    if watched <= most - controls:  # everybody can be paid for every day: nothing has to be kept
        return CostLimitShares(most, controls, 0, watched, 1)
    a_day = in_turn // largest
    return CostLimitShares(
        most, controls, sentinels, a_day * largest, -(-len(sizes) // a_day) if a_day else None
    )

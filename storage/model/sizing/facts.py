"""Pure: what sizing rests on: what platforms allow and charge, and what our own benches measured.

Each figure says where it comes from. Those that are measured are printed by `make bench GROUP=sizing` and
GROUP=storage, here on a machine with two cores; they are to be renewed when the collecting path, the coverage
table or what the monitor holds in memory changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from storage.model.core.accounts import Platform


class FigureBasis(StrEnum):
    """Where a figure comes from."""

    DOCUMENTED = "documented"
    """The platform says so, or it follows from what the platform says."""
    MEASURED = "measured"
    """By our own benches, multiplied."""
    SIMULATED = "simulated"
    ESTIMATE = "estimate"
    """A formula or a supposition that nothing has borne out in general."""
    RULE = "rule"
    """By what was asked for, and by how Blockline works."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so long, counted for `counted_for`."""

    requests: int
    within: timedelta
    counted_for: str
    source: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How one platform is asked."""

    batch: int
    """Accounts in one request, control accounts included."""
    limit: Limit | None
    """None: it documents none."""
    own_pace_s: float | None
    """Requests a second to one host that Blockline itself does not exceed. None: it keeps to the limit."""
    cpu_s_per_request: float
    memory_per_account: int
    """Bytes, the raw answers of the last reading among them."""

    @property
    def roster_size(self) -> int:
        """Watched accounts in one request."""
        return self.batch - CONTROLS


CONTROLS = 2
"""Control accounts in each request. Mastodon servers may have fewer; two is counted everywhere."""

# make bench GROUP=sizing, 26 November 2026: cpu_ms_per_request_* and memory_per_account_*, on a
# machine that was busy with other work (load 15 to 20): an idle one needs less.
TERMS: Mapping[Platform, Terms] = MappingProxyType(
    {
        Platform.X: Terms(
            batch=100,
            limit=Limit(
                300,
                timedelta(minutes=15),
                "an app",
                "X's documentation of rate limits, GET /2/users, as of August 2026",
            ),
            own_pace_s=None,
            cpu_s_per_request=0.0015,
            memory_per_account=1_250,
        ),
        Platform.BLUESKY: Terms(
            batch=25, limit=None, own_pace_s=5.0, cpu_s_per_request=0.0017, memory_per_account=1_770
        ),
        Platform.MASTODON: Terms(
            batch=40,
            limit=Limit(
                300,
                timedelta(minutes=5),
                "an address at each server",
                "Mastodon's source, rack_attack.rb; a server may set its own",
            ),
            own_pace_s=0.9,
            cpu_s_per_request=0.0037,
            memory_per_account=2_540,
        ),
    }
)

MEMORY_OF_A_PROCESS = 104_000_000
"""Bytes of a collecting process without accounts: memory_of_a_process_* of the same bench."""
UTILISATION = 0.5
"""No more of a core is planned for, so that a wave of changes and slow answers find room."""

BYTES_PER_REQUEST = 150
"""Of coverage and its indexes, however many accounts are in a request: bytes_per_request of GROUP=storage, 26
November 2026. It was 148 to 151 for rosters of 23, 38 and 98.
"""
BYTES_PER_CHANGE = 3_000
"""bytes_per_change of the same bench, which printed 2,600 to 3,100."""
BYTES_AT_FIRST = 1_900
"""Of an account's first state: bytes_per_account_at_first of the same bench, without raw answers."""
CHANGES_A_DAY = 0.0005
"""Share of the accounts that change in a day: supposed, as in that bench."""


COST_LIMIT_SWEEPS = 10 / 7
"""The adaptive planner leaves nobody unread for longer, in sweeps with the same number of readings."""
SHARE_IN_TURN = 0.7
"""The part of its requests that go in turn at least; the others may follow signs of change."""
UNRELATED_LATER = 1.05
"""How much later it sees changes that no list announces, against a sweep: 20,000 accounts, a sweep of a day,
98 accounts a request, 12 runs simulated: unrelated_delay_ratio_98 of make bench GROUP=planner. 1.00 to 1.10
in other settings.
"""
SIMULATED_ACCOUNTS, SIMULATED_SWEEP = 200_000, timedelta(minutes=10)
"""No more accounts and no shorter sweeps were simulated."""
ESTIMATE_EXCEEDED = 7.2
"""So many times its estimate the delay of a listed wave of 257 was at most in simulations: 1.3 with 20,000
accounts and a sweep of a day, 4.5 with 200,000; 3.5 and 7.1 at the rate limit of X.
"""

CONFIRMED_STRONG = timedelta(minutes=1)
CONFIRMED_WEAK = timedelta(minutes=60)
"""After the first contrary reading, by the rule of confirmation that holds unless another is set."""

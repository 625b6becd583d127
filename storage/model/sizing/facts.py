"""Pure: what sizing rests on beside the platforms' terms: what our own benches measured and simulated.

What a platform allows and charges stands in its declaration. Each figure says where it comes from. Those that
are measured are printed by `make bench GROUP=sizing` and GROUP=storage, here on a machine with two cores (26
November 2026, busy with other work: an idle one needs less); they are to be renewed when the collecting path,
the coverage table or what the monitor holds in memory changes.
"""

from datetime import timedelta
from enum import StrEnum


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


MEMORY_OF_A_PROCESS = 138_000_000
"""Bytes of a collecting process without accounts: memory_of_a_process_* of the same bench, which printed 127
to 138 MB in two runs (2 December 2026). Of memory_per_account_*, the declarations have the larger of the two,
rounded up.
"""
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

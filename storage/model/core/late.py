"""When an account, a server or a platform is late, and when nobody looked: the same wherever it is told."""

from datetime import timedelta
from typing import Final

LATE_SWEEPS: Final = 2
"""One sweep may fail. Whatever had no conclusive answer for longer is late: of it nothing is known now."""
LATE_AT_MOST: Final = 0.05
"""A greater share of late accounts is a trouble of the monitor, not of some accounts."""
_GAP_SWEEPS: Final = 2.5
"""Where one sweep failed two readings lie two sweeps apart, more or less, and no gap is between them."""


def late_after(sweep_every: timedelta) -> timedelta:
    return LATE_SWEEPS * sweep_every


def gap_after(sweep_every: timedelta) -> timedelta:
    """Two readings further apart leave a gap: nobody looked in between."""
    return _GAP_SWEEPS * sweep_every

"""When an account, a server or a platform is late, and when there is a gap: the same everywhere."""

from datetime import timedelta
from typing import Final

LATE_SWEEPS: Final = 2
"""One sweep may fail. After two without a conclusive answer an account is late: its status is unknown."""
LATE_AT_MOST: Final = 0.05
"""A greater share of late accounts is an issue of the monitor, not of some accounts."""
_GAP_SWEEPS: Final = 2.5
"""When one sweep fails, two readings are about two sweeps apart: that is not a gap yet."""


def late_after(sweep_every: timedelta) -> timedelta:
    return LATE_SWEEPS * sweep_every


def gap_after(sweep_every: timedelta) -> timedelta:
    """Two readings further apart leave a gap: nothing is known about the time between them."""
    return _GAP_SWEEPS * sweep_every

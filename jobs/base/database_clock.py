"""The time by which a process reads: that of its machine while it is right, and that of the database else.

The clock of a machine may be set at any moment, in the midst of a request too.
"""

import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.base.clock import Clock
from storage.postgres.pool import Conn
from storage.work.workers import MOST_CLOCK_OFF, database_now


@dataclass(frozen=True, slots=True)
class ClockComparison:
    """What the clock of the machine showed, and how far ahead of the database's that was."""

    at: datetime
    off: timedelta


class SteadyClock:
    """Runs on by itself from when it was last compared, so that a clock that is set moves it nowhere."""

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._at, self._at_s = machine(), _passed_s()
        self._off: timedelta | None = None

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=_passed_s() - self._at_s)

    async def compare(self, conn: Conn) -> ClockComparison:
        """Look at both, and go by the machine's from now on, or by the database's if it is too far off.

        An answer that took long says nothing, as long as there was one before.
        """
        began_s = _passed_s()
        theirs = await database_now(conn)
        mine, now_s = self._machine(), _passed_s()
        took = timedelta(seconds=now_s - began_s)
        if self._off is None or took <= 2 * MOST_CLOCK_OFF:
            self._off = least_off(mine, theirs, took)
            self._at, self._at_s = mine if abs(self._off) <= MOST_CLOCK_OFF else theirs + took / 2, now_s
        return ClockComparison(mine, self._off)

    def is_right(self) -> bool:
        """Whether the machine's clock was, when it was last compared, and was not set since."""
        return (
            self._off is not None
            and abs(self._off) <= MOST_CLOCK_OFF
            and abs(self._machine() - self()) <= MOST_CLOCK_OFF
        )


def least_off(mine: datetime, theirs: datetime, took: timedelta) -> timedelta:
    """How far a machine's clock is ahead of the database's (behind: negative), as far as it was seen.

    It shows `mine` when `theirs` arrives, `took` after it was asked for. In which moment of that the database
    read its clock is not known: if one of them explains the difference, there is none.
    """
    most = mine - theirs
    return max(most - took, min(most, timedelta(0)))


def _passed_s() -> float:
    """Seconds since any moment, those included in which the machine slept, where it counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()

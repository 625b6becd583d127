"""Pure: the bins of time that changes are counted in, and their words.

Only the period decides them, so that its peaks are the same in every figure. For Live and Replay
`dashboard/assets/board/bins.mjs` decides the same.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from storage.model.text.units import span

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_STEPS: Final = (
    *(timedelta(minutes=n) for n in (1, 5, 15, 30)),
    *(n * _HOUR for n in (1, 3, 6, 12)),
    *(n * _DAY for n in (1, 7, 30)),
)
_MOST: Final = 128
_NAMES: Final = {timedelta(minutes=1): "per minute", _HOUR: "per hour", _DAY: "per day"}


@dataclass(frozen=True, slots=True)
class TimeBins:
    """Equal parts of time, which begin at whole steps since 1970 in UTC."""

    start: datetime
    step: timedelta
    count: int

    def place(self, at: datetime) -> int:
        """The number of the bin that holds a moment of the period."""
        return (at - self.start) // self.step


def time_bins(since: datetime, until: datetime) -> TimeBins:
    """The bins that hold all of a period, its end included."""
    long = _STEPS[-1]
    fitting = (s for s in _STEPS if (until - since) / s <= _MOST)
    step = next(fitting, None) or -(-((until - since) / _MOST) // long) * long
    start = _EPOCH + (since - _EPOCH) // step * step
    return TimeBins(start, step, (until - start) // step + 1)


def per_bin(step: timedelta) -> str:
    """The width of a bin, to stand beside a number: "per hour"."""
    return _NAMES.get(step) or f"per {span(step) if step < _DAY else f'{step // _DAY} days'}"

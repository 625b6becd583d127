"""Pure: durations and sizes as people write them (90s, 15m, 6h, 1d) and read them, and short lists."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FORM = re.compile(r"([0-9]{1,8})([smhd])")
_LONGEST = timedelta(days=366)
_NONE = timedelta(0)
_UNMEASURED = timedelta(seconds=0.05)
"""What a message takes on its way cannot be told from a clock that is off."""


def number(n: int, singular: str) -> str:
    """`1 account`, `1,178 accounts`."""
    return f"{n:,} {singular}" if n == 1 else f"{n:,} {singular}s"


def in_period(since: datetime, until: datetime, now: datetime | None) -> str:
    """`In the last 30 days` for a period up to `now`, or if that is None; else the period with both ends."""
    if now is not None and until < now:
        return f"From {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    days = max(1, round((until - since) / timedelta(days=1)))
    return f"In the last {number(days, 'day')}"


def either(names: Collection[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def parse_duration(text: str) -> timedelta:
    """The duration in `text`. Raises ValueError with a sentence when it is not one, or not positive."""
    found = _FORM.fullmatch(text.strip())
    duration = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < duration <= _LONGEST:
        raise ValueError(f"{text!r} is not a duration up to a year; write it like 90s, 15m, 6h or 1d.")
    return duration


def spoken(span: timedelta) -> str:
    """`45 minutes`, `2 hours`, `3 days`: rounded down, in the largest unit of which there are two."""
    for name, unit in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if span >= 2 * unit:
            return f"{span // unit} {name}s"
    minutes = span // timedelta(minutes=1)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def span(length: timedelta) -> str:
    """Two units at most: "8 h 30 min"."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def clock_words(off: timedelta) -> str:
    """How far a clock is ahead of another one, as far as that can be measured: "3.2 s ahead", "right"."""
    if abs(off) < _UNMEASURED:
        return "right"
    seconds = abs(off).total_seconds()
    return f"{f'{seconds:.1f} s' if seconds < 90 else span(abs(off))} {'ahead' if off > _NONE else 'behind'}"


def size_words(n: float) -> str:
    """ "95 MB", "1.2 GB": in thousands, as disks are sold."""
    for unit, of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= of:
            return f"{n / of:,.0f} {unit}" if n >= 10 * of else f"{n / of:.1f} {unit}"
    return f"{n:,.0f} bytes"

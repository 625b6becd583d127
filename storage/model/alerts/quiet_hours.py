"""Pure: quiet hours: when notifications of a rule wait, in the rule's own time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of a day in which nothing is told, in the zone of the rule. They may span midnight."""

    begins: time
    ends: time


def quiet_until(at: datetime, quiet: QuietHours | None, zone: str) -> datetime:
    """The end of the quiet hours that `at` falls into; `at` itself when it falls into none."""
    if quiet is None:
        return at
    local = at.astimezone(ZoneInfo(zone))
    clock = local.time()
    if quiet.begins < quiet.ends:
        is_quiet, day = quiet.begins <= clock < quiet.ends, local.date()
    else:
        is_quiet = clock >= quiet.begins or clock < quiet.ends
        day = local.date() + timedelta(days=1) if clock >= quiet.begins else local.date()
    if not is_quiet:
        return at
    # An hour that the clocks leave out or repeat is resolved by `fold=0`, as a wall clock would be read.
    return max(at, datetime.combine(day, quiet.ends, ZoneInfo(zone)).astimezone(UTC))

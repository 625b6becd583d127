"""Words for readers: names, numbers, intervals in two zones. What a state is called:
storage.model.text.states.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from storage.model.core.accounts import Platform
from storage.model.core.availability import Strength
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import handle_name as handle_name
from storage.model.text.states import quoted as quoted
from storage.model.text.units import either
from storage.model.text.units import number as number

PLATFORM_KEYS = either(list(Platform))
"""The platforms as a user writes them: "bluesky, mastodon or x"."""


def account_name(platform: Platform, handle: str) -> str:
    """A handle, with its platform unless that is the usual one."""
    name = handle_name(handle)
    return name if DECLARED[platform].is_usual else f"{name} ({DECLARED[platform].name})"


def evidence_words(strength: Strength, readings: int) -> str:
    why = "the platform said so" if strength is Strength.STRONG else "only an absence"
    agree = "agrees" if readings == 1 else "agree"
    return f"{strength.value} evidence ({why}), {number(readings, 'reading')} {agree}"


def interval(last_seen_old: datetime | None, first_seen_new: datetime, zone: str) -> str:
    """When a change happened, in UTC and in `zone`, to the minute.

    The minutes are rounded outward, so that the true time is never outside of what is written.
    """
    ends = [_up(first_seen_new)] if last_seen_old is None else [_down(last_seen_old), _up(first_seen_new)]
    local = ZoneInfo(zone)
    days = {t.astimezone(z).date() for t in ends for z in (UTC, local)}
    dated = len(days) > 1
    text = ("on or before " if last_seen_old is None else "between ") + _half(ends, UTC, dated=dated)
    if any(t.astimezone(local).utcoffset() for t in ends):
        text += f" ({_half(ends, local, dated=dated)})"
    return text if dated else f"{text} on {day(days.pop())}"


def minute(at: datetime) -> str:
    """`4 Feb 2021, 07:32 UTC`."""
    at = at.astimezone(UTC)
    return f"{day(at)}, {at:%H:%M} UTC"


def zoned_minute(at: datetime, zone: str) -> str:
    """`6 Feb 2021, 08:00 IST (02:30 UTC)`, rounded down; in UTC alone where that is the time of the zone."""
    at = at.astimezone(UTC)
    local = at.astimezone(ZoneInfo(zone))
    if not local.utcoffset():
        return minute(at)
    other = "" if at.date() == local.date() else f"{day(at)}, "
    return f"{day(local)}, {local:%H:%M} {_zone_name(local)} ({other}{at:%H:%M} UTC)"


def local_day(at: datetime, zone: str) -> str:
    """The day in the zone: `6 Feb 2021`."""
    return day(at.astimezone(ZoneInfo(zone)))


def day(at: date) -> str:
    return f"{at.day} {at:%b %Y}"


def zone_note(zone: str, at: datetime) -> str | None:
    """What the short name of the recipients' zone stands for; None when it is UTC."""
    local = at.astimezone(ZoneInfo(zone))
    if not local.utcoffset():
        return None
    name, offset = _zone_name(local), _offset(local)
    return f"{name} is the time of {zone}." if name == offset else f"{name} is {zone}, {offset}."


def _down(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _up(at: datetime) -> datetime:
    down = _down(at)
    return down if down == at else down + timedelta(minutes=1)


def _half(ends: list[datetime], zone: tzinfo, *, dated: bool) -> str:
    local = [t.astimezone(zone) for t in ends]
    names = [_zone_name(t) for t in local]
    parts: list[str] = []
    for i, t in enumerate(local):
        part = f"{t:%H:%M}"
        if dated and (i == 0 or t.date() != local[0].date()):
            part = f"{day(t)} {part}"
        if i + 1 == len(local) or names[i] != names[i + 1]:
            part = f"{part} {names[i]}"
        parts.append(part)
    return " and ".join(parts)


def _zone_name(at: datetime) -> str:
    name = at.tzname() or ""
    return name if name.isalpha() else _offset(at)


def _offset(at: datetime) -> str:
    minutes = int((at.utcoffset() or timedelta(0)).total_seconds()) // 60
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

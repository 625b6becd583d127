"""Times, spans and states in words, in UTC: for the pages that the server writes."""

from collections.abc import Collection
from datetime import UTC, datetime

from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Flag, State, Status
from storage.model.core.coverage import WhyRead
from storage.model.text.states import capital, group_words, short_words
from storage.model.text.units import span as span

PURGED_SINCE = "Accounts that have been purged completely since that time are left out."
"""The one way in which the record of a past moment changes later."""


def day(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y}"


def clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M}"


def stamp(at: datetime) -> str:
    return f"{day(at)}, {clock(at)} UTC"


def exact(at: datetime) -> str:
    """To the second, for the table of changes."""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M:%S} UTC"


def between(after: datetime | None, before: datetime) -> str:
    """The interval that a change lies in; `after` is None when nothing contrary was ever seen."""
    if after is None:
        return f"on or before {stamp(before)}"
    if day(after) == day(before):
        return f"{day(before)}, between {clock(after)} and {clock(before)} UTC"
    return f"between {day(after)}, {clock(after)} and {stamp(before)}"


def since(after: datetime | None, before: datetime) -> str:
    """Since when something is so, by day; `after` is the last reading that contradicts it, or None."""
    if after is None:
        return f"on or before {day(before)}"
    if day(after) == day(before):
        return f"{day(before)}, between {clock(after)} and {clock(before)} UTC"
    return f"between {day(after)} and {day(before)}"


def ago(at: datetime, now: datetime) -> str:
    """How long ago, roughly: "8 years ago", so that an old reading is not taken for a new one."""
    days = (now - at).days
    if days < 1:
        return f"{span(now - at)} ago"
    for unit, length in (("year", 365.25), ("month", 30.44), ("day", 1)):
        if (n := int(days / length)) >= (2 if unit == "month" else 1):
            return f"{n} {unit}{'' if n == 1 else 's'} ago"
    return f"{days} days ago"


def is_import(source: str) -> bool:
    """Whether a change comes from a published record, not from our own monitor."""
    return source.startswith("import:")


def source(name: str) -> str:
    """Who saw it: "platform monitor", or "import:<name>" of a published record."""
    return name if is_import(name) else "platform monitor"


def state(value: State, platform: Platform, flags: Collection[Flag] | None) -> str:
    """In a few words that begin a line: "Withheld in India (IN)", "Taken down by its server"."""
    return capital(short_words(value, platform, flags))


def drawn_as(value: State, flags: Collection[Flag]) -> Status:
    """The status whose colour a state has: what may be the owner's own deletion is not drawn as a block."""
    return Status.NOT_FOUND if Flag.SUSPENDED_OR_DELETED in flags else value.status


_KIND_NAME = {
    ChangeKind.BASELINE: "First reading",
    ChangeKind.BLOCK: "▼ Block",
    ChangeKind.RESTORATION: "▲ Restoration",
    ChangeKind.PARTIAL: "Countries changed",
    ChangeKind.PROTECTION: "Owner's setting",
    ChangeKind.RETURN: "Found again",
}


def change_name(kind: ChangeKind, new: State, platform: Platform, flags: Collection[Flag]) -> str:
    """What a change is called: a block, a restoration, or the status that took the account out of sight."""
    if kind is ChangeKind.GONE:
        return capital(group_words(new.status, platform, flags))
    return _KIND_NAME[kind]


REASON_WORDS = {
    "baseline_seen": "first reading, with the {noun}'s own data",
    "enough_strong": "the platform said so in {n}",
    "enough_weak": "absent in {n}",
    "cohort_active": "{n}; other accounts of its list changed too",
    "went_back": "a later reading showed the old state again",
    "moved_on": "a later reading showed a third state",
    "overtaken": "it was asked for before other answers arrived, so it may be older than they are",
    "no_longer_watched": "watching ended before the change was confirmed",
    "imported": "taken from a published record",
    "corrected": "a reading that arrived late contradicts the change",
    "set_aside": "its readings had times from a wrong clock and were set aside",
}


def readings(n: int) -> str:
    return "one reading" if n == 1 else f"{n:,} readings"


def attempts(n: int) -> str:
    return "one attempt" if n == 1 else f"{n:,} attempts"


def reason(name: str, count: int, noun: str = "account") -> str:
    """Why a change was confirmed or not, for the reader."""
    return REASON_WORDS.get(name, name).format(n=readings(count), noun=noun)


WHY_READ = {
    WhyRead.TURN: "scheduled read",
    WhyRead.AHEAD: "earlier than scheduled, after changes in its list",
    WhyRead.SENTINEL: "sentinel account, paid for that day",
    WhyRead.PROMISED: "guaranteed interval of its list",
    WhyRead.AGAIN: "extra read, to confirm a change or after a missed answer or an event",
}
"""Why accounts were read."""

SPEND_REASON = {
    None: "control accounts",
    WhyRead.TURN: "scheduled",
    WhyRead.AHEAD: "in lists with changes",
    WhyRead.SENTINEL: "sentinels",
    WhyRead.PROMISED: "guaranteed",
    WhyRead.AGAIN: "extra reads",
}
"""Why accounts were paid for."""


def accounts(n: int) -> str:
    return "1 account" if n == 1 else f"{n:,} accounts"


def share(n: float, whole: int) -> str:
    """In percent, never rounded to all or to nothing when it is neither."""
    if not whole:
        return "of none"
    percent = 100 * n / whole
    if 0 < n < whole:
        percent = min(max(percent, 0.1), 99.9)
    return f"{percent:.0f} %" if (percent >= 10 and percent <= 99) or n in {0, whole} else f"{percent:.1f} %"


def count_or_dash(n: int | None) -> str:
    """A number; a dash for one that is not known."""
    return "–" if n is None else f"{n:,}"


def range_words(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"

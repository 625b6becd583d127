"""Every reading of one account in a stretch of time, as its page is asked for it: read only when asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from dashboard.ui.form_input import moment_in
from storage.model.core.coverage import WhyRead
from storage.postgres.pool import Conn
from storage.readings.evidence import ReadingEvidence, evidence_of
from storage.readings.readings import StoredMiss, StoredReading, attempts_of, readings_of
from storage.readings.rosters import why_read

PAGE = 200
LONGEST = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class ReadingsRange:
    """What is asked for: the looks from `since` until before `until`, and which page of them."""

    since: datetime
    until: datetime
    page: int = 1


@dataclass(frozen=True, slots=True)
class ReadingsPage:
    """One page of the looks at an account, newest first."""

    stretch: ReadingsRange
    readings: int
    missed: int
    rows: tuple[StoredReading | StoredMiss, ...]
    evidence: Mapping[datetime, tuple[ReadingEvidence, ...]]
    """By the time of the reading that it shows."""
    why: Mapping[int, WhyRead]
    """Why each roster was read, by its number; of records that others made nothing is known."""

    @property
    def pages(self) -> int:
        return max(1, -(-(self.readings + self.missed) // PAGE))


def readings_range(query: Mapping[str, str], now: datetime) -> ReadingsRange | str | None:
    """What an address asks for; None when for nothing, and the sentence why it cannot be had.

    `from` and `to` are days, or times in UTC; of a day as `to` all is meant. Without `to`: one day.
    """
    first, last = query.get("from", "").strip(), query.get("to", "").strip()
    if not first:
        return None
    since = moment_in(first)
    until = moment_in(last) if last else None
    if since is None or (last and until is None):
        return "Enter a day as 2021-02-11, or a time in UTC as 2021-02-11T08:00."
    if until is None:
        until = since + timedelta(days=1)
    elif _is_day(last):
        until += timedelta(days=1)
    if until <= since:
        return "The end must be after the beginning."
    if until - since > LONGEST:
        return f"A period has at most {LONGEST.days} days."
    if since > now:
        return "This time is in the future."
    number = query.get("page", "1")
    page = int(number) if number.isascii() and number.isdecimal() and len(number) < 7 else 1
    return ReadingsRange(since, until, max(1, page))


def _is_day(text: str) -> bool:
    return len(text) == len("2021-02-11")


async def read_readings(conn: Conn, account_id: int, stretch: ReadingsRange) -> ReadingsPage:
    """The page asked for, or the last one when there are fewer."""
    readings = await readings_of(conn, account_id, stretch.since, stretch.until)
    missed = await attempts_of(conn, account_id, stretch.since, stretch.until)
    looks = sorted(chain(readings, missed), key=lambda look: look.at, reverse=True)
    page = min(stretch.page, max(1, -(-len(looks) // PAGE)))
    by_time: dict[datetime, tuple[ReadingEvidence, ...]] = {}
    for kept in await evidence_of(conn, account_id):
        by_time[kept.at] = (*by_time.get(kept.at, ()), kept)
    shown = tuple(looks[(page - 1) * PAGE : page * PAGE])
    return ReadingsPage(
        ReadingsRange(stretch.since, stretch.until, page),
        len(readings),
        len(missed),
        shown,
        by_time,
        await why_read(conn, [look.roster_id for look in shown]),
    )

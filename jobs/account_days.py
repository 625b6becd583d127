"""Pure: what may be read on a UTC day when a platform bills each account once a day and there is a ceiling.

X bills a user that it returns once within a UTC day, and calls that a soft guarantee (its documentation,
August 2026). Whether an account that it only says is suspended or not found is free, and a request whose
answer was lost, is not proven: whoever was asked for counts as paid for, before the request is made. Reading
an account again that was paid for today is free, up to the rate limit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from storage.model.coverage import WhyRead
from storage.model.sizing_facts import USD_PER_READ

_BEFORE, _AFTER = timedelta(minutes=2), timedelta(minutes=1)
CONTROLS = 10
"""So many accounts of a day are kept for control accounts, or as many as there are."""
_RESERVE = 0.3
"""Of the ceiling, kept for lists in which changes are seen, for promises, and for confirming."""
_SENTINELS = 0.3
"""Of the ceiling, at most, for the sentinels that every list has."""


def accounts_for(usd: Decimal) -> int:
    """How many accounts a day's money pays for."""
    return int(usd / Decimal(str(USD_PER_READ)))


class Refusal(StrEnum):
    """Why an account that is not paid for today is not read."""

    BETWEEN_DAYS = "between_days"
    """It is too near to midnight UTC to know which day the platform would bill."""
    SHARE = "share"
    """What the sweep may pay for on one day is used up."""
    RESERVE = "reserve"
    """What is left of the day's ceiling is kept for the sweep, the sentinels and the control accounts."""


def day_of(now: datetime) -> date | None:
    """The day that a request made now is billed on; None near midnight UTC.

    A request may take a minute with its retries, and clocks differ: nothing is asked from 23:58 to 00:01.
    """
    before, after = (now - _AFTER).astimezone(UTC).date(), (now + _BEFORE).astimezone(UTC).date()
    return after if before == after else None


def next_day(now: datetime) -> datetime:
    """When accounts can be paid for on the next day."""
    return datetime.combine((now - _AFTER).astimezone(UTC).date() + timedelta(days=1), time(), UTC) + _AFTER


def not_between(at: datetime) -> datetime:
    """`at`, or the time from which something can be asked again."""
    return at if day_of(at) is not None else next_day(at)


@dataclass(frozen=True, slots=True)
class Shares:
    """How the accounts of a day's ceiling are divided. What is left is the reserve."""

    most: int
    controls: int
    sentinels: int
    in_turn: int
    """For rosters of the sweep, those that wait longest."""
    round_days: int | None
    """Everybody has a turn within so many days, as long as the platform answers; None: nobody has."""

    @property
    def reserve(self) -> int:
        return self.most - self.controls - self.sentinels - self.in_turn


def most_sentinels(most: int) -> int:
    return int(_SENTINELS * most)


def divide(most: int, sizes: Sequence[int], controls: int, sentinels: int) -> Shares:
    """`sizes` are those of the rosters of the sweep: there is a turn for one of them on a day, if for any."""
    watched, largest = sum(sizes), max(sizes, default=1)
    controls = max(controls, CONTROLS)
    left = most - controls - sentinels
    in_turn = max(0, left - int(_RESERVE * most), min(left, largest))
    if watched <= most - controls:  # everybody can be paid for every day: nothing has to be kept
        return Shares(most, controls, 0, watched, 1)
    a_day = in_turn // largest
    return Shares(most, controls, sentinels, a_day * largest, -(-len(sizes) // a_day) if a_day else None)


class AccountDays:
    """Who was paid for today, by the platform's id, and why. Every account counts once a day."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.day = date.min
        self.shares = Shares(most, CONTROLS, 0, 0, None)
        self.waiting: set[str] = set()
        """Who was to be read out of turn today, and was refused."""
        self.on_record: set[str] = set()
        """Who stands in the database as paid for."""
        self._paid: dict[str, WhyRead | None] = {}
        self._by_why: Counter[WhyRead | None] = Counter()
        self._sentinels: frozenset[str] = frozenset()

    def turn_to(self, day: date, paid: Mapping[str, WhyRead | None]) -> None:
        """What is on record of a day."""
        self.day, self._paid, self._by_why = day, dict(paid), Counter(paid.values())
        self.on_record, self.waiting = set(paid), set()

    def begin(self, now: datetime) -> bool:
        """Whether anything can be read now; with a new day nobody is paid for."""
        day = day_of(now)
        if day is not None and day != self.day:
            self.turn_to(day, {})
        return day is not None

    def share_out(self, shares: Shares, sentinels: Iterable[str]) -> None:
        self.shares, self._sentinels = shares, frozenset(sentinels)

    @property
    def total(self) -> int:
        return len(self._paid)

    def paid_for(self, why: WhyRead | None) -> int:
        """How many accounts were paid for today for this reason."""
        return self._by_why[why]

    def why(self, native_id: str) -> WhyRead | None:
        """Why an account that is paid for was; None: as a control account, or it is not paid for."""
        return self._paid.get(native_id)

    def unpaid(self, native_ids: Iterable[str]) -> list[str]:
        return [i for i in native_ids if i not in self._paid]

    def room(self, why: WhyRead | None) -> int:
        """How many accounts can still be paid for today for this reason."""
        shares, paid = self.shares, self._by_why
        left = self.most - self.total
        if why is None:
            return left
        left -= max(0, shares.controls - paid[None])
        if why is WhyRead.SENTINEL:
            return left
        left -= len(self._sentinels - self._paid.keys())
        turns = max(0, shares.in_turn - paid[WhyRead.TURN])
        return min(turns, left) if why is WhyRead.TURN else left - turns

    def pay(self, native_ids: Iterable[str], why: WhyRead | None) -> Refusal | None:
        """Put accounts on today's bill, all or none; None: they are on it."""
        new = list(dict.fromkeys(self.unpaid(native_ids)))
        if len(new) <= max(0, self.room(why)):
            self._paid |= dict.fromkeys(new, why)
            self._by_why[why] += len(new)
            self.waiting.difference_update(new)
            return None
        if why is WhyRead.TURN:
            return Refusal.SHARE
        self.waiting.update(new)
        return Refusal.RESERVE

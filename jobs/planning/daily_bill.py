"""Pure: what may be read on a UTC day when a platform bills each account once a day and there is a ceiling.

X bills a user that it returns once within a UTC day, and calls that a soft guarantee (its documentation,
August 2026). Whether an account that it only says is suspended or not found is free, and a request whose
answer was lost, is not proven: whoever was asked for counts as paid for, before the request is made. Reading
an account again that was paid for today is free, up to the rate limit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from storage.model.core.coverage import WhyRead
from storage.model.limits.daily_cost_shares import AFTER_MIDNIGHT, BEFORE_MIDNIGHT, CONTROLS, CostLimitShares


class Refusal(StrEnum):
    """Why an account that is not paid for today is not read."""

    BETWEEN_DAYS = "between_days"
    """It is too near to midnight UTC to know which day the platform would bill."""
    SHARE = "share"
    """What the sweep may pay for on one day is used up."""
    RESERVE = "reserve"
    """What is left of the day's ceiling is kept for the sweep, the sentinels and the control accounts."""


def billing_day(now: datetime) -> date | None:
    """The day that a request made now is billed on; None near midnight UTC, when nothing is asked."""
    before = (now - AFTER_MIDNIGHT).astimezone(UTC).date()
    after = (now + BEFORE_MIDNIGHT).astimezone(UTC).date()
    return after if before == after else None


def current_billing_day(now: datetime) -> date:
    """The day that is not over yet: it ends at 00:01 UTC."""
    return (now - AFTER_MIDNIGHT).astimezone(UTC).date()


def next_day(now: datetime) -> datetime:
    """When accounts can be paid for on the next day."""
    return datetime.combine(current_billing_day(now) + timedelta(days=1), time(), UTC) + AFTER_MIDNIGHT


def earliest_billable(at: datetime) -> datetime:
    """`at`, or the time from which something can be asked again."""
    return at if billing_day(at) is not None else next_day(at)


def _one_account(_native_id: str) -> float:
    return 1.0


class DailyBill:
    """What was paid for today, by the platform's id, and why. Each account and post counts once a day. `cost`
    returns how many accounts an id is billed as.
    """

    def __init__(self, most: int, cost: Callable[[str], float] = _one_account) -> None:
        self.most = most
        self._cost = cost
        self.day = date.min
        self.shares = CostLimitShares(most, CONTROLS, 0, 0, None)
        self.waiting: set[str] = set()
        """Who was to be read out of turn today, and was refused."""
        self.on_record: set[str] = set()
        """Who stands in the database as paid for."""
        self._paid: dict[str, WhyRead | None] = {}
        self._by_why: defaultdict[WhyRead | None, float] = defaultdict(float)
        self._sentinels: frozenset[str] = frozenset()
        self._unpaid_sentinels: set[str] = set()

    def turn_to(self, day: date, paid: Mapping[str, WhyRead | None]) -> None:
        """What is on record of a day."""
        self.day, self._paid, self._by_why = day, dict(paid), defaultdict(float)
        for native_id, why in paid.items():
            self._by_why[why] += self._cost(native_id)
        self.on_record, self.waiting = set(paid), set()
        self._unpaid_sentinels = set(self._sentinels) - paid.keys()

    def begin(self, now: datetime) -> bool:
        """Whether anything can be read now; with a new day nobody is paid for."""
        day = billing_day(now)
        if day is not None and day != self.day:
            self.turn_to(day, {})
        return day is not None

    def share_out(self, shares: CostLimitShares, sentinels: Iterable[str]) -> None:
        self.shares, self._sentinels = shares, frozenset(sentinels)
        self._unpaid_sentinels = set(self._sentinels) - self._paid.keys()

    @property
    def total(self) -> float:
        """How many accounts were paid for today."""
        return sum(self._by_why.values())

    def cost(self, native_ids: Iterable[str]) -> float:
        """How many accounts they are billed as."""
        return sum(map(self._cost, native_ids))

    def paid_for(self, why: WhyRead | None) -> float:
        """How many accounts were paid for today for this reason."""
        return self._by_why[why]

    def why(self, native_id: str) -> WhyRead | None:
        """Why an account that is paid for was; None: as a control account, or it is not paid for."""
        return self._paid.get(native_id)

    def unpaid(self, native_ids: Iterable[str]) -> list[str]:
        return [i for i in native_ids if i not in self._paid]

    def room(self, why: WhyRead | None) -> float:
        """How many accounts can still be paid for today for this reason."""
        shares, paid = self.shares, self._by_why
        left = self.most - self.total
        if why is None:
            return left
        left -= max(0, shares.controls - paid[None])
        if why is WhyRead.SENTINEL:
            return left
        left -= len(self._unpaid_sentinels)
        turns = max(0, shares.in_turn - paid[WhyRead.TURN])
        return min(turns, left) if why is WhyRead.TURN else left - turns

    def pay(self, native_ids: Iterable[str], why: WhyRead | None) -> Refusal | None:
        """Put accounts on today's bill, all or none; None: they are on it."""
        new = list(dict.fromkeys(self.unpaid(native_ids)))
        cost = self.cost(new)
        if cost <= max(0, self.room(why)):
            self._paid |= dict.fromkeys(new, why)
            self._by_why[why] += cost
            self.waiting.difference_update(new)
            self._unpaid_sentinels.difference_update(new)
            return None
        if why is WhyRead.TURN:
            return Refusal.SHARE
        self.waiting.update(new)
        return Refusal.RESERVE

"""Keeps the ceiling of account-days: whom a collector asks for stands on the day's bill before it asks."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Self

from collectors.base import Answer, Candidate, Collector, Engagement, Exchange, Resolution, Trouble
from jobs.account_days import AccountDays, Refusal, day_of, next_day, not_between
from storage import account_days
from storage.account_days import Ceiling
from storage.db import Conn, Pool, transaction
from storage.model.accounts import Account, Platform
from storage.model.availability import Missed, MissedReason
from storage.model.ceiling import accounts_for
from storage.model.coverage import WhyRead

log = logging.getLogger(__name__)

_LOOK_AGAIN = timedelta(minutes=1)
_REFUSED = {
    Refusal.BETWEEN_DAYS: "not asked near midnight UTC, when it is open which day would be billed",
    Refusal.SHARE: "not asked: the sweep's share of x_daily_cost is used up for today",
    Refusal.RESERVE: "not asked: x_daily_cost is used up for today",
}


class Paid:
    """The ceiling of one platform, as this process knows it. The database has the last word."""

    def __init__(self, pool: Pool, platform: Platform, most: int) -> None:
        self.days = AccountDays(most)
        self._pool = pool
        self._platform = platform
        self._kept: tuple[object, ...] = ()
        self._told = False

    async def load(self, conn: Conn, now: datetime) -> None:
        """Take up who was paid for today."""
        day = day_of(now) or next_day(now).date()
        self.days.turn_to(day, await account_days.paid(conn, self._platform, day))

    def affordable(self, accounts: Sequence[Account], now: datetime) -> list[Account]:
        """Of those that are to be read again now, whoever can be; the others wait for the next day."""
        if not self.days.begin(now):
            return []
        return [a for a in accounts if self.days.pay([a.native_id], WhyRead.AGAIN) is None]

    def not_before(self, account: Account, at: datetime) -> datetime:
        """When an account that is to be read again at a time can be."""
        at = not_between(at)
        is_today = day_of(at) == self.days.day and self.days.unpaid([account.native_id])
        return next_day(at) if is_today and self.days.room(WhyRead.AGAIN) < 1 else at

    async def ask(self, native_ids: Iterable[str], now: datetime) -> Refusal | None:
        """Put them on the bill. None: they are on it, and may be asked for. Raises StorageError."""
        days = self.days
        if not days.begin(now):
            return Refusal.BETWEEN_DAYS
        new = [i for i in native_ids if i not in days.on_record]
        if not new:
            return None
        if (refusal := days.pay(new, None)) is not None:
            return refusal
        day = days.day
        async with transaction(self._pool) as conn:
            if await account_days.pay(conn, self._platform, day, {i: days.why(i) for i in new}, days.most):
                days.on_record.update(new)
                return None
            days.turn_to(day, await account_days.paid(conn, self._platform, day))  # others paid as well
        return Refusal.RESERVE

    async def keep(self) -> None:
        """Write down how the day is divided, where that changed; who waits is logged once a day."""
        days, shares = self.days, self.days.shares
        now = Ceiling(days.most, shares.in_turn, shares.sentinels, shares.round_days, len(days.waiting))
        if self._kept == (days.day, now):
            return
        if days.waiting and not self._told:
            log.warning(
                "The ceiling x_daily_cost is reached for today: accounts that were to be read out of turn "
                "wait until 00:01 UTC."
            )
        self._told = bool(days.waiting)
        async with transaction(self._pool) as conn:
            await account_days.save_ceiling(conn, self._platform, days.day, now)
        self._kept = days.day, now


def paid_for(usd_a_day: Decimal | None, pool: Pool, platform: Platform) -> Paid | None:
    """The ceiling of the settings; only X bills what is read."""
    if usd_a_day is None or platform is not Platform.X:
        return None
    return Paid(pool, platform, accounts_for(usd_a_day))


class PaidCollector:
    """A collector that asks for nobody who is not on the bill."""

    def __init__(self, collector: Collector, paid: Paid) -> None:
        self._collector = collector
        self._paid = paid

    async def read(self, native_ids: Sequence[str], now: datetime) -> Answer:
        """See `Collector`. Nothing is `sent` when the ceiling does not allow it."""
        refusal = await self._paid.ask(native_ids, now)
        if refusal is None:
            return await self._collector.read(native_ids, now)
        trouble = Trouble(MissedReason.USAGE_CAPPED, _REFUSED[refusal], now + _LOOK_AGAIN, breaker=False)
        missed = tuple(Missed(i, now, trouble.reason, trouble.detail) for i in native_ids)
        return Answer((), missed, trouble=trouble, sent=False)

    async def __aenter__(self) -> Self:
        await self._collector.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._collector.__aexit__(kind, error, trace)

    @property
    def platform(self) -> Platform:
        return self._collector.platform

    @property
    def batch_size(self) -> int:
        return self._collector.batch_size

    @property
    def countries(self) -> frozenset[str] | None:
        return self._collector.countries

    def place(self, native_id: str) -> str:
        return self._collector.place(native_id)

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> Engagement:
        """What somebody posted is billed by the post, beside the ceiling."""
        return await self._collector.engagement(native_id, cursor, now)

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        return await self._collector.resolve(names, now)

    async def candidates(self, place: str, now: datetime) -> tuple[Candidate, ...]:
        return await self._collector.candidates(place, now)

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        return self._collector.evidence(exchanges, native_ids)

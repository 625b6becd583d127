"""Keeps the ceiling of account-days: whom a collector asks for stands on the day's bill before it asks."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Self

from collectors.core.collector import (
    CanaryCandidate,
    Collector,
    CollectorAnswer,
    EngagementAnswer,
    Exchange,
    RequestFailure,
    Resolution,
)
from jobs.planning.daily_bill import (
    DailyBill,
    Refusal,
    billing_day,
    current_billing_day,
    earliest_billable,
    next_day,
)
from storage.model.core.accounts import Account, Platform
from storage.model.core.availability import Missed, MissedReason
from storage.model.core.coverage import WhyRead
from storage.model.limits.daily_cost_shares import accounts_for
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME
from storage.postgres.pool import Conn, Pool, transaction
from storage.work import daily_cost_limit
from storage.work.daily_cost_limit import DailyCostLimit

log = logging.getLogger(__name__)

_LOOK_AGAIN = timedelta(minutes=1)
_REFUSED = {
    Refusal.BETWEEN_DAYS: "not asked near midnight UTC, when it is open which day would be billed",
    Refusal.SHARE: "not asked: the sweep's share of the daily cost limit is used up for today",
    Refusal.RESERVE: "not asked: the daily cost limit is used up for today",
}


class CostLimitGuard:
    """The ceiling of one platform, as this process knows it. The database has the last word.

    Under which ceiling a process plans is kept there. No other one exceeds it on that day, whatever its own
    setting is: what was promised holds until 00:01 UTC, unless less is promised.
    """

    def __init__(self, pool: Pool, platform: Platform, wanted: int | None) -> None:
        """`wanted` is the ceiling that is set; None: none is."""
        self.wanted = wanted
        self._days = DailyBill(wanted or 0, DECLARED[platform].accounts_billed)
        self._holds = wanted is not None
        self._changes_at: datetime | None = None
        self._pool = pool
        self._platform = platform
        self._kept: tuple[object, ...] = ()
        self._reported = False

    @property
    def days(self) -> DailyBill | None:
        """Who was paid for under the ceiling that holds today; None: none does."""
        return self._days if self._holds else None

    async def load(self, conn: Conn, now: datetime) -> None:
        """Take up which ceiling holds today, and who was paid for."""
        promised = await daily_cost_limit.stored_cost_limit(conn, self._platform, current_billing_day(now))
        most = min((n for n in (promised, self.wanted) if n is not None), default=None)
        changes_at = None if most == self.wanted else next_day(now)
        if changes_at is not None and changes_at != self._changes_at:
            log.warning(
                "The daily cost limit of %s stays at %s accounts today. The changed setting %s_daily_cost "
                "takes effect at 00:01 UTC: %s.",
                PLATFORM_NAME[self._platform],
                f"{most:,}",
                self._platform.value,
                "no limit" if self.wanted is None else f"{self.wanted:,} accounts",
                extra={"event": "daily_cost_limit_kept"},
            )
        self._changes_at, self._holds, self._days.most = changes_at, most is not None, most or 0
        if most is not None:
            day = billing_day(now) or next_day(now).date()
            self._days.turn_to(day, await daily_cost_limit.charged_accounts(conn, self._platform, day))

    def is_outdated(self, now: datetime) -> bool:
        """Whether another ceiling holds than when it was loaded: the setting, from the next day on."""
        return self._changes_at is not None and now >= self._changes_at

    def affordable(self, accounts: Sequence[Account], now: datetime) -> Sequence[Account]:
        """Of those that are to be read again now, whoever can be; the others wait for the next day."""
        if (days := self.days) is None:
            return accounts
        if not days.begin(now):
            return []
        return [a for a in accounts if days.pay([a.native_id], WhyRead.AGAIN) is None]

    def not_before(self, account: Account, at: datetime) -> datetime:
        """When an account that is to be read again at a time can be."""
        if (days := self.days) is None:
            return at
        at = earliest_billable(at)
        is_today = billing_day(at) == days.day and days.unpaid([account.native_id])
        cost = days.cost([account.native_id])
        return next_day(at) if is_today and days.room(WhyRead.AGAIN) < cost else at

    async def charge(self, native_ids: Iterable[str], now: datetime) -> Refusal | None:
        """Put them on the bill, if there is one. None: they may be asked for. Raises StorageError."""
        days = self._days
        if self.wanted is None:
            async with transaction(self._pool) as conn:
                promised = await daily_cost_limit.stored_cost_limit(
                    conn, self._platform, current_billing_day(now)
                )
            if promised is None:
                return None
            days.most = promised
        if not days.begin(now):
            return Refusal.BETWEEN_DAYS
        new = [i for i in native_ids if i not in days.on_record]
        if not new:
            return None
        if (refusal := days.pay(new, None)) is not None:
            return refusal
        day = days.day
        async with transaction(self._pool) as conn:
            if await daily_cost_limit.charge(
                conn, self._platform, day, {i: days.why(i) for i in new}, days.most
            ):
                days.on_record.update(new)
                return None
            days.turn_to(
                day, await daily_cost_limit.charged_accounts(conn, self._platform, day)
            )  # others paid as well
        return Refusal.RESERVE

    async def keep(self, now: datetime) -> None:
        """Write down how the day is divided, where that changed; who waits is logged once a day."""
        days, shares = self._days, self._days.shares
        stored = DailyCostLimit(
            days.most, shares.in_turn, shares.sentinels, shares.round_days, len(days.waiting)
        )
        is_of_today = self._holds and billing_day(now) == days.day and not self.is_outdated(now)
        if not is_of_today or self._kept == (days.day, stored):
            return
        if days.waiting and not self._reported:
            log.warning(
                "The daily cost limit (setting %s_daily_cost) is reached: additional reads wait until "
                "00:01 UTC.",
                self._platform.value,
                extra={"event": "daily_cost_limit_reached"},
            )
        self._reported = bool(days.waiting)
        async with transaction(self._pool) as conn:
            await daily_cost_limit.save_cost_limit(conn, self._platform, days.day, stored)
        self._kept = days.day, stored


def cost_limit_for(usd_a_day: Decimal | None, pool: Pool, platform: Platform) -> CostLimitGuard | None:
    """The ceiling of the settings, or of another process. None on a platform that bills no readings."""
    if DECLARED[platform].terms.price is None:
        return None
    return CostLimitGuard(pool, platform, accounts_a_day(usd_a_day, platform))


def accounts_a_day(usd: Decimal | None, platform: Platform) -> int | None:
    """How many accounts of a platform a day's money pays for. None if none is set, or nothing is billed."""
    price = DECLARED[platform].terms.price
    return None if usd is None or price is None else accounts_for(usd, price.usd_per_account)


def is_refused(answer: CollectorAnswer) -> bool:
    """Whether nothing was asked because the ceiling does not allow it, which is no fault of the platform. A
    platform that says so of a cap of its own is not asked any more: its trouble is a breaker.
    """
    failure = answer.trouble
    return (
        not answer.sent
        and failure is not None
        and failure.reason is MissedReason.USAGE_CAPPED
        and not failure.breaker
    )


class CostLimitedCollector:
    """A collector that asks for nobody who is not on the bill."""

    def __init__(self, collector: Collector, cost_limit: CostLimitGuard) -> None:
        self._collector = collector
        self._cost_limit = cost_limit

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """See `Collector`. Nothing is `sent` when the ceiling does not allow it."""
        refusal = await self._cost_limit.charge(native_ids, now)
        if refusal is None:
            return await self._collector.read(native_ids, now)
        failure = RequestFailure(
            MissedReason.USAGE_CAPPED, _REFUSED[refusal], now + _LOOK_AGAIN, breaker=False
        )
        missed = tuple(Missed(i, now, failure.reason, failure.detail) for i in native_ids)
        return CollectorAnswer((), missed, trouble=failure, sent=False)

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

    def base_url(self, place: str) -> str:
        return self._collector.base_url(place)

    async def verify_lifts(
        self, answer: CollectorAnswer, withheld_in: Mapping[str, frozenset[str]], now: datetime
    ) -> CollectorAnswer:
        return await self._collector.verify_lifts(answer, withheld_in, now)

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> EngagementAnswer:
        """What somebody posted is billed by the post, beside the ceiling."""
        return await self._collector.engagement(native_id, cursor, now)

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        return await self._collector.resolve(names, now)

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:
        return await self._collector.candidates(place, now)

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        return self._collector.evidence(exchanges, native_ids)

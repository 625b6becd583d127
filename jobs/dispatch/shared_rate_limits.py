"""The requests that all processes share: each asks the database before it asks a platform."""

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import urlsplit

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import LONGEST_WAIT, RateLimitWindow, failure_of
from collectors.core.wire import WireFault
from jobs.base.clock import Clock, system_clock
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.limits.rate_limits import (
    GUARD,
    UNPACED,
    BudgetDecision,
    BudgetPace,
    Granted,
    NotBefore,
    Stated,
    WhyNot,
)
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Conn, Pool, StorageError, Unreachable, borrowed
from storage.work import rate_limits

log = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE_S: Final = 7.0
"""Wait for a request that may go out within this time. Longer than the guards at a window's end."""
_DATABASE_WAIT_S: Final = 10.0
_DATABASE_AWAY: Final = timedelta(seconds=10)
_MOST_COUNTED: Final = 2**31 - 1
_WORDS: Final = {
    WhyNot.USED_UP: "the rate limit of this window is used up by all processes that share it",
    WhyNot.DRAINING: "requests under way must be answered first, to learn how many are left",
    WhyNot.PROBING: "the request whose answer will state how many are left is not answered yet",
    WhyNot.PACE: "more requests are waiting than the pace allows",
    WhyNot.UNREACHABLE: "the database that counts requests does not answer",
}


class SharedBudgets:
    """Makes budgets that one database keeps. `address` is the address that platforms see."""

    def __init__(
        self, pool: Pool, address: str, clock: Clock = system_clock, longest: timedelta = LONGEST_WAIT
    ) -> None:
        """`longest` is the pause after a refusal that does not state one."""
        self.longest = longest
        self.clock = clock
        self._pool = pool
        self._address = address
        self._free: dict[str, datetime] = {}
        """By name of a budget: until when requests need not be counted."""
        self._failing: set[str] = set()
        """Budgets that the database does not keep, though it answers."""
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(
        self,
        platform: Platform,
        *,
        credential: str | None = None,
        vantage: str = "",
        pace: BudgetPace = UNPACED,
    ) -> "SharedBudget":
        """The budget of a credential (a secret, of which only a hash is kept), or else of an address: that of
        this machine, or of the proxy of a vantage point.
        """
        if credential is not None:
            owner = hashlib.sha256(credential.encode()).hexdigest()[:12]
        else:
            owner = f"by {vantage}" if vantage else f"from {self._address}"
        return SharedBudget(self, platform, owner, pace)

    async def take(self, name: str, platform: Platform, pace: BudgetPace) -> BudgetDecision:
        """Try once, without waiting."""
        now = self.clock()
        free_until = self._free.get(name)
        if free_until is not None and now < free_until:
            return Granted(now, now + GUARD, 0, free_until=free_until)
        verdict = await self._kept(name, lambda conn: rate_limits.take(conn, name, platform, now, pace))
        if isinstance(verdict, Granted) and verdict.free_until is not None:
            self._free[name] = verdict.free_until
        return verdict or NotBefore(now + _DATABASE_AWAY, WhyNot.UNREACHABLE)

    async def note(self, name: str, platform: Platform, granted: Granted, stated: Stated | None) -> None:
        """Record what an answer stated. If that fails, the answer counts as not received."""
        now = self.clock()
        if granted.says_nothing_new(stated, now):
            return
        self._free.pop(name, None)
        await self._kept(
            name, lambda conn: rate_limits.note(conn, name, platform, granted.number, stated, now)
        )

    async def _kept(self, name: str, work: Callable[[Conn], Awaitable[T]]) -> T | None:
        """Run `work`; None when the database does not answer. One at a time, as they compete for one row."""
        try:
            async with asyncio.timeout(_DATABASE_WAIT_S), self._locks[name], borrowed(self._pool) as conn:
                done = await work(conn)
        except (Unreachable, TimeoutError):
            return None
        except StorageError as error:
            if name not in self._failing:
                self._failing.add(name)
                log.error(  # noqa: TRY400
                    "Requests against the limit “%s” cannot be counted, so only a few are made: %s",
                    name,
                    error,
                    extra={"event": "rate_limit_failed", "limit": name},
                )
            return None
        if name in self._failing:
            self._failing.discard(name)
            log.info(
                "Counting of requests against the limit “%s” recovered",
                name,
                extra={"event": "rate_limit_recovered", "limit": name},
            )
        return done


@dataclass(frozen=True, slots=True)
class SharedBudget:
    """See `collectors.core.shared_budget.RequestBudget`."""

    _all: SharedBudgets
    _platform: Platform
    _owner: str
    _pace: BudgetPace
    _patience_s: float = _PATIENCE_S

    async def take(self, url: str) -> Granted | RequestFailure:
        """See `RequestBudget`."""
        name, clock = self._name(url), self._all.clock
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + self._patience_s
        while True:
            verdict = await self._all.take(name, self._platform, self._pace)
            if isinstance(verdict, Granted):
                await asyncio.sleep(max(0.0, (verdict.go_at - clock()).total_seconds()))
                if clock() < verdict.until:
                    return verdict
                await self._all.note(name, self._platform, verdict, None)
                verdict = NotBefore(clock(), WhyNot.USED_UP)  # granted in time, but used too late
            wait_s = max(0.0, (verdict.at - clock()).total_seconds())
            if verdict.why is WhyNot.UNREACHABLE or loop.time() + wait_s > patient_until:
                # Waiting for an answer that does not come is not a rate limit.
                is_silent = verdict.why is WhyNot.PROBING
                reason = MissedReason.NETWORK if is_silent else MissedReason.RATE_LIMITED
                return RequestFailure(reason, _WORDS[verdict.why], verdict.at, breaker=False)
            await asyncio.sleep(wait_s)

    async def note(
        self, url: str, granted: Granted, http_status: int | None, window: RateLimitWindow
    ) -> None:
        """See `RequestBudget`."""
        stated = self._stated(http_status, window)
        await self._all.note(self._name(url), self._platform, granted, stated)

    def _stated(self, http_status: int | None, window: RateLimitWindow) -> Stated | None:
        if http_status == 429:
            fault = WireFault(MissedReason.RATE_LIMITED, "HTTP 429")
            retry_at = failure_of(fault, window, self._all.clock(), 0.0, self._all.longest).retry_at
            return Stated(_countable(window.limit), 0, retry_at)
        if window.remaining is not None:
            return Stated(_countable(window.limit), _countable(window.remaining), window.reset_at)
        # The answer of a proxy or a firewall says nothing about the platform's limits.
        return Stated() if http_status is not None and 200 <= http_status < 400 else None

    def _name(self, url: str) -> str:
        return f"{self._platform.value} {self._owner} {counted_as(self._platform, url)}"


def _countable(stated: int | None) -> int | None:
    """The stated number of requests, within what can be stored."""
    return None if stated is None else min(max(stated, 0), _MOST_COUNTED)


def counted_as(platform: Platform, url: str) -> str:
    """What the platform counts a request to `url` as."""
    try:
        return DECLARED[platform].counted_as(urlsplit(url))
    except ValueError:
        return "an address that cannot be read"

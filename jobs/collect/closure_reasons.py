"""Asking a platform once a day why accounts are not found. The reason is a side fact, never a status; that
the owner closed the account is recorded as a cause.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from collectors.core.abilities import ClosureReasons, JobStatus
from collectors.core.collector import RequestFailure
from jobs.base.clock import Clock
from storage.accounts.accounts import accounts_not_found
from storage.accounts.side_facts import observe
from storage.causes.platform_answers import record_closed_by_owner
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.availability import MissedReason
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

EVERY: Final = timedelta(days=1)
_LOOK_EVERY: Final = timedelta(minutes=5)
_GIVE_UP_AFTER: Final = timedelta(hours=24)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Open:
    """A running job, the accounts that it asked about, and when it asked."""

    job_id: str
    asked: tuple[Account, ...]
    asked_at: datetime


def sightings(
    asked: Sequence[Account],
    reasons: Mapping[str, frozenset[str]],
    before: dict[AccountId, datetime],
    at: datetime,
) -> list[FactSighting]:
    """Return one sighting per account (`FactSighting`), with all reasons that were given. Without a reason,
    the sighting is empty.
    """
    return [
        FactSighting(
            account.account_id,
            frozenset((ObservedKind.COMPLIANCE, reason) for reason in reasons.get(account.native_id, ())),
            before.get(account.account_id),
            at,
        )
        for account in asked
    ]


class ClosureReasonsLoop:
    """Runs one job a day about the watched accounts whose confirmed status is "not found"."""

    def __init__(self, pool: Pool, platform: Platform, jobs: ClosureReasons, clock: Clock) -> None:
        self._pool = pool
        self._platform = platform
        self._name = PLATFORM_NAME[platform]
        self._jobs = jobs
        self._clock = clock
        self._open: _Open | None = None
        self._next_at = _NEVER
        self._asked_before: dict[AccountId, datetime] = {}
        """For each account, when the last answered job was started. Empty after a restart."""
        self._reported = False

    async def load(self) -> None:
        """Nothing to load. Each job begins with the accounts not found at that time."""

    def next_due(self) -> datetime:
        """The next time at which `tick` has something to do."""
        return self._next_at

    async def tick(self) -> None:
        """Start the job of the day, or check its progress. Faults of the platform are never raised."""
        now = self._clock()
        if now < self._next_at:
            return
        if self._open is None:
            await self._start(now)
        else:
            await self._look(self._open, now)

    async def _start(self, now: datetime) -> None:
        self._next_at = now + EVERY
        async with transaction(self._pool) as conn:
            found = await accounts_not_found(conn, self._platform)
        accounts = [a for a in found if not DECLARED[self._platform].is_post(a.native_id)]
        if not accounts:
            return
        name = f"blockline-{now:%Y-%m-%d}"
        job = await self._jobs.start([account.native_id for account in accounts], name, now)
        if isinstance(job, RequestFailure):
            self._met(job, now)
            return
        self._reported = False
        self._open = _Open(job, tuple(accounts), now)
        self._next_at = now + _LOOK_EVERY

    async def _look(self, under_way: _Open, now: datetime) -> None:
        self._next_at = now + _LOOK_EVERY
        asked = {account.native_id for account in under_way.asked}
        result = await self._jobs.result(under_way.job_id, asked, now)
        if isinstance(result, RequestFailure):
            self._next_at = max(self._next_at, result.retry_at)
        elif not isinstance(result, JobStatus):
            await self._take_in(under_way, result)
        elif result in {JobStatus.FAILED, JobStatus.EXPIRED}:
            log.warning(
                "The request to %s of %s for the reasons of closed accounts ended without a result (%s).",
                self._name,
                _day(under_way),
                result,
                extra={"event": "compliance_job_failed", "status": result},
            )
            self._close(under_way)
        if self._open is not None and now - under_way.asked_at >= _GIVE_UP_AFTER:
            log.warning(
                "The request to %s of %s for the reasons of closed accounts has no result after a day.",
                self._name,
                _day(under_way),
                extra={"event": "compliance_job_overdue"},
            )
            self._close(under_way)

    async def _take_in(self, under_way: _Open, reasons: Mapping[str, frozenset[str]]) -> None:
        now = self._clock()
        seen = sightings(under_way.asked, reasons, self._asked_before, now)
        closed = [s.account_id for s in seen if any(self._jobs.says_closed_by_owner(v) for _, v in s.facts)]
        job = f"compliance job {under_way.job_id}"
        async with transaction(self._pool) as conn:
            await observe(conn, self._jobs.source, seen)
            await record_closed_by_owner(conn, closed, self._name, job, self._jobs.source, now)
        self._asked_before.update(dict.fromkeys((s.account_id for s in seen), under_way.asked_at))
        self._close(under_way)

    def _close(self, under_way: _Open) -> None:
        self._open = None
        self._next_at = under_way.asked_at + EVERY

    def _met(self, failure: RequestFailure, now: datetime) -> None:
        if failure.reason is not MissedReason.ACCESS:
            self._next_at = max(failure.retry_at, now + _LOOK_EVERY)
        elif not self._reported:
            self._reported = True
            log.warning(
                "%s does not say why accounts were closed (%s). It is asked again once per day; further "
                "refusals are not logged.",
                self._name,
                failure.detail,
                extra={"event": "compliance_refused"},
            )


def _day(under_way: _Open) -> str:
    return f"{under_way.asked_at:%Y-%m-%d}"

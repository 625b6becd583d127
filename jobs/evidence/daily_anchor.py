"""Once a day the newest head of the chain is taken to a time-stamping authority, where one is set."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from collectors.transport.client import Http
from jobs.base.clock import Clock
from jobs.config.settings import Settings, SettingsError
from jobs.evidence.pack_proof import Stamp
from jobs.evidence.rfc3161 import LIMITS, Authority, TimestampError, certificates_in, stamped
from storage.changes.hash_chain import Head, add_anchor, last_anchored_at, newest_head
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

_FIRST_PAUSE: Final = timedelta(minutes=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AnchoredHead:
    """A head and what the authority says of it; `stamp` None: it had its time stamp before."""

    head: Head
    stamp: Stamp | None


def authority_of(settings: Settings) -> Authority | None:
    """The authority of the settings, None when none is set. Raises SettingsError."""
    if settings.tsa_url is None or settings.tsa_certificates is None:
        return None
    try:
        return Authority(settings.tsa_url, certificates_in(settings.tsa_certificates))
    except TimestampError as error:
        raise SettingsError(f"Setting tsa_certificates: {error}") from error


async def anchor(pool: Pool, http: Http, authority: Authority, clock: Clock) -> AnchoredHead | None:
    """Have a time put on the newest head and keep the answer. None while nothing is recorded.

    No transaction is open while the authority is asked. Raises TimestampError.
    """
    async with transaction(pool) as conn:
        head = await newest_head(conn)
    if head is None:
        return None
    if any(one.authority == authority.url for one in head.anchors):
        return AnchoredHead(head, None)
    token, stamp = await stamped(http, authority, head.entry)
    async with transaction(pool) as conn:
        await add_anchor(conn, head.seq, authority.url, token, clock())
    return AnchoredHead(head, stamp)


def is_due(last: datetime | None, now: datetime) -> bool:
    """Whether no head has been anchored yet on this UTC day."""
    return last is None or last.astimezone(UTC).date() < now.astimezone(UTC).date()


class DailyAnchor:
    """The daily anchor. The first failure and the recovery are logged, nothing between."""

    def __init__(self, pool: Pool, http: Http, authority: Authority, clock: Clock) -> None:
        self._pool = pool
        self._http = http
        self._authority = authority
        self._clock = clock
        self._failures = 0
        self._not_before: datetime | None = None

    async def turn(self) -> None:
        """Anchor when it is due. What is wrong with the authority is never raised."""
        now = self._clock()
        if self._not_before is not None and now < self._not_before:
            return
        async with transaction(self._pool) as conn:
            last = await last_anchored_at(conn)
        if not is_due(last, now):
            return
        try:
            await anchor(self._pool, self._http, self._authority, self._clock)
        except TimestampError as error:
            self._failed(error, now)
            return
        if self._failures:
            log.warning("%s puts its time on the chain again.", self._authority.url)
        self._failures = 0
        self._not_before = None

    def _failed(self, error: TimestampError, now: datetime) -> None:
        if self._failures == 0:
            log.error("No time stamp for the chain from %s: %s.", self._authority.url, error)
        self._not_before = now + min(_FIRST_PAUSE * 2 ** min(self._failures, 10), _LONGEST_PAUSE)
        self._failures += 1


@asynccontextmanager
async def daily_anchor(settings: Settings, pool: Pool, clock: Clock) -> AsyncGenerator[DailyAnchor | None]:
    """The daily anchor of these settings with its connection; None when no authority is set."""
    authority = authority_of(settings)
    if authority is None:
        yield None
        return
    async with Http(LIMITS) as http:
        yield DailyAnchor(pool, http, authority, clock)

"""Reading OONI's measurements of how a country's networks reach the platforms: some requests a day."""

import logging
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from random import SystemRandom
from typing import Final

from collectors.core.collector import RequestFailure
from collectors.network.measurements import Measurements
from collectors.network.wire.aggregation import AggregationQuestion
from collectors.transport.client import Http, HttpOptions
from jobs.base.clock import Clock
from jobs.config.settings import Settings
from storage.countries.measured_networks import NetworkReads, network_reads, record_days, record_failure
from storage.model.platforms.registry import MEASURED_DOMAINS
from storage.postgres.errors import AlreadyHeld
from storage.postgres.locks import exclusive
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

EVERY: Final = timedelta(hours=6)
TRY_AGAIN_AFTER: Final = timedelta(minutes=30)
FIRST: Final = timedelta(days=90)
"""How far back the first read goes."""
STILL_CHANGING: Final = timedelta(days=7)
"""Devices send in measurements when they can. Earlier days are read again only if they were missed."""


def is_due(reads: NetworkReads | None, now: datetime) -> bool:
    """Whether a country is to be read, by how far it was read."""
    if reads is None:
        return True
    return reads.last_at + (EVERY if reads.failure is None else TRY_AGAIN_AFTER) <= now


def asked_days(reads: NetworkReads | None, now: datetime) -> tuple[date, date]:
    """The days to ask for, today among them: all that may have changed since the last answer."""
    answered = None if reads is None else reads.answered_at
    since = now - FIRST if answered is None else answered - STILL_CHANGING
    return since.date(), now.date() + timedelta(days=1)


class NetworkReader:
    """Reads each country when it is due. Of several processes one reads."""

    def __init__(
        self, dsn: str, pool: Pool, measurements: Measurements, countries: Collection[str], clock: Clock
    ) -> None:
        self._dsn = dsn
        self._pool = pool
        self._measurements = measurements
        self._countries = countries
        self._clock = clock

    async def turn(self) -> None:
        """Read what is due. Failures of OONI are recorded, not raised."""
        if not await self._due():
            return
        try:
            async with exclusive(self._dsn, "network measurements", 0):
                for country, reads in (await self._due()).items():
                    await self._read(country, reads)
        except AlreadyHeld:
            return

    async def _due(self) -> dict[str, NetworkReads | None]:
        async with transaction(self._pool) as conn:
            reads = await network_reads(conn, self._countries)
        now = self._clock()
        return {c: reads.get(c) for c in self._countries if is_due(reads.get(c), now)}

    async def _read(self, country: str, reads: NetworkReads | None) -> None:
        now = self._clock()
        since, until = asked_days(reads, now)
        answer = await self._measurements.days(
            AggregationQuestion(country, MEASURED_DOMAINS, since, until), now
        )
        async with transaction(self._pool) as conn:
            if isinstance(answer, RequestFailure):
                await record_failure(conn, country, (since, until), answer.detail, self._clock())
            else:
                await record_days(conn, country, (since, until), answer, self._clock())
        if isinstance(answer, RequestFailure):
            if reads is None or reads.failure is None:
                log.warning(
                    "OONI's measurements from %s could not be read: %s",
                    country,
                    answer.detail,
                    extra={"event": "network_read_failed", "country": country},
                )
        elif reads is not None and reads.failure is not None:
            log.info(
                "OONI's measurements from %s are read again",
                country,
                extra={"event": "network_read_recovered", "country": country},
            )


@asynccontextmanager
async def network_reader(
    settings: Settings, dsn: str, pool: Pool, clock: Clock
) -> AsyncGenerator[NetworkReader]:
    """The reader of the countries in the settings."""
    async with Http(HttpOptions(timeout_s=60.0)) as http:
        measurements = Measurements(http, settings.ooni_api, SystemRandom())
        yield NetworkReader(dsn, pool, measurements, settings.network_countries, clock)

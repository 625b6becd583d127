"""Which days are asked for and when, and what is kept of the answers: with a real server and database."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from collectors.network.measurements import Measurements
from collectors.network.simulator.answers import PublishedDay
from collectors.network.simulator.app import simulated_ooni
from collectors.network.wire.aggregation import PATH
from collectors.simulator.faults import FaultPlan, Outage
from collectors.simulator.server import SimulatorServer
from collectors.transport.client import Http, HttpOptions, Retry
from jobs.collect.network_measurements import EVERY, NetworkReader
from storage.countries.measured_networks import measured_days, network_reads
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import T0

DAY = timedelta(days=1)
TODAY = T0.date()


def day(at: datetime, anomaly: int, ok: int, domain: str = "x.com") -> MeasuredDay:
    return MeasuredDay(domain, at.date(), confirmed=0, anomaly=anomaly, failure=0, ok=ok)


class Desk:
    """A reader of one server, at a time that the test sets."""

    def __init__(self, dsn: str, pool: Pool, http: Http, server: SimulatorServer) -> None:
        self.now = T0
        self._server = server
        measurements = Measurements(http, server.base_url, Random(1))
        self.reader, self.second = (
            NetworkReader(dsn, pool, measurements, ["TR"], lambda: self.now) for _ in range(2)
        )

    async def at(self, now: datetime) -> None:
        self.now = now
        self._server.set_clock(now)
        await self.reader.turn()

    @property
    def requests(self) -> int:
        return self._server.counts[PATH].get("requests", 0)


async def through(
    dsn: str, pool: Pool, published: Sequence[PublishedDay], times: Sequence[datetime], faults: FaultPlan
) -> int:
    async with (
        simulated_ooni(published, T0, faults) as server,
        Http(HttpOptions(retry=Retry(attempts=0))) as http,
    ):
        desk = Desk(dsn, pool, http, server)
        for now in times:
            await desk.at(now)
        return desk.requests


async def test_a_failed_read_is_recorded_as_one_and_leaves_the_counts_alone(dsn: str, pool: Pool) -> None:
    known = day(T0, 3, 1)
    faults = FaultPlan(outages=(Outage(T0 + EVERY / 2, T0 + 2 * EVERY),))
    await through(dsn, pool, [PublishedDay("TR", known, T0)], [T0, T0 + EVERY], faults)
    async with transaction(pool) as conn:
        (found,) = (await network_reads(conn)).values()
        assert (found.last_at, found.failure, found.answered_at) == (T0 + EVERY, "HTTP 502", T0)
        assert await measured_days(conn, "TR", TODAY, TODAY + DAY) == [known]
        before = await network_reads(conn, known_at=T0)
        assert before["TR"].failure is None


async def test_a_country_that_is_not_due_is_not_asked_for(dsn: str, pool: Pool) -> None:
    times = [T0, T0 + EVERY / 2, T0 + EVERY - DAY / 1440]
    assert await through(dsn, pool, [], times, FaultPlan()) == 1


async def test_of_two_processes_one_reads(dsn: str, pool: Pool) -> None:
    async with simulated_ooni([], T0) as server, Http(HttpOptions()) as http:
        desk = Desk(dsn, pool, http, server)
        await asyncio.gather(desk.reader.turn(), desk.second.turn())
        assert desk.requests == 1

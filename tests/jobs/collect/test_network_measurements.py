"""Which days are asked for and when, and what is kept of the answers: with a real server and database."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import pytest

from collectors.network.measurements import Measurements
from collectors.network.simulator.answers import PublishedDay
from collectors.network.simulator.app import simulated_ooni
from collectors.network.wire.aggregation import PATH
from collectors.simulator.faults import FaultPlan, Outage
from collectors.simulator.server import SimulatorServer
from collectors.transport.client import Http, HttpOptions, Retry
from jobs.collect.network_measurements import EVERY, TRY_AGAIN_AFTER, NetworkReader, asked_days, is_due
from storage.countries.measured_networks import NetworkReads, measured_days, network_reads
from storage.model.core.reachability import MeasuredDay
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import T0

DAY = timedelta(days=1)
TODAY = T0.date()


def day(at: datetime, anomaly: int, ok: int, domain: str = "x.com") -> MeasuredDay:
    return MeasuredDay(domain, at.date(), confirmed=0, anomaly=anomaly, failure=0, ok=ok)


def reads(last: timedelta, failure: str | None = None, answered: timedelta | None = None) -> NetworkReads:
    return NetworkReads(T0 - 99 * DAY, T0 - last, failure, None if answered is None else T0 - answered, TODAY)


@pytest.mark.parametrize(
    ("known", "due"),
    [
        pytest.param(None, True, id="never read"),
        pytest.param(reads(EVERY, answered=EVERY), True, id="read long ago"),
        pytest.param(reads(EVERY - DAY / 1440, answered=DAY), False, id="read lately"),
        pytest.param(reads(TRY_AGAIN_AFTER, "no answer"), True, id="failed a while ago"),
        pytest.param(reads(TRY_AGAIN_AFTER / 2, "no answer"), False, id="failed just now"),
    ],
)
def test_a_country_is_due_by_its_last_read(known: NetworkReads | None, due: bool) -> None:
    assert is_due(known, T0) is due


@pytest.mark.parametrize(
    ("known", "days"),
    [
        pytest.param(None, 90, id="at first"),
        pytest.param(reads(EVERY, answered=EVERY), 7, id="of the last days the counts still change"),
        pytest.param(reads(DAY, "no answer"), 90, id="if there was never an answer"),
        pytest.param(
            reads(DAY, "no answer", answered=20 * DAY), 27, id="after twenty days without an answer"
        ),
    ],
)
def test_all_days_that_may_have_changed_are_asked_for(known: NetworkReads | None, days: int) -> None:
    since, until = asked_days(known, T0.replace(hour=12))
    assert until - since in {timedelta(days=days + 1), timedelta(days=days + 2)}
    assert until == TODAY + DAY


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


async def test_counts_that_grew_are_stored_beside_those_that_were_known_before(dsn: str, pool: Pool) -> None:
    first, later = day(T0, 3, 1), day(T0, 20, 2)
    published = [PublishedDay("TR", first, T0), PublishedDay("TR", later, T0 + EVERY)]
    await through(dsn, pool, published, [T0, T0 + EVERY, T0 + 2 * EVERY], FaultPlan())
    async with transaction(pool) as conn:
        span = TODAY, TODAY + 9 * DAY
        assert await measured_days(conn, "TR", *span) == [later]
        assert await measured_days(conn, "TR", *span, known_at=T0 + EVERY / 2) == [first]
        assert await measured_days(conn, "TR", *span, known_at=T0 - EVERY) == []
        assert await conn.fetchval("select count(*) from network_day") == 2


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

"""What an answer of OONI's API proves, and how it is asked, over a real socket."""

import json
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault
from collectors.network.measurements import Measurements
from collectors.network.simulator.answers import PublishedDay
from collectors.network.simulator.app import simulated_ooni
from collectors.network.wire.aggregation import AggregationQuestion, read_aggregation
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.transport.client import Http, HttpOptions, Retry
from storage.model.core.availability import MissedReason
from storage.model.core.reachability import MeasuredDay
from tests.support.samples.readings import T0

TODAY = T0.date()
DAY = timedelta(days=1)
ASKED = AggregationQuestion("TR", ("x.com", "bsky.app"), TODAY - 3 * DAY, TODAY + DAY)
BLOCKED = MeasuredDay("x.com", TODAY, confirmed=2, anomaly=40, failure=3, ok=10)
FREE = MeasuredDay("bsky.app", TODAY, confirmed=0, anomaly=1, failure=0, ok=30)


def row(one: MeasuredDay = BLOCKED, **other: Any) -> dict[str, Any]:
    return {
        "confirmed_count": one.confirmed,
        "anomaly_count": one.anomaly,
        "failure_count": one.failure,
        "ok_count": one.ok,
        "measurement_count": one.measured,
        "measurement_start_day": one.day.isoformat(),
        "domain": one.domain,
        **other,
    }


def answer(*rows: object) -> bytes:
    return json.dumps({"v": 0, "dimension_count": 2, "db_stats": {}, "result": rows}).encode()


@pytest.mark.parametrize(
    ("http_status", "body", "reason"),
    [
        pytest.param(429, b"", MissedReason.RATE_LIMITED, id="a rate limit"),
        pytest.param(502, b"<html>", MissedReason.UPSTREAM, id="a fault of the server"),
        pytest.param(400, b'{"detail":"no"}', MissedReason.BAD_REQUEST, id="a refused question"),
        pytest.param(200, b"", MissedReason.MALFORMED, id="nothing"),
        pytest.param(200, b'{"v":0,"msg":"too slow"}', MissedReason.MALFORMED, id="an error as an answer"),
        pytest.param(200, b'{"result":{"ok_count":1}}', MissedReason.MALFORMED, id="one count for all"),
        pytest.param(200, answer(row(), 7), MissedReason.MALFORMED, id="one row is none"),
        pytest.param(200, answer(row(ok_count=-1)), MissedReason.MALFORMED, id="a count below zero"),
        pytest.param(200, answer(row(ok_count=True)), MissedReason.MALFORMED, id="a count that is none"),
        pytest.param(200, answer(row(measurement_count=9)), MissedReason.MALFORMED, id="a sum that is wrong"),
        pytest.param(200, answer(row(domain="y.com")), MissedReason.MALFORMED, id="another domain"),
        pytest.param(
            200,
            answer(row(measurement_start_day="2021-02-01T03:00:00Z")),
            MissedReason.MALFORMED,
            id="counted by the hour",
        ),
        pytest.param(
            200, answer(row(measurement_start_day="1999-01-01")), MissedReason.MALFORMED, id="another day"
        ),
        pytest.param(200, answer(row(), row()), MissedReason.MALFORMED, id="the same day twice"),
    ],
)
def test_of_any_other_answer_nothing_is_taken(http_status: int, body: bytes, reason: MissedReason) -> None:
    said = read_aggregation(http_status, body, ASKED)
    assert isinstance(said, WireFault)
    assert said.reason is reason


@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.UNAVAILABLE_HTML, FaultKind.TRUNCATED])
async def test_a_failed_request_says_when_to_try_again(kind: FaultKind) -> None:
    faults = FaultPlan(weights={kind: 100_000})
    said = await asked_of([PublishedDay("TR", BLOCKED, T0)], faults)
    assert isinstance(said, RequestFailure)
    assert said.retry_at > T0


async def asked_of(
    published: list[PublishedDay], faults: FaultPlan
) -> tuple[MeasuredDay, ...] | RequestFailure:
    options = HttpOptions(retry=Retry(attempts=0))
    async with simulated_ooni(published, T0, faults) as server, Http(options) as http:
        return await Measurements(http, server.base_url, Random(1)).days(ASKED, T0)


def counted(irregular: int, ok: int, day: date = TODAY) -> MeasuredDay:
    return MeasuredDay("x.com", day, confirmed=0, anomaly=irregular, failure=50, ok=ok)

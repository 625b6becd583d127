"""The X collector over real sockets: what it sends and what it survives."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web

from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, settled
from collectors.transport.client import MAX_BODY, HttpOptions, Retry
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from storage.model.core.availability import MissedReason, State, Status
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_x import HTML, TOKEN, USERS, collector, cut, one_read, plain, scripted

IMPATIENT = HttpOptions(timeout_s=0.05, retry=Retry(0))


async def test_tweepy_asks_for_the_ids_and_for_no_field_that_is_not_used() -> None:
    answer, server = await one_read(plain(200, USERS))
    (request,) = server.asked
    assert request.path == "/2/users"
    assert request.rel_url.query["ids"] == "7"
    fields = request.rel_url.query["user.fields"].split(",")
    assert {"username", "protected", "withheld"} <= set(fields)
    assert "created_at" not in fields
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["User-Agent"] == "Blockline"
    assert [reading.state for reading in answer.readings] == [State(Status.AVAILABLE)]
    (exchange,) = answer.exchanges
    assert (exchange.body, exchange.http_status) == (USERS, 200)
    assert answer.trouble is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(plain(429, b"{}"), MissedReason.RATE_LIMITED, id="429 without a reset"),
        pytest.param(
            plain(429, b"{}", x_rate_limit_reset="1"), MissedReason.RATE_LIMITED, id="429 with a past reset"
        ),
        pytest.param(
            plain(429, b"{}", x_rate_limit_reset="soon"),
            MissedReason.RATE_LIMITED,
            id="429, reset not a number",
        ),
        pytest.param(plain(429, HTML), MissedReason.RATE_LIMITED, id="429 HTML"),
        pytest.param(plain(503, HTML), MissedReason.UPSTREAM, id="503 HTML"),
        pytest.param(plain(503), MissedReason.UPSTREAM, id="503 empty"),
        pytest.param(plain(402, b'{"title":"CreditsDepleted"}'), MissedReason.CREDITS, id="402"),
        pytest.param(plain(403, b'{"title":"Forbidden"}'), MissedReason.ACCESS, id="403"),
        pytest.param(plain(400, b'{"errors":null}'), MissedReason.BAD_REQUEST, id="400 errors null"),
        pytest.param(plain(200, HTML), MissedReason.MALFORMED, id="200 HTML"),
        pytest.param(plain(302, HTML, Location="/login"), MissedReason.UPSTREAM, id="302 to HTML"),
        pytest.param(plain(200, USERS[:30]), MissedReason.MALFORMED, id="200 truncated"),
        pytest.param(plain(200), MissedReason.MALFORMED, id="200 empty"),
        pytest.param(plain(200, b"null"), MissedReason.MALFORMED, id="200 null"),
        pytest.param(plain(200, b"[]"), MissedReason.MALFORMED, id="200 array"),
        pytest.param(plain(200, b'{"data":{}}'), MissedReason.OMITTED, id="200 data empty"),
        pytest.param(plain(200, b'{"data":[{"id":"7"}]}'), MissedReason.MALFORMED, id="user without name"),
        pytest.param(plain(404), MissedReason.UPSTREAM, id="unknown path"),
    ],
)
async def test_what_makes_tweepy_stumble_is_one_request_and_one_miss(
    script: Callable[[web.BaseRequest], web.Response], reason: MissedReason
) -> None:
    answer, server = await one_read(script)
    assert [miss.reason for miss in answer.missed] == [reason]
    assert answer.readings == ()
    assert len(server.asked) == 1


async def test_a_connection_that_is_cut_is_a_miss() -> None:
    answer, _ = await one_read(cut)
    assert [miss.reason for miss in answer.missed] == [MissedReason.NETWORK]
    assert answer.trouble is not None
    assert answer.trouble.retry_at == T0 + MINUTE
    assert not answer.trouble.breaker


async def test_an_answer_that_never_comes_is_a_miss_after_the_time_limit() -> None:
    faults = FaultPlan({FaultKind.HANG: 100_000}, hang_s=30)
    history = History((settled(X, "7", [(T0, State(Status.AVAILABLE), "a")]),))
    async with serve_x(history, faults=faults) as server, collector(server.base_url, http=IMPATIENT) as x:
        answer = await x.read(["7"], T0)
    assert [(miss.reason, miss.detail) for miss in answer.missed] == [
        (MissedReason.NETWORK, "no answer in time")
    ]


async def test_a_server_that_is_not_there_is_a_miss() -> None:
    async with scripted(plain(200)) as server:
        gone = server.base_url
    async with collector(gone) as x:
        answer = await x.read(["7"], T0)
    assert [miss.reason for miss in answer.missed] == [MissedReason.NETWORK]


async def test_an_endless_answer_is_not_taken_in() -> None:
    answer, _ = await one_read(plain(200, b" " * (MAX_BODY + 1)))
    assert [miss.reason for miss in answer.missed] == [MissedReason.NETWORK]
    assert answer.exchanges == ()


@pytest.mark.parametrize(
    ("attempts", "failures", "requests", "reads"),
    [(0, 1, 1, False), (2, 1, 2, True), (2, 2, 3, True), (2, 3, 3, False)],
)
async def test_a_failed_get_is_repeated_as_often_as_allowed(
    attempts: int, failures: int, requests: int, reads: bool
) -> None:
    left = iter([plain(503, HTML)] * failures)
    answer, server = await one_read(
        lambda request: next(left, plain(200, USERS))(request),
        http=HttpOptions(retry=Retry(attempts, base_s=0)),
    )
    assert len(server.asked) == requests
    assert bool(answer.readings) is reads


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429])
async def test_a_refusal_is_not_repeated(status: int) -> None:
    _, server = await one_read(plain(status), http=HttpOptions(retry=Retry(2, base_s=0)))
    assert len(server.asked) == 1


async def test_a_cancelled_read_is_not_an_answer() -> None:
    history = History((settled(X, "7", [(T0, State(Status.AVAILABLE), "a")]),))
    async with (
        serve_x(history, faults=FaultPlan({FaultKind.HANG: 100_000}, hang_s=30)) as server,
        collector(server.base_url) as x,
    ):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(x.read(["7"], T0), 0.05)


# ids -----------------------------------------------------------------------------------------------------


async def test_an_id_that_cannot_be_one_is_missed_and_not_sent() -> None:
    async with scripted(plain(200, USERS)) as server, collector(server.base_url) as x:
        odd = ["", "a", "7,8", "-1", "1" * 20, "７"]
        answer = await x.read([*odd, "7"], T0)
        assert [request.rel_url.query["ids"] for request in server.asked] == ["7"]
        assert [miss.native_id for miss in answer.missed] == odd
        assert {miss.reason for miss in answer.missed} == {MissedReason.BAD_REQUEST}
        assert [reading.native_id for reading in answer.readings] == ["7"]
        nothing = await x.read(odd, T0)
        assert len(nothing.missed) == len(odd)
        assert nothing.trouble is None
        assert len(server.asked) == 1


async def test_more_accounts_than_x_answers_are_refused() -> None:
    async with collector("http://127.0.0.1:9") as x:
        with pytest.raises(ValueError, match="at most 100"):
            await x.read([str(n) for n in range(101)], T0)


def refusing(bad: set[str]) -> Callable[[web.BaseRequest], web.Response]:
    """X as it is with ids that it calls malformed: one of them fails the whole request."""

    def script(request: web.BaseRequest) -> web.Response:
        ids = request.rel_url.query["ids"].split(",")
        if bad & set(ids):
            return web.Response(status=400, body=b'{"errors":null}')
        users = [{"id": native_id, "username": "a", "protected": False} for native_id in ids]
        return web.Response(body=json.dumps({"data": users}).encode())

    return script


@pytest.mark.parametrize("position", [0, 37, 99])
async def test_one_id_that_x_refuses_is_found_and_the_others_are_read(position: int) -> None:
    ids = [str(n) for n in range(100)]
    async with scripted(refusing({ids[position]})) as server, collector(server.base_url) as x:
        answer = await x.read(ids, T0)
    assert [miss.native_id for miss in answer.missed] == [ids[position]]
    assert len(answer.readings) == 99
    assert answer.trouble is None
    assert len(server.asked) <= 17
    assert x.evidence(answer.exchanges, ["50", "51"])
    (last,) = answer.exchanges
    # The answer that counts came after all that looked for the id.
    assert timedelta() < last.asked_after < last.answered_after


async def test_a_batch_that_is_refused_in_every_part_costs_a_bounded_number_of_requests() -> None:
    ids = [str(n) for n in range(100)]
    async with scripted(refusing(set(ids))) as server, collector(server.base_url) as x:
        answer = await x.read(ids, T0)
    assert len(server.asked) == 1 + 15
    assert sorted(miss.native_id for miss in answer.missed) == sorted(ids)
    assert answer.trouble is not None
    assert answer.trouble.reason is MissedReason.BAD_REQUEST
    assert not answer.trouble.breaker


async def test_a_refused_batch_is_not_halved_when_no_request_is_left() -> None:
    left = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(T0.timestamp()) + 300)}
    script = plain(400, b'{"errors":null}', **left)
    async with scripted(script) as server, collector(server.base_url) as x:
        answer = await x.read(["7", "8"], T0)
    assert len(server.asked) == 1
    assert [miss.reason for miss in answer.missed] == [MissedReason.RATE_LIMITED] * 2
    assert answer.trouble is not None
    assert answer.trouble.retry_at == T0 + 5 * MINUTE

"""The X collector over real sockets: what it sends and what it survives."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web

from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, settled
from collectors.transport.client import MAX_BODY
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from storage.model.core.availability import MissedReason, State, Status
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_x import USERS, collector, one_read, plain, scripted


async def test_an_endless_answer_is_not_taken_in() -> None:
    answer, _ = await one_read(plain(200, b" " * (MAX_BODY + 1)))
    assert [miss.reason for miss in answer.missed] == [MissedReason.NETWORK]
    assert answer.exchanges == ()


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


async def test_a_refused_batch_is_not_halved_when_no_request_is_left() -> None:
    left = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(T0.timestamp()) + 300)}
    script = plain(400, b'{"errors":null}', **left)
    async with scripted(script) as server, collector(server.base_url) as x:
        answer = await x.read(["7", "8"], T0)
    assert len(server.asked) == 1
    assert [miss.reason for miss in answer.missed] == [MissedReason.RATE_LIMITED] * 2
    assert answer.trouble is not None
    assert answer.trouble.retry_at == T0 + 5 * MINUTE

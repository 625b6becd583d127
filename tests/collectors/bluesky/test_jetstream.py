"""Jetstream: the client over real sockets against the simulator, and the pure reading of its messages."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.jetstream import Jetstream, StreamLost
from collectors.bluesky.simulator.app import serve_bluesky
from collectors.bluesky.simulator.jetstream import EventLog
from collectors.bluesky.wire.jetstream import (
    MOST_DIDS,
    hello,
    parse_event,
    query,
)
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, HistoryAccount, settled
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0
from tests.support.simulated.bluesky_cast import (
    ALICE,
    BOB,
    CAROL,
    HOUR,
    account,
)

LIVED = account(ALICE, AVAILABLE, SUSPENDED, AVAILABLE, NOT_FOUND)
OTHER = account(BOB, AVAILABLE, SUSPENDED, AVAILABLE, NOT_FOUND)
BOTH = History((LIVED, OTHER))


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.RESET,
        FaultKind.HANG,
        FaultKind.UNAVAILABLE_HTML,
        FaultKind.LIMIT_HTML,
        FaultKind.HTML,
        FaultKind.REDIRECT,
    ],
)
async def test_a_server_that_refuses_the_stream_is_lost(kind: FaultKind) -> None:
    async with serve_bluesky(BOTH, faults=FaultPlan({kind: 100_000}, hang_s=0.01)) as server:
        with pytest.raises(StreamLost, match="cannot be reached"):
            await anext(Jetstream(server.stream_url).events([ALICE], None))


@asynccontextmanager
async def served(handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncGenerator[str]:
    """The address of a stream that is served like this."""
    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/subscribe"
    finally:
        await runner.cleanup()


Script = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script, autoping: bool = True) -> AsyncGenerator[str]:
    """A stream that sends what a test says, after it was told what is wanted. Yields its address."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=autoping)
        await socket.prepare(request)
        assert json.loads(await socket.receive_str())["type"] == "options_update"
        await script(socket)
        return socket

    async with served(handle) as url:
        yield url


def message(did: str = ALICE, time_us: object = 1_612_137_600_000_000, kind: str = "account") -> str:
    return json.dumps({"did": did, "time_us": time_us, "kind": kind, kind: {"active": False, "did": did}})


async def test_garbage_and_what_nobody_asked_for_are_skipped() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        for text in ("", "{", "null", "[]", "{}", '{"did":7}', message(BOB), message(kind="commit")):
            await socket.send_str(text)
        await socket.send_bytes(b"\xff\x00")
        await socket.send_str(message())
        await socket.receive()

    async with scripted(script) as url, aclosing(Jetstream(url).events([ALICE], None)) as events:
        assert (await anext(events)).at == T0


async def test_a_server_that_answers_no_ping_is_lost() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            await socket.receive()

    async with scripted(script, autoping=False) as url:
        with pytest.raises(StreamLost, match="event stream"):
            await anext(Jetstream(url, heartbeat_s=0.05).events([ALICE], None))


async def test_a_server_that_takes_the_connection_and_never_speaks_is_lost() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async with served(handle) as url:
        with pytest.raises(StreamLost, match="in time"):
            await anext(Jetstream(url, timeout_s=0.05).events([ALICE], None))


@pytest.mark.parametrize("dids", [[], [f"did:plc:{n}" for n in range(MOST_DIDS + 1)]])
async def test_a_connection_for_nobody_or_for_too_many_is_refused(dids: list[str]) -> None:
    with pytest.raises(ValueError, match="1 to 10000 accounts"):
        await anext(Jetstream("ws://127.0.0.1:9").events(dids, None))


@pytest.mark.parametrize("text", ["{", '{"type":"x"}', '{"type":"options_update","payload":[]}'])
async def test_the_simulator_ends_a_connection_that_sends_anything_else(text: str) -> None:
    async with (
        serve_bluesky(BOTH) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.stream_url) as socket,
    ):
        await socket.send_str(text)
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1007


async def test_the_simulator_waits_for_a_hello_that_replaces_what_the_query_wants() -> None:
    params = {"wantedDids": ALICE, "requireHello": "true"}
    async with (
        serve_bluesky(BOTH) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.stream_url, params=params) as socket,
    ):
        server.set_clock(T0 + HOUR)
        await socket.send_str(hello([BOB]))
        assert (await socket.receive_json())["did"] == BOB


@pytest.mark.parametrize("params", [{"cursor": "soon"}, {"wantedDids": "alice"}])
async def test_the_simulator_refuses_what_cannot_be(params: dict[str, str]) -> None:
    async with serve_bluesky(BOTH) as server, aiohttp.ClientSession() as session:
        async with session.get(server.base_url + "/subscribe", params=params) as response:
            assert response.status == 400
        async with session.get(server.base_url + "/subscribe") as response:
            assert response.status == 400


def played(*accounts: HistoryAccount) -> list[dict[str, object]]:
    return [json.loads(text) for text in EventLog(accounts).between(T0, T0 + 100 * HOUR, ())]


def test_an_identity_that_leads_nowhere_is_announced_without_a_handle() -> None:
    lost = settled(BLUESKY, CAROL, [(T0, AVAILABLE, "carol.test"), (T0 + HOUR, AVAILABLE, "handle.invalid")])
    (event,) = played(lost)
    assert event["kind"] == "identity"
    assert "handle" not in str(event["identity"])


@given(st.text() | st.dictionaries(st.sampled_from(["did", "time_us", "kind"]), st.none()).map(json.dumps))
def test_no_message_raises(text: str) -> None:
    assert parse_event(text) is None


@given(st.integers(0, len(message()) - 1))
def test_a_truncated_event_is_none(length: int) -> None:
    assert parse_event(message()[:length]) is None


def test_a_cursor_that_no_event_carried_is_refused() -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        query("soon")
    assert query("3000000") == {"requireHello": "true", "cursor": "0"}
    assert query(None) == {"requireHello": "true"}

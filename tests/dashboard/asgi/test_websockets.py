"""Websockets that are closed from outside: by the end of a session, whichever process holds them."""

import asyncio
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from dashboard.asgi.process import WebProcess
from dashboard.asgi.websockets import AGAIN, Socket, Sockets, WebSocketMiddleware
from dashboard.live.push import Hub
from storage.people.sessions import announce_ended, ended_session
from storage.postgres.pool import Pool, transaction
from tests.support.servers.dashboard import SETTINGS, mounted, until


async def _is(value: bool) -> bool:
    return value


class Login:
    """Stands for the login: whose websocket it is, the test says in a header."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        session = (
            dict(scope["headers"]).get(b"x-session", b"").decode() if scope["type"] != "lifespan" else ""
        )
        state = {**scope.get("state", {}), **({"session": session} if session else {})}
        await self._app({**scope, "state": state}, receive, send)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An app that says what it hears until it is told that the browser has gone."""
    if scope["type"] == "lifespan":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def test_only_the_websockets_of_the_session_that_ended_are_closed() -> None:
    sockets = Sockets()
    async with (
        mounted(Login(WebSocketMiddleware(echo, sockets))) as base,
        aiohttp.ClientSession() as session,
        session.ws_connect(base, headers={"X-Session": "ada"}) as ada,
        session.ws_connect(base, headers={"X-Session": "ada"}) as also_ada,
        session.ws_connect(base, headers={"X-Session": "bob"}) as bob,
        session.ws_connect(base) as nobody,
    ):
        await until(lambda: _is(len(sockets) == 4))
        assert sockets.close("ada") == 2
        for closed in (ada, also_ada):
            assert (await closed.receive()).type == aiohttp.WSMsgType.CLOSE
            assert closed.close_code == 4001
        for open_still in (bob, nobody):
            await open_still.send_str("still here")
            assert await open_still.receive_str() == "still here"
        await until(lambda: _is(len(sockets) == 2))


async def test_a_browser_that_leaves_by_itself_is_forgotten() -> None:
    sockets = Sockets()
    async with mounted(WebSocketMiddleware(echo, sockets)) as base, aiohttp.ClientSession() as session:
        async with session.ws_connect(base):
            await until(lambda: _is(len(sockets) == 1))
        await until(lambda: _is(len(sockets) == 0))


async def test_an_app_that_listens_only_after_the_end_hears_of_it() -> None:
    async def never() -> Any:
        raise AssertionError("nothing is read from a websocket that was closed")

    socket = Socket(None, never)
    socket.close(AGAIN)

    assert await socket.receive() == {"type": "websocket.disconnect", "code": AGAIN}


async def test_a_session_that_ends_in_the_database_loses_its_websockets_in_every_process(
    pool: Pool, dsn: str, now: datetime
) -> None:
    one, other = (
        Hub(WebProcess(pool, lambda: now, dsn, SETTINGS)),
        Hub(WebProcess(pool, lambda: now, dsn, SETTINGS)),
    )
    async with asyncio.TaskGroup() as tasks:
        works = [tasks.create_task(hub.run()) for hub in (one, other)]
        async with (
            mounted(Login(WebSocketMiddleware(echo, one.process.sockets))) as here,
            mounted(Login(WebSocketMiddleware(echo, other.process.sockets))) as there,
            aiohttp.ClientSession() as session,
            session.ws_connect(here, headers={"X-Session": "ada"}) as first,
            session.ws_connect(there, headers={"X-Session": "ada"}) as second,
        ):
            await until(lambda: _is(one.process.listening and other.process.listening))
            async with transaction(pool) as conn:
                await announce_ended(conn, "ada")
            for socket in (first, second):
                assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE
        for work in works:
            work.cancel()


@pytest.mark.parametrize(
    ("payload", "session"),
    [
        pytest.param("ended 2bd806c9", "2bd806c9", id="a session that ended"),
        pytest.param("17", None, id="the id of an event"),
    ],
)
def test_a_payload_is_about_an_event_or_about_a_session(payload: str, session: str | None) -> None:
    assert ended_session(payload) == session

"""Websockets that are closed from outside: by the end of a session, by a limit, by what they say."""

import asyncio
from contextlib import ExitStack
from typing import Any

import aiohttp
import pytest

from dashboard.asgi.websocket_messages import MessageError
from dashboard.asgi.websockets import (
    ENDED,
    IN_ALL,
    PER_ADDRESS,
    PER_PERSON,
    PUSHES,
    Socket,
    Sockets,
    WebSocketMiddleware,
)
from tests.support.servers.dashboard import mounted, until


async def _is(value: bool) -> bool:
    return value


def of_any_kind(_: str) -> None:
    """Stands for the check of messages, where a test is about something else."""


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
        mounted(Login(WebSocketMiddleware(echo, sockets, of_any_kind))) as base,
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


async def no_message() -> Any:
    raise AssertionError("nothing is read")


def a_socket(person: str | None, address: str = "192.0.2.1", session: str = "one") -> Socket:
    return Socket(None if person is None else session, person, address, no_message, of_any_kind)


@pytest.mark.parametrize(
    ("person", "most"),
    [
        pytest.param("ada", PER_PERSON, id="a person, in whatever sessions"),
        pytest.param(None, PER_ADDRESS, id="an address, where there is no login"),
    ],
)
async def test_one_websocket_too_many_closes_the_oldest_of_the_same_reader(
    person: str | None, most: int, caplog: pytest.LogCaptureFixture
) -> None:
    sockets = Sockets()
    others = [a_socket("bob"), a_socket(None, "192.0.2.2")]
    theirs = [a_socket(person, session=f"session {n}") for n in range(most + 2)]
    with ExitStack() as stack:
        for one in (*others, *theirs):
            stack.enter_context(sockets.opened(one))
        assert [one.code for one in theirs[:3]] == [ENDED, ENDED, None]
        assert {one.code for one in (*others, *theirs[2:])} == {None}
    assert len(sockets) == 0
    kind = "address" if person is None else "person"
    assert [r.getMessage() for r in caplog.records] == [
        f"Closed the oldest of {most} websockets of one {kind} (192.0.2.1)"
    ]


async def test_beyond_what_a_process_holds_a_handshake_is_refused() -> None:
    sockets = Sockets()
    with ExitStack() as stack:
        for number in range(IN_ALL):
            stack.enter_context(sockets.opened(a_socket(f"person {number}")))
        async with (
            mounted(WebSocketMiddleware(echo, sockets, of_any_kind)) as base,
            aiohttp.ClientSession() as session,
        ):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(base)
    assert refused.value.status == 503
    assert len(sockets) == 0


async def test_a_message_is_checked_before_the_app_sees_it() -> None:
    def only_good(text: str) -> None:
        if text != "good":
            raise MessageError("is bad")

    async with (
        mounted(WebSocketMiddleware(echo, Sockets(), only_good)) as base,
        aiohttp.ClientSession() as session,
        session.ws_connect(base) as one,
    ):
        await one.send_str("good")
        assert await one.receive_str() == "good"
        await one.send_str("bad")
        assert (await one.receive()).data == ENDED


async def test_a_tab_has_one_push_and_a_websocket_only_so_many() -> None:
    socket, ended = a_socket("ada"), list[str]()

    async def push(tab: str, name: str) -> None:
        try:
            with socket.pushing(tab):
                await asyncio.Event().wait()
        finally:
            ended.append(name)

    async with asyncio.TaskGroup() as tasks:
        works = [tasks.create_task(push(f"tab {n}", f"push {n}")) for n in range(PUSHES)]
        await asyncio.sleep(0)
        works.append(tasks.create_task(push("tab 7", "second push 7")))
        await until(lambda: _is(len(ended) == 1))
        works.append(tasks.create_task(push("one more", "one more")))
        await until(lambda: _is(len(ended) == 2))
        assert ended == ["push 7", "push 0"]
        for work in works:
            work.cancel()

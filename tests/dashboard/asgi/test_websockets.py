"""Websockets that are closed from outside: by the end of a session, by a limit, by what they say."""

import asyncio
import json
from contextlib import ExitStack
from typing import Any

import aiohttp
import pytest

from dashboard.asgi.websocket_messages import DEEPEST, MessageError, check_message
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


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An app that says what it hears until it is told that the browser has gone."""
    if scope["type"] == "lifespan":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


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


CALLBACKS: dict[str, dict[str, Any]] = {
    "push": {"inputs": [], "state": [], "websocket": True},
    "wake": {
        "inputs": [{"id": "live-wake", "property": "data"}],
        "state": [{"id": "page", "property": "theme"}],
        "websocket": True,
    },
    "page.children": {"inputs": [], "state": [], "websocket": False},
}
WAKE: dict[str, Any] = {
    "output": "wake",
    "inputs": [{"id": "live-wake", "property": "data", "value": 1}],
    "changedPropIds": ["live-wake.data"],
    "parsedChangedPropsIds": ["live-wake.data"],
    "state": [{"id": "page", "property": "theme", "value": "dark"}],
}
TAB = "3f0c4b7e-2b7a-4c8e-9d55-0c4a3b1e6f10"
NONE: list[object] = []
PUSH: dict[str, Any] = {"output": "push", "inputs": [], "changedPropIds": [], "parsedChangedPropsIds": []}


def call(payload: object, **other: object) -> dict[str, object]:
    return {
        "type": "callback_request",
        "rendererId": TAB,
        "requestId": f"{TAB}-1",
        "payload": payload,
        **other,
    }


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


ANSWER: dict[str, object] = {
    "type": "get_props_response",
    "rendererId": TAB,
    "requestId": "1",
    "payload": {"data": 1},
}


SHAPE = "an unknown type or other fields"
CALLED = "a callback that this dashboard does not have"
VALUES = "other values than it has"


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        pytest.param("", "not JSON", id="nothing"),
        pytest.param('{"type":"heartbeat"', "not JSON", id="half"),
        pytest.param("[" * 100_000, "not JSON", id="deeper than Python reads"),
        pytest.param(f'{{"type":"heartbeat","n":{"9" * 5000}}}', "not JSON", id="a number without end"),
        pytest.param('{"type":"heartbeat","n":NaN}', "not JSON", id="no number"),
        pytest.param(json.dumps(nested(DEEPEST + 1)), "nested too deeply", id="deeper than any page says"),
        pytest.param("[]", "not a JSON object", id="a list"),
        pytest.param("null", "not a JSON object", id="null"),
        pytest.param({"type": ["heartbeat"]}, SHAPE, id="a type that is a list"),
        pytest.param({"type": "connect"}, SHAPE, id="a type of the worker's own"),
        pytest.param({"type": "heartbeat", "more": 1}, SHAPE, id="a heartbeat with more"),
        pytest.param(ANSWER | {"more": 1}, SHAPE, id="an answer with more"),
        pytest.param({"type": "get_props_response"}, SHAPE, id="an answer without all"),
        pytest.param(ANSWER | {"requestId": [1]}, "identifier", id="an identifier that is a list"),
        pytest.param(ANSWER | {"rendererId": "\ud800"}, "identifier", id="half a surrogate pair"),
        pytest.param(ANSWER | {"rendererId": "a\n"}, "identifier", id="an identifier with a line end"),
        pytest.param(ANSWER | {"requestId": "1" * 101}, "identifier", id="an identifier without end"),
        pytest.param(ANSWER | {"payload": "__disconnected__"}, "payload", id="a word of Dash's own"),
        pytest.param(call(3), "payload", id="a call that is a number"),
        pytest.param(call({}), CALLED, id="a call of nothing"),
        pytest.param(call(PUSH | {"output": ["push"]}), CALLED, id="a call of a list"),
        pytest.param(call(PUSH | {"output": "gone"}), CALLED, id="a callback of another version"),
        pytest.param(call(PUSH | {"output": "page.children"}), CALLED, id="a callback of HTTP"),
        pytest.param(call(PUSH | {"inputs": {"id": "x"}}), VALUES, id="inputs that are an object"),
        pytest.param(call(PUSH | {"inputs": [1]}), VALUES, id="an input that is a number"),
        pytest.param(call(PUSH | {"inputs": WAKE["inputs"]}), VALUES, id="an input too many"),
        pytest.param(call(WAKE | {"inputs": NONE}), VALUES, id="an input too few"),
        pytest.param(call(WAKE | {"state": None}), VALUES, id="a state that is null"),
        pytest.param(call(PUSH | {"cancelJob": 1}), VALUES, id="a field that no callback of ours has"),
        pytest.param(call(WAKE | {"changedPropIds": ["x.y"]}), "something else", id="another change"),
        pytest.param(call(WAKE | {"changedPropIds": {"x": 1}}), "something else", id="changes in an object"),
        pytest.param(call(WAKE | {"changedPropIds": [["x"]]}), "something else", id="a change in a list"),
    ],
)
def test_anything_else_is_refused_in_words_of_ours(said: object, fault: str) -> None:
    text = said if isinstance(said, str) else json.dumps(said)
    with pytest.raises(MessageError, match=fault):
        check_message(CALLBACKS, text)
